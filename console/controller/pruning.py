"""Forgetting observations that are old and counted, once a day, whichever process comes first."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.git.durability import write_atomically
from store.workspace import Workspace

EVERY = timedelta(days=1)


def prune_when_due(workspace: Workspace, now: datetime) -> bool:
    """Prunes unless that was done within a day; returns whether it did.

    Raises MachineryError or OSError when a file cannot be read or written.
    """
    path = workspace.state / "pruned"
    last = _instant(path.read_text(errors="replace")) if path.exists() else None
    if last is not None and abs(now - last) < EVERY:
        return False
    from evals.live.sqlite_source import SqliteSource

    SqliteSource(workspace.state / "observations.sqlite").prune(now.timestamp())
    write_atomically(path, now.isoformat().encode())
    return True


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
