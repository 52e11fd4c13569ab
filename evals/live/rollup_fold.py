"""What raw observations and amendments add to the counts. Pure: nothing here reads or writes a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from evals.live.rollup_latency import level

Key = tuple[str, int, str, str]
"""Of a series: environment, generation, release, arm."""

COUNTS = (
    "requests", "errors", "timed", "over_sla", "slow", "thumbs_up", "thumbs_down", "harmful", "confirmed",
    "scored", "quality", "tokens", "cost",
)  # fmt: skip
"""The columns that are added up, in the order of the table `minutes`."""
_FACTS_FROM = COUNTS.index("thumbs_up")
_UP, _DOWN = COUNTS.index("thumbs_up"), COUNTS.index("thumbs_down")


class Raw(NamedTuple):
    """One row of the table `observations`."""

    id: int
    request_id: str
    environment: str
    generation: int
    release: str
    arm: str
    at: float
    unit: bytes | None
    category: str
    latency_ms: float | None
    error: int
    quality: float | None
    harmful: int | None
    confirmed: int | None
    feedback: int | None
    tokens: int | None
    cost: float | None


class Facts(NamedTuple):
    """One row of the table `amendments`, of what may come later; None: nothing new."""

    quality: float | None
    harmful: int | None
    confirmed: int | None
    feedback: int | None
    tokens: int | None
    cost: float | None


_NO_FACTS = tuple(Facts(None, None, None, None, None, None))


class Thresholds(NamedTuple):
    """Latencies above these are counted, in milliseconds; None: none are."""

    sla_ms: float | None = None
    slow_ms: float | None = None


@dataclass(slots=True)
class Series:
    """One series while rows are being added to it."""

    id: int | None
    """None where the file does not have it yet."""
    thresholds: Thresholds
    first: int = 2**62
    last: int = 0
    newest: float = 0.0


@dataclass(slots=True)
class Sums:
    """What one pass adds."""

    series: dict[Key, Series] = field(default_factory=dict)
    """Has to hold every key that is added to."""
    minutes: dict[tuple[Key, int, str], list[float]] = field(default_factory=dict)
    """By series, minute and category: what COUNTS names."""
    latencies: dict[tuple[Key, int, int], int] = field(default_factory=dict)
    """By series, hour and level."""
    scores: list[tuple[Key, bytes, float, float, str]] = field(default_factory=list)
    """Series, unit, at, value, category, in the order in which they became known."""
    flags: dict[str, tuple[Key, float, int | None]] = field(default_factory=dict)
    """By request id: series, at, confirmed."""
    thumbs: list[tuple[Key, bytes, str, int, str, int]] = field(default_factory=list)
    """Series, unit, request id, minute, category, -1 or 1, in the order in which they became known. Which
    of a user's counts, the file knows."""

    def add(self, row: Raw) -> None:
        """Counts a request that was not counted before."""
        key = row[2:6]
        series = self.series[key]
        series.first = min(series.first, row.id)
        series.last = max(series.last, row.id)
        series.newest = max(series.newest, row.at)
        second = int(row.at)
        counts = self._counts(key, second // 60, row.category)
        counts[0] += 1
        if row.error:
            counts[1] += 1
        latency_ms = row.latency_ms
        if latency_ms is not None:
            counts[2] += 1
            sla_ms, slow_ms = series.thresholds
            if sla_ms is not None and latency_ms > sla_ms:
                counts[3] += 1
            if slow_ms is not None and latency_ms > slow_ms:
                counts[4] += 1
            slot = (key, second // 3600, level(latency_ms))
            self.latencies[slot] = self.latencies.get(slot, 0) + 1
        if row[11:] != _NO_FACTS:
            self._add_facts(row, 1)
            self._note(row)

    def change(self, before: Raw, after: Raw) -> None:
        """Counts what an amendment made of a request that was counted as `before`."""
        self._add_facts(before, -1)
        self._add_facts(after, 1)
        self._note(after)

    def thumb(self, key: Key, minute: int, category: str, value: int, sign: int = 1) -> None:
        """Counts a thumb, or takes one back with a `sign` of -1."""
        self._counts(key, minute, category)[_UP if value == 1 else _DOWN] += sign

    def _counts(self, key: Key, minute: int, category: str) -> list[float]:
        slot = (key, minute, category)
        found = self.minutes.get(slot)
        if found is None:
            found = self.minutes[slot] = [0] * len(COUNTS)
        return found

    def _add_facts(self, row: Raw, sign: int) -> None:
        counts = self._counts(row[2:6], int(row.at) // 60, row.category)
        facts = (
            row.feedback == 1 and row.unit is None,
            row.feedback == -1 and row.unit is None,
            row.harmful == 1,
            row.confirmed == 1,
            row.quality is not None,
            row.quality or 0.0,
            row.tokens or 0,
            row.cost or 0.0,
        )
        for place, value in enumerate(facts, _FACTS_FROM):
            counts[place] += sign * value

    def _note(self, row: Raw) -> None:
        key = row[2:6]
        if row.quality is not None and row.unit is not None:
            self.scores.append((key, row.unit, row.at, row.quality, row.category))
        if row.feedback in (1, -1) and row.unit is not None:
            thumb = (key, row.unit, row.request_id, int(row.at) // 60, row.category, row.feedback)
            self.thumbs.append(thumb)
        if row.harmful == 1:
            self.flags[row.request_id] = (key, row.at, row.confirmed)


def amended(row: Raw, facts: Facts) -> Raw:
    """`row` with what became known of it later.

    The first quality stays, so that nobody rewrites evidence that was acted on. What was called harmful
    once stays so; whether it was is for `confirmed` to say. Of the others the last word counts.
    """
    harmful = 1 if 1 in (row.harmful, facts.harmful, facts.confirmed) else facts.harmful
    return row._replace(
        quality=facts.quality if row.quality is None else row.quality,
        harmful=row.harmful if harmful is None else harmful,
        confirmed=row.confirmed if facts.confirmed is None else facts.confirmed,
        feedback=row.feedback if facts.feedback is None else facts.feedback,
        tokens=row.tokens if facts.tokens is None else facts.tokens,
        cost=row.cost if facts.cost is None else facts.cost,
    )
