"""How ready an index version is: production, rollback_ready, archived, or built and not served yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from store.records.component import Component, Kind
from store.records.environment import Environment
from store.records.release import Release
from store.snapshot import Snapshot

Status = Literal["production", "rollback_ready", "archived", "built"]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """Where one version stands."""

    status: Status
    left: timedelta | None = None
    """How long it stays ready; None unless rollback_ready."""
    environments: tuple[str, ...] = ()
    """Who serves it now."""
    last_served: datetime | None = None
    """When it last served; None while it serves or if it never did."""


def statuses(
    component: Component,
    versions: Iterable[str],
    environments: Iterable[Environment],
    releases: Mapping[str, Release],
    now: datetime,
    retention: timedelta,
) -> dict[str, IndexStatus]:
    """The status of each version of `component` at `now`, from the pointers alone."""
    serving: dict[str, list[str]] = {}
    ended: dict[str, datetime] = {}
    for environment in environments:
        for served in environment.served:
            release = releases.get(served.release)
            version = release.version_of(component) if release else None
            if version is None:
                continue
            if served.until is None:
                serving.setdefault(version, []).append(environment.name)
            else:
                ended[version] = max(served.until, ended.get(version, served.until))
    return {
        version: _status(serving.get(version, []), ended.get(version), now, retention) for version in versions
    }


def _status(serving: list[str], ended: datetime | None, now: datetime, retention: timedelta) -> IndexStatus:
    if serving:
        return IndexStatus("production", environments=tuple(serving))
    if ended is None:
        return IndexStatus("built")
    left = ended + retention - now
    if left <= timedelta(0):
        return IndexStatus("archived", last_served=ended)
    return IndexStatus("rollback_ready", left=min(left, retention), last_served=ended)


def index_statuses(snapshot: Snapshot, name: str, now: datetime) -> dict[str, IndexStatus]:
    """The status of each version of index `name` in `snapshot` at `now`."""
    component = Component(Kind.INDEX, name)
    environments = snapshot.environments()
    wanted = {served.release for environment in environments for served in environment.served}
    releases = {id: found for id in wanted if (found := snapshot.find_release(id))}
    retention = timedelta(days=snapshot.policy.retention_days)
    return statuses(component, snapshot.versions(component), environments, releases, now, retention)
