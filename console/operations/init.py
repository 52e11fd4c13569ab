"""Init: make a workspace."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ulid import ULID

from console.operations.sync.joining import absolute, cloned, given, name_remote
from console.version import version
from store.bounded import write_toml
from store.clock import Clock, SystemClock
from store.errors import InputError, LockgateError
from store.git.durability import disk_trouble, fsync_file
from store.git.remote_url import masked, trouble
from store.git.repository import Store, Writer
from store.identity import whoami
from store.progress import Report, silent
from store.records.operation import Operation
from store.records.policy import DEFAULT_POLICY, Policy
from store.settings import SETTINGS_TEMPLATE, load_settings
from store.signing.settled import signing
from store.snapshot import POLICY_PATH, record_path
from store.text import one_line
from store.workspace import STORE, Workspace

_FOLDERS = {
    "indexes": "the bytes of index versions",
    "live": "what running applications read, one file for each environment",
    "state": "caches, and what applications reported",
}
_SETTINGS = "settings.toml"
_NOTE_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Layout:
    """A workspace that is to be made."""

    root: Path
    """Absolute."""
    environments: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
    """(path in the workspace, what it is for)"""
    remote: str | None = None
    """The address that it is shared through, as it may be shown."""


def plan(path: Path | str, policy: Policy = DEFAULT_POLICY, remote: str | None = None) -> Layout:
    """What `init` would make. Raises InputError when it cannot: no name, a workspace there or around it, a
    remote that may not be one."""
    shown = one_line(str(path))
    if not str(path).strip():
        raise InputError(
            "init wants a folder: `lockgate init acme` makes it, `lockgate init .` takes this one."
        )
    root = Path(path).expanduser().absolute()
    if (root / STORE).exists():
        raise InputError(f"{shown} is a Lockgate workspace already; nothing was changed.")
    around = next((one for one in root.resolve().parents if (one / STORE).is_dir()), None)
    if around is not None:
        raise InputError(
            f"{shown} is inside the workspace {one_line(str(around))}, and workspaces do not nest: "
            "name a folder outside it. Another application is another workspace beside it."
        )
    occupied = next((one for one in (root, *root.parents) if one.exists() and not one.is_dir()), None)
    if occupied is not None:
        raise InputError(f"{one_line(str(occupied))} is a file; name a folder that is new or empty.")
    parts = (
        (f"{STORE}/", f"the store: a git repository with the environments {', '.join(policy.names)}"),
        *((f"{name}/", purpose) for name, purpose in _FOLDERS.items()),
        (_SETTINGS, "this machine's own settings"),
    )
    return Layout(root, policy.names, parts, _shown(remote) if remote is not None else None)


def init(
    path: Path | str,
    policy: Policy = DEFAULT_POLICY,
    clock: Clock | None = None,
    why: str = "",
    *,
    remote: str | None = None,
    report: Report = silent,
) -> Workspace:
    """Makes the workspace `path`; a folder that a killed init left half-made is completed.

    An empty `remote` gets the new store; one that holds a store is cloned, and `policy` and `why` say
    nothing then. Raises InputError as `plan` does, MachineryError when the disk or the remote refuses.
    """
    clock = clock or SystemClock()
    root = plan(path, policy, remote).root
    if len(why) > _NOTE_LIMIT:
        raise InputError(f"the note has {len(why):,} characters; at most {_NOTE_LIMIT:,} are kept.")
    is_new = not root.exists()
    try:
        for folder in (root, *(root / name for name in _FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = root / _SETTINGS
        if not settings.exists() or settings.stat().st_size == 0:
            settings.write_bytes(SETTINGS_TEMPLATE)
            settings.chmod(0o600)
        if remote is not None:
            name_remote(settings, remote)
        _make_store(root, policy, clock, why, report)
    except (OSError, LockgateError) as error:
        if is_new:
            shutil.rmtree(root, ignore_errors=True)
        if isinstance(error, LockgateError):
            raise
        raise disk_trouble(error, root) from None
    return Workspace(root, clock)


def _shown(remote: str) -> str:
    url = absolute(remote)
    if (wrong := trouble(url)) is not None:
        raise InputError(f"the remote's address {wrong}; nothing was changed. Give another one.")
    return masked(url)


def _make_store(root: Path, policy: Policy, clock: Clock, why: str, report: Report) -> None:
    """Built beside its place and renamed into it, so that a killed init leaves no half store."""
    for leftover in root.glob(".store-*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = root / f".store-{os.getpid()}.tmp"
    try:
        settings = load_settings(root / _SETTINGS)
        store = Store.create(temporary, lambda: signing(settings, whoami(settings)))
        if not cloned(store, settings, report):
            _first_commit(root, store, policy, clock, why)
            given(store, settings, report)
        temporary.rename(root / STORE)
        fsync_file(root / STORE)
    except (OSError, LockgateError):
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _first_commit(root: Path, store: Store, policy: Policy, clock: Clock, why: str) -> None:
    now = clock.now()
    id = str(ULID.from_datetime(now))
    by = whoami(load_settings(root / _SETTINGS))
    record = Operation(
        id=id,
        kind="init",
        at=now,
        by=by,
        why=why.strip(),
        summary=f"Made the workspace with the environments {', '.join(policy.names)}",
        tool=version(),
        host=socket.gethostname(),
    )
    files: Mapping[str, bytes] = {
        POLICY_PATH: write_toml(policy),
        "allowed_signers": b"",
        record_path(id): write_toml(record),
    }
    trailers = f"Lockgate-Op: {id}\nLockgate-Kind: init\n"
    message = "\n\n".join(part for part in ("Make the workspace", record.why, trailers) if part)
    Writer(store).commit(None, files, message, by, now)
