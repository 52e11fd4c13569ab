"""On which of the last days each version of a component served somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from store.records.component import Component
from store.records.environment import Environment
from store.records.release import Release

_DAY = timedelta(days=1)


def served_days(
    component: Component,
    environments: Iterable[Environment],
    releases: Mapping[str, Release],
    now: datetime,
    days: int,
) -> dict[str, set[int]]:
    """By version: how many days ago it was the stable one somewhere, 0 for the last 24 hours, below `days`.

    `releases` are those that the pointers name, by id; one that is missing is left out.
    """
    found: dict[str, set[int]] = {}
    for environment in environments:
        for stretch in environment.served:
            release = releases.get(stretch.release)
            version = release.version_of(component) if release is not None else None
            if version is None or stretch.since > now:
                continue
            until = min(stretch.until or now, now)
            newest, oldest = int((now - until) / _DAY), int((now - stretch.since) / _DAY)
            found.setdefault(version, set()).update(range(newest, min(oldest + 1, days)))
    return found
