"""How ready an index version is: production, rollback_ready, archived, or built and not served yet.

Where something that decides it cannot be read, a version that is not known to serve is `unknown`: it
must never look less protected than it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from store.records.component import Component
from store.records.environment import Environment
from store.records.release import Release

Status = Literal["production", "rollback_ready", "archived", "built", "unknown"]
Phase = Literal["over", "marked", "packed", "purged"]
"""over: its time is over, its sealed bytes are still there. marked: the sweep has seen that. packed: it has
to be restored before it serves. purged: it has to be built again."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """Where one version stands."""

    status: Status
    left: timedelta | None = None
    """How long it stays ready; None unless rollback_ready."""
    environments: tuple[str, ...] = ()
    """Who serves it now, to everybody, as a canary or as a shadow."""
    last_served: datetime | None = None
    """When it last served, as far as is known; None while it serves or if it never did."""
    unreadable: tuple[str, ...] = ()
    """For unknown: what could not be read, `production` or `production (r7)`."""
    kept: tuple[str, ...] = ()
    """Why it stays ready whatever its age, in words: a pin, a rollback that leads to it."""
    pinned: str = ""
    """Who pinned it, and why; one of `kept`."""
    phase: Phase | None = None
    """For archived, where it is known: how far that has got."""
    packed: int | None = None
    """Bytes of its archive, where there is one."""


def statuses(
    component: Component,
    versions: Iterable[str],
    environments: Iterable[Environment],
    releases: Mapping[str, Release],
    now: datetime,
    retention: timedelta,
    unreadable: Sequence[str] = (),
) -> dict[str, IndexStatus]:
    """The status of each version of `component` at `now`, from the pointers alone.

    `releases` are all that the pointers name, by id; `unreadable` the environments that have no
    readable pointer among `environments`.
    """
    serving: dict[str, list[str]] = {}
    ended: dict[str, datetime] = {}
    gaps = list(unreadable)
    for environment in environments:
        for id, until in _served(environment):
            release = releases.get(id)
            if release is None:
                if until is None or until + retention > now:
                    gaps.append(f"{environment.name} ({id})")
                continue
            version = release.version_of(component)
            if version is None:
                continue
            if until is None:
                serving.setdefault(version, []).append(environment.name)
            else:
                ended[version] = max(until, ended.get(version, until))
    return {
        version: _status(serving.get(version, ()), ended.get(version), now, retention, gaps)
        for version in versions
    }


def releases_named(environment: Environment) -> frozenset[str]:
    """The ids of the releases that decide what `environment` needs."""
    return frozenset(id for id, _ in _served(environment))


def _served(environment: Environment) -> Iterator[tuple[str, datetime | None]]:
    """(release, when it ended; None while it serves): stable ones, both arms of a rollout, a shadow."""
    for served in environment.served:
        yield served.release, served.until
    if environment.shadow is not None:
        yield environment.shadow.release, None
    rollout = environment.rollout
    if rollout is not None and rollout.active:
        yield rollout.release, None
        yield rollout.stable, None
    elif rollout is not None and rollout.stages:
        yield rollout.release, rollout.since


def _status(
    serving: Sequence[str], ended: datetime | None, now: datetime, retention: timedelta, gaps: Sequence[str]
) -> IndexStatus:
    if serving:
        return IndexStatus("production", environments=tuple(dict.fromkeys(serving)))
    if gaps:
        return IndexStatus("unknown", last_served=ended, unreadable=tuple(dict.fromkeys(gaps)))
    if ended is None:
        return IndexStatus("built")
    left = ended + retention - now
    if left <= timedelta(0):
        return IndexStatus("archived", last_served=ended)
    return IndexStatus("rollback_ready", left=min(left, retention), last_served=ended)
