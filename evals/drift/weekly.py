"""Categories over weeks: the newest result of each week, with its interval, and what changed before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_Z = 1.96


@dataclass(frozen=True, slots=True)
class Point:
    """One result of one category."""

    at: datetime
    suite: str
    """`evals/name`."""
    category: str
    release: str
    mean: float
    """Of scores, 0 to 1."""
    cases: int
    source: str
    """verdict, or drift run."""


@dataclass(frozen=True, slots=True)
class Week:
    """A category in one week."""

    begins: datetime
    """Monday, 00:00 UTC."""
    point: Point
    low: float
    high: float
    changed: tuple[str, ...]
    """What differs from the point before: `prompt/support v3 → v4`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One category over time."""

    suite: str
    category: str
    weeks: tuple[Week, ...]
    """Oldest first; weeks without a result are left out."""


def lines(
    points: Iterable[Point], releases: Mapping[str, Mapping[str, str]], since: datetime
) -> tuple[Line, ...]:
    """A line for each category with a result after `since`. `releases` gives the versions by component of
    each release; what changed is told against the point before, also where that is older than `since`."""
    by_category: dict[tuple[str, str], list[Point]] = {}
    for point in sorted(points, key=lambda one: one.at):
        by_category.setdefault((point.suite, point.category), []).append(point)
    found = []
    for (suite, category), all_points in sorted(by_category.items()):
        newest = {monday(point.at): point for point in all_points}
        weeks = _weeks(newest, releases)
        shown = tuple(week for week in weeks if week.point.at >= since)
        if shown:
            found.append(Line(suite, category, shown))
    return tuple(found)


def _weeks(newest: Mapping[datetime, Point], releases: Mapping[str, Mapping[str, str]]) -> list[Week]:
    found: list[Week] = []
    before: Point | None = None
    for begins in sorted(newest):
        point = newest[begins]
        low, high = wilson(point.mean, point.cases)
        changed = _changes(releases, before.release, point.release) if before else ()
        found.append(Week(begins, point, low, high, changed))
        before = point
    return found


def _changes(releases: Mapping[str, Mapping[str, str]], before: str, after: str) -> tuple[str, ...]:
    old, new = releases.get(before, {}), releases.get(after, {})
    names: Sequence[str] = sorted(old.keys() | new.keys())
    return tuple(
        f"{name} {old.get(name, '—')} → {new.get(name, '—')}"
        for name in names
        if old.get(name) != new.get(name)
    )


def monday(at: datetime) -> datetime:
    """The beginning of the week of `at`."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def wilson(mean: float, cases: int) -> tuple[float, float]:
    """95 % bounds on a share of 1 that was seen to be `mean` on `cases` cases: how far other cases of the
    same kind could lie (E. B. Wilson, JASA 22, 1927). For scores between 0 and 1 it is wider than needed.
    """
    if cases <= 0:
        return 0.0, 1.0
    square = _Z * _Z / cases
    centre = (mean + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(mean * (1 - mean) / cases + square / (4 * cases))
    return max(0.0, centre - half), min(1.0, centre + half)
