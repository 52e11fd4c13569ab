"""What is known of the remote: `state/remote.json` and what was seen of it last. Asks no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from store.bounded import parse_json
from store.errors import Cancelled, InputError, LockgateError, StaleTip
from store.git.apart import apart
from store.git.durability import write_atomically
from store.git.lock import held
from store.git.remote import Refused, Remote, Unreachable
from store.git.tracking import seen
from store.text import one_line
from store.workspace import Workspace

TroubleKind = Literal["unreachable", "refused", "unsettled"]
"""unsettled: it answers, and what it has does not fit what is here."""
_TROUBLE_LIMIT = 1000
_LATELY = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class RemoteState:
    """How this machine stands to the remote."""

    name: str
    """Its address, without what is secret in it."""
    contact_at: datetime | None = None
    """When it last answered."""
    head: str | None = None
    """The commit (40 hex) that its main had when it was last looked at."""
    ahead: int = 0
    """Commits that are only here; all of them where it was never looked at."""
    behind: int = 0
    """Commits that were fetched and are not followed yet."""
    trouble: str | None = None
    """One sentence: what went wrong last."""
    trouble_kind: TroubleKind | None = None
    trouble_since: datetime | None = None
    tried_at: datetime | None = None
    """When it was last asked, whether it answered or not."""

    def is_out(self, now: datetime) -> bool:
        """Whether it did not answer a moment ago."""
        lately = self.tried_at is not None and now - self.tried_at < _LATELY
        return lately and self.trouble_kind == "unreachable"

    def words(self, now: datetime) -> str:
        """ "synced 12 s ago", "3 not pushed, synced 12 s ago", "remote unreachable since 12:03 UTC"."""
        said: list[str] = []
        if self.trouble_kind == "unreachable" and self.trouble_since is not None:
            said.append(f"remote unreachable since {self.trouble_since:%Y-%m-%d %H:%M} UTC")
        elif self.trouble_kind is not None:
            said.append("not in step with the remote")
        if self.ahead:
            said.append(f"{self.ahead:,} not pushed")
        if self.behind:
            said.append(f"{self.behind:,} behind")
        if self.trouble_kind is None:
            said.append(f"synced {_ago(self.contact_at, now)}" if self.contact_at else "not synced yet")
        return ", ".join(said)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "remote": self.name,
            "contact_at": self.contact_at.isoformat() if self.contact_at else None,
            "head": self.head,
            "ahead": self.ahead,
            "behind": self.behind,
            "trouble": self.trouble,
            "trouble_kind": self.trouble_kind,
            "trouble_since": self.trouble_since.isoformat() if self.trouble_since else None,
            "tried_at": self.tried_at.isoformat() if self.tried_at else None,
        }


def remote_of(workspace: Workspace) -> Remote | None:
    """The remote that settings.toml names, or None. Raises InputError when that cannot be read."""
    url = workspace.settings.remote
    return Remote(workspace.store.path, url) if url is not None else None


def remote_state(workspace: Workspace) -> RemoteState | None:
    """How this machine stands to its remote; None where it has none. Asks nobody, writes nothing."""
    try:
        remote = remote_of(workspace)
    except InputError:
        return None  # `lockgate doctor` says what is wrong with the settings
    if remote is None:
        return None
    store = workspace.store
    head, tip = seen(store), store.tip()
    kept = replace(_kept(workspace, remote.name), head=head)
    if head is None:
        return replace(kept, ahead=len(store.history(tip)))
    if head == tip:
        return kept
    found = apart(store.repo, tip, head)
    return replace(kept, ahead=len(found.ours), behind=len(found.theirs))


@contextmanager
def noted(workspace: Workspace, remote: Remote) -> Iterator[None]:
    """Around asking `remote`: writes down that it answered, or what went wrong."""
    try:
        yield
    except (Cancelled, StaleTip):
        raise
    except LockgateError as error:
        _keep(workspace, remote, error)
        raise
    _keep(workspace, remote, None)


def _keep(workspace: Workspace, remote: Remote, error: LockgateError | None) -> None:
    """A disk that refuses is no reason to fail: the file is a convenience."""
    now = workspace.clock.now()
    try:
        before = _kept(workspace, remote.name)
        state = remote_state(workspace) or before
        state = replace(state, contact_at=before.contact_at, tried_at=now)
        if not isinstance(error, Unreachable):
            state = replace(state, contact_at=now)
        state = replace(state, trouble=None, trouble_kind=None, trouble_since=None)
        if error is not None:
            kind = _kind(error)
            since = before.trouble_since if before.trouble_kind == kind else None
            text = one_line(error.message, _TROUBLE_LIMIT)
            state = replace(state, trouble=text, trouble_kind=kind, trouble_since=since or now)
        with held(workspace.state / "remote.lock"):
            write_atomically(_path(workspace), json.dumps(state.as_json(), indent=1).encode())
    except (LockgateError, OSError):
        return


def _kind(error: LockgateError) -> TroubleKind:
    if isinstance(error, Unreachable):
        return "unreachable"
    return "refused" if isinstance(error, Refused) else "unsettled"


def _path(workspace: Workspace) -> Path:
    return workspace.state / "remote.json"


def _kept(workspace: Workspace, name: str) -> RemoteState:
    """What was written down of the remote `name`; nothing where it was of another one."""
    try:
        value = parse_json(_path(workspace).read_bytes(), "state/remote.json")
        if value["remote"] != name:
            return RemoteState(name)
        kind = value["trouble_kind"]
        return RemoteState(
            name=name,
            contact_at=_instant(value["contact_at"]),
            trouble=None if value["trouble"] is None else one_line(str(value["trouble"]), _TROUBLE_LIMIT),
            trouble_kind=kind if kind in ("unreachable", "refused", "unsettled") else None,
            trouble_since=_instant(value["trouble_since"]),
            tried_at=_instant(value["tried_at"]),
        )
    except (OSError, LockgateError, KeyError, TypeError, ValueError):
        return RemoteState(name)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a time zone")
    return at


def _ago(at: datetime, now: datetime) -> str:
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    if seconds < 7200:
        return f"{seconds // 60} min ago"
    return f"on {at:%Y-%m-%d %H:%M} UTC"
