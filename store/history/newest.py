"""The newest operations straight from git: the first page paints before any index exists."""

from __future__ import annotations

from itertools import islice

from store.git.repository import Store
from store.history.entry import Entries, Entry


def newest(store: Store, limit: int = 50) -> tuple[Entry, ...]:
    """The `limit` newest entries, newest first."""
    entries = Entries(store)
    return tuple(entries.of(commit) for commit in islice(store.commits(lazy=True), limit))
