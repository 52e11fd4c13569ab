"""What a window's counters counted, minute by minute, taken in piece by piece.

A ledger takes samples in order of time and keeps only counts, so that a controller that asks every
few seconds reads a few minutes of samples and not two days of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields
from itertools import pairwise
from statistics import median

from evals.live.evidence import Window
from evals.live.prometheus import names
from evals.live.prometheus.counting import Last, falls, increments, refuse_shared, restarts_of
from evals.live.prometheus.groups import ALL, Group, group_of, same
from evals.live.prometheus.series import Labels, Series

_GAP_CADENCES = 2.5
"""A pause between scrapes this many times as long as usual, over a whole minute, is a gap."""


@dataclass(slots=True)
class Cell:
    """The counts of one group in one minute."""

    requests: int = 0
    errors: int = 0
    timed: int = 0
    within_sla: int = 0
    within_slow: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0

    def add(self, other: Cell) -> None:
        """Counts what `other` counted, too."""
        for column in _COLUMNS:
            setattr(self, column, getattr(self, column) + getattr(other, column))


_COLUMNS = tuple(column.name for column in fields(Cell))


@dataclass(slots=True)
class Ledger:
    """All counts of a window up to a moment."""

    window: Window
    cells: dict[Group, dict[int, Cell]] = field(default_factory=lambda: defaultdict(dict))
    """By group and minute since 1970."""
    levels: dict[Group, dict[float, dict[str, int]]] = field(default_factory=lambda: defaultdict(dict))
    """Scored answers by group, time of the sample, and `le`: as many as were at most that good."""
    quality_sum: dict[Group, float] = field(default_factory=lambda: defaultdict(float))
    harmful: dict[Group, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    """By group: (time of the sample, flags)."""
    confirmed: dict[Group, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    cleared: dict[Group, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    known: dict[str, set[Group]] = field(default_factory=lambda: defaultdict(set))
    """By metric: the groups that have a series of it."""
    bounds: dict[Group, dict[str, tuple[float, float]]] = field(default_factory=lambda: defaultdict(dict))
    """By group and bound of its latency: when its first and its newest sample were taken."""
    strays: set[str] = field(default_factory=set)
    """Metrics with a series of the window's releases that has no generation."""
    gaps: list[tuple[Labels, float, float]] = field(default_factory=list)
    """(process, last sample before, first sample after), in seconds since 1970."""
    newest: float | None = None
    """When a request was last seen to have been counted."""
    last: dict[tuple[str, Labels], Last] = field(default_factory=dict)
    restarts: dict[Labels, list[float]] = field(default_factory=lambda: defaultdict(list))
    scraped: dict[Labels, float] = field(default_factory=dict)
    cadence: dict[Labels, float] = field(default_factory=dict)
    """By process: seconds between scrapes, as they usually are."""

    def next_piece(self) -> Ledger:
        """An empty ledger that goes on where this one ends."""
        return Ledger(
            self.window,
            last=dict(self.last),
            restarts=defaultdict(list, {target: list(at) for target, at in self.restarts.items()}),
            scraped=dict(self.scraped),
            cadence=dict(self.cadence),
        )

    def join(self, piece: Ledger) -> None:
        """Takes in a piece that was made by `next_piece`."""
        for group, cells in piece.cells.items():
            mine = self.cells[group]
            for minute, cell in cells.items():
                if minute in mine:
                    mine[minute].add(cell)
                else:
                    mine[minute] = cell
        for group, rows in piece.levels.items():
            self.levels[group].update(rows)
        for group, total in piece.quality_sum.items():
            self.quality_sum[group] += total
        for into, more in (
            (self.harmful, piece.harmful),
            (self.confirmed, piece.confirmed),
            (self.cleared, piece.cleared),
        ):
            for group, entries in more.items():
                into[group].extend(entries)
        for metric, groups in piece.known.items():
            self.known[metric] |= groups
        for group, bounds in piece.bounds.items():
            self.bounds[group] = joined(self.bounds[group], bounds)
        self.strays |= piece.strays
        self.gaps.extend(piece.gaps)
        self.newest = max((at for at in (self.newest, piece.newest) if at is not None), default=None)
        self.last, self.restarts = piece.last, piece.restarts
        self.scraped, self.cadence = piece.scraped, piece.cadence

    def absorb(self, found: tuple[Series, ...]) -> None:
        """Takes in samples that are all newer than those before. Raises MachineryError for what
        no counter of one process can have done."""
        ours: list[tuple[Group, Series]] = []
        for series in found:
            group = group_of(series, self.window)
            if group is not None:
                ours.append((group, series))
            elif not series.label("generation").isdigit():
                self.strays.add(series.name)
        self._note_restarts(ours)
        self._note_scrapes(ours)
        for group, series in ours:
            self._count(group, series)

    def _note_restarts(self, ours: list[tuple[Group, Series]]) -> None:
        """A process starts again as a whole, so one counter that fell speaks for all of its counters."""
        fallen: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
        for group, series in ours:
            found = list(falls(series.times, series.values, self.last.get(series.key)))
            refuse_shared(series.name, len(found), len(series.times))
            fallen[group.target] += found
        for target, spans in fallen.items():
            if spans:
                self.restarts[target] = restarts_of(spans, self.restarts[target])

    def _note_scrapes(self, ours: list[tuple[Group, Series]]) -> None:
        scrapes: dict[Labels, set[float]] = defaultdict(set)
        for group, series in ours:
            scrapes[group.target].update(series.times)
        for target, times in scrapes.items():
            before = self.scraped.get(target)
            ordered = sorted(times if before is None else {*times, before})
            pauses = [later - earlier for earlier, later in pairwise(ordered)]
            if len(pauses) > 2 or target not in self.cadence:
                self.cadence[target] = median(pauses) if pauses else 60.0
            for earlier, later in pairwise(ordered):
                is_long = later - earlier > _GAP_CADENCES * self.cadence[target]
                if is_long and later // 60 - earlier // 60 > 1:
                    self.gaps.append((target, earlier, later))
            self.scraped[target] = ordered[-1]

    def _count(self, group: Group, series: Series) -> None:
        self.known[series.name].add(group)
        if series.name == names.LATENCY:
            span = {series.label("le"): (series.times[0], series.times[-1])}
            self.bounds[group] = joined(self.bounds[group], span)
        columns = self._columns(group, series)
        before = self.last.get(series.key)
        restarts = self.restarts.get(group.target, ())
        for at, count in increments(series.times, series.values, before, restarts):
            if columns:
                self._add(group, at, columns, round(count))
            elif group.arm is not None:
                self._enter(group, series, at, count)
        self.last[series.key] = (series.times[-1], series.values[-1])

    def _columns(self, group: Group, series: Series) -> tuple[str, ...]:
        """The fields of a cell that the series counts into; none for what is not counted by minute."""
        match series.name:
            case names.REQUESTS:
                return ("requests",)
            case names.ERRORS:
                return ("errors",)
            case names.FEEDBACK:
                return {"up": ("thumbs_up",), "down": ("thumbs_down",)}.get(series.label("value"), ())
            case names.LATENCY:
                bound, stage = series.label("le"), self.window.stages[group.stage]
                wanted = {
                    "timed": bound == ALL,
                    "within_sla": same(bound, self.window.sla_ms),
                    "within_slow": same(bound, stage.slow_ms),
                }
                return tuple(column for column, is_wanted in wanted.items() if is_wanted)
        return ()

    def _add(self, group: Group, at: float, columns: tuple[str, ...], count: int) -> None:
        cells, minute = self.cells[group], int(at // 60)
        cell = cells.get(minute)
        if cell is None:
            cell = cells[minute] = Cell()
        for column in columns:
            setattr(cell, column, getattr(cell, column) + count)
        if columns == ("requests",):
            self.newest = max(at, self.newest or at)

    def _enter(self, group: Group, series: Series, at: float, count: float) -> None:
        match series.name:
            case names.QUALITY:
                self.levels[group].setdefault(at, {})[series.label("le")] = round(count)
            case names.QUALITY_SUM:
                self.quality_sum[group] += count
            case names.HARMFUL:
                self.harmful[group].append((at, round(count)))
            case names.CONFIRMED:
                self.confirmed[group].append((at, round(count)))
            case names.CLEARED:
                self.cleared[group].append((at, round(count)))


def joined(
    one: dict[str, tuple[float, float]], other: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Two lots of (first, newest) by name, as one."""
    found = dict(one)
    for name, (first, newest) in other.items():
        before = found.get(name, (first, newest))
        found[name] = (min(first, before[0]), max(newest, before[1]))
    return found
