"""Quality by week: every category as a line of blocks, one of them week by week with what changed before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.operations.drift.report import DriftReport
from console.operations.drift.sentences import NOTHING, sentences
from console.views.line import BLANK, HANG, Line, Part, Tone, line, muted
from console.views.table import Column, Row, Table
from console.views.words import counted
from store.text import one_line

if TYPE_CHECKING:
    from evals.drift.weekly import Line as Category
    from evals.drift.weekly import Week

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEAST_CELLS = 12
_FIXED = 42
"""Cells of a week beside its picture."""
LEGEND = "├─●─┤ score and its 95 % interval   ▲ what changed before it"
_COLUMNS = (
    Column("suite", most=22, drop=3),
    Column("category", most=20),
    Column("score", width=6),
    Column("95 %", width=12),
    Column("moved", width=6),
    Column("weeks", most=26, drop=2),
    Column("last change", grow=1, least=24, drop=1),
)


def head_line(now: DriftReport) -> Line:
    """The environment, the time, and how its models are."""
    incidents = len(now.incidents)
    drift = (
        Part(f"✗ {counted(incidents, 'drift incident')}", "bad") if incidents else Part("✓ no drift", "good")
    )
    if not incidents and not now.watches:
        drift = Part("! no model is watched", "warn")
    return line(Part(now.environment, "strong"), f" since {now.since:%Y-%m-%d}   ", drift)


def categories_table(now: DriftReport) -> Table:
    """A row for each category; `moved` is against its first week, in points."""
    first = min((week.begins for one in now.lines for week in one.weeks), default=now.since)
    rows = tuple(_row(str(place), one, now, first) for place, one in enumerate(now.lines))
    return Table(_COLUMNS, rows, line(NOTHING))


def week_lines(one: Category, width: int) -> tuple[Line, ...]:
    """The weeks of one category, newest first, all on one scale that ends at 100."""
    return tuple(_week_lines(one, max(_LEAST_CELLS, min(60, width - _FIXED))))


def drift_lines(now: DriftReport) -> tuple[Line, ...]:
    """What is known of the models, and of each incident."""
    return tuple(line("· ", HANG, one_line(said, 2_000)) for said in sentences(now))


def _row(key: str, one: Category, now: DriftReport, first: datetime) -> Row:
    newest, oldest = one.weeks[-1], one.weeks[0]
    moved = 100 * (newest.point.mean - oldest.point.mean)
    tone: Tone = "bad" if newest.high < oldest.point.mean else "plain"
    changes = next((week for week in reversed(one.weeks) if week.changed), None)
    changed = f"{changes.begins:%d %b} {'; '.join(changes.changed)}" if changes else ""
    return Row(
        key,
        (
            line(muted(one_line(one.suite, 60))),
            line(Part(one_line(one.category, 60), "strong")),
            line(f"{newest.point.mean * 100:6.1f}"),
            line(muted(f"{newest.low * 100:.1f}–{newest.high * 100:.1f}")),
            line(Part(f"{moved:+6.1f}", tone)) if len(one.weeks) > 1 else line(muted("     –")),
            line(_blocks(one, now, first)),
            line(muted(one_line(changed, 200))),
        ),
    )


def _blocks(one: Category, now: DriftReport, first: datetime) -> str:
    """A block for each week from the first to this one; a dot where nothing was measured."""
    from evals.drift.weekly import monday

    known = {week.begins: week.point.mean for week in one.weeks}
    low = min(known.values())
    week, cells = monday(now.at), ""
    while week >= first and len(cells) < 26:
        mean = known.get(week)
        cells = ("·" if mean is None else _block(mean, low)) + cells
        week -= timedelta(weeks=1)
    return cells


def _block(mean: float, low: float) -> str:
    """Its height between the lowest of the line, or 80 where that is higher, and 100."""
    floor = min(low, 0.8)
    share = (mean - floor) / (1 - floor) if floor < 1 else 1.0
    return _BLOCKS[max(0, min(7, round(share * 7)))]


def _week_lines(one: Category, width: int) -> Iterator[Line]:
    yield line(Part(one_line(f"{one.suite} {one.category}", 100), "strong"))
    yield BLANK
    first = math.floor(min(week.low for week in one.weeks) * 10) / 10
    first = min(first, 0.9)
    for week in reversed(one.weeks):
        point = week.point
        yield line(
            f"{week.begins:%Y-%m-%d} {point.mean * 100:5.1f}  ",
            _picture(week, first, width),
            f"  {one_line(point.release, 10):<7}",
            muted(f"{point.cases:,} cases"),
        )
        for change in week.changed:
            yield line("  ", Part("▲ ", "accent"), HANG, one_line(change, 200))
    yield BLANK
    yield line(muted(f"{LEGEND}   {first * 100:.0f} to 100"))


def _picture(week: Week, first: float, width: int) -> str:
    def place(value: float) -> int:
        return max(0, min(width - 1, round((value - first) / (1 - first) * (width - 1))))

    cells = [" "] * width
    start, end = place(week.low), place(week.high)
    cells[start : end + 1] = "─" * (end + 1 - start)
    cells[start], cells[end] = "├", "┤"
    cells[place(week.point.mean)] = "●"
    return "".join(cells)
