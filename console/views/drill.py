"""A rehearsal of rollbacks, promise by promise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from console.views.ages import age, full_stamp
from console.views.line import BLANK, HANG, Line, Part, line, muted
from store.records.drill import Drill
from store.text import one_line


def drill_lines(drill: Drill, now: datetime) -> tuple[Line, ...]:
    """When and where, then what would have held and what not."""
    return tuple(_lines(drill, now))


def _lines(drill: Drill, now: datetime) -> Iterator[Line]:
    where = f"{full_stamp(drill.at)}, {age(now, drill.at)} ago, on {one_line(drill.host, 60)}"
    yield line(muted(f"{where}; {drill.release} served"))
    yield BLANK
    for one in drill.rehearsed:
        mark = Part("✓ ", "good") if one.holds else Part("✗ ", "bad")
        to = one_line(", ".join(one.target), 300)
        yield line(
            mark, HANG, Part(one_line(one.what, 80), "strong"), f" → {to}", muted(f"  {one.seconds:.1f} s")
        )
        if one.said:
            yield line("  ", HANG, one_line(one.said, 1_000))
    for text in drill.without:
        yield line(muted("– "), HANG, muted(one_line(text, 400)))
