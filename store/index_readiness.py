"""How ready each version of an index is, read from the store."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.errors import LockgateError
from store.records.component import Component, Kind
from store.records.release import Release
from store.rules.index_status import IndexStatus, releases_named, statuses
from store.snapshot import Snapshot


def index_statuses(snapshot: Snapshot, name: str, now: datetime) -> dict[str, IndexStatus]:
    """The status of each version of index `name` in `snapshot` at `now`.

    A pointer or release that cannot be read does not raise: it makes statuses `unknown`.
    """
    component = Component(Kind.INDEX, name)
    pointers = snapshot.pointers()
    named = frozenset[str]().union(*map(releases_named, pointers.read))
    releases = {id: found for id in named if (found := _readable(snapshot, id))}
    retention = timedelta(days=snapshot.policy.retention_days)
    versions = snapshot.versions(component)
    return statuses(component, versions, pointers.read, releases, now, retention, pointers.unreadable)


def _readable(snapshot: Snapshot, id: str) -> Release | None:
    try:
        return snapshot.find_release(id)
    except LockgateError:
        return None
