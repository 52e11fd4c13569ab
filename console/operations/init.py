"""Init: make a workspace."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from ulid import ULID

from console.version import version
from store.bounded import write_toml
from store.clock import Clock, SystemClock
from store.errors import InputError, LockgateError, MachineryError
from store.git.durability import fsync_file
from store.git.repository import Store, Writer
from store.identity import whoami
from store.records.operation import Operation
from store.records.policy import DEFAULT_POLICY, Policy
from store.settings import SETTINGS_TEMPLATE, load_settings
from store.snapshot import POLICY_PATH, record_path
from store.text import one_line
from store.workspace import STORE, Workspace

_FOLDERS = ("indexes", "live", "state")


def init(path: Path, policy: Policy = DEFAULT_POLICY, clock: Clock | None = None) -> Workspace:
    """Makes the workspace `path`; a folder that a killed init left half-made is completed.

    Raises InputError when there is a workspace already, MachineryError when the disk refuses.
    """
    clock = clock or SystemClock()
    root = path.expanduser().absolute()
    if (root / STORE).exists():
        raise InputError(f"{one_line(str(path))} is a Lockgate workspace already; nothing was changed.")
    try:
        for folder in (root, *(root / name for name in _FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = root / "settings.toml"
        if not settings.exists() or settings.stat().st_size == 0:
            settings.write_bytes(SETTINGS_TEMPLATE)
            settings.chmod(0o600)
        _make_store(root, policy, clock)
    except OSError as error:
        raise MachineryError(f"{one_line(str(path))} cannot be made: {one_line(str(error))}.") from None
    return Workspace(root, clock)


def _make_store(root: Path, policy: Policy, clock: Clock) -> None:
    """Built beside its place and renamed into it, so that a killed init leaves no half store."""
    for leftover in root.glob(".store-*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = root / f".store-{os.getpid()}.tmp"
    try:
        store = Store.create(temporary)
        _first_commit(root, store, policy, clock)
        temporary.rename(root / STORE)
        fsync_file(root / STORE)
    except (OSError, LockgateError):
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _first_commit(root: Path, store: Store, policy: Policy, clock: Clock) -> None:
    now = clock.now()
    id = str(ULID.from_datetime(now))
    by = whoami(load_settings(root / "settings.toml"))
    record = Operation(
        id=id,
        kind="init",
        at=now,
        by=by,
        summary=f"Made the workspace with the environments {', '.join(policy.names)}",
        tool=version(),
        host=socket.gethostname(),
    )
    files: Mapping[str, bytes] = {
        POLICY_PATH: write_toml(policy),
        "allowed_signers": b"",
        record_path(id): write_toml(record),
    }
    message = f"Make the workspace\n\nLockgate-Op: {id}\nLockgate-Kind: init\n"
    Writer(store).commit(None, files, message, by, now)
