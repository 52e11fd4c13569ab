"""An interval against its threshold, drawn with characters: `├──●──┤ ┊`. It works in every terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeGuard

from console.views.line import Line, Part, Tone, line, muted

LEGEND = "├─●─┤ estimate and interval   ┊ threshold   each row has its own scale"


@dataclass(frozen=True, slots=True)
class Interval:
    """What is drawn, all in one unit."""

    estimate: float | None
    low: float | None
    high: float | None
    threshold: float | None
    """From where on it is bad."""


def picture(shown: Interval, width: int, tone: Tone = "plain") -> Line:
    """`shown` in `width` cells: the interval, the estimate in it, and the threshold.

    Zero is always on the scale, so that two pictures of one metric can be compared. Numbers that are
    no numbers are left out.
    """
    numbers = [one for one in (shown.estimate, shown.low, shown.high, shown.threshold) if _is_drawn(one)]
    if not numbers or width < 3:
        return line(muted("–"))
    first, last = min(0.0, *numbers), max(0.0, *numbers)
    if last == first:
        last = first + 1.0

    def place(value: float) -> int:
        return round((value - first) / (last - first) * (width - 1))

    cells = [" "] * width
    if _is_drawn(shown.low) and _is_drawn(shown.high):
        start, end = sorted((place(shown.low), place(shown.high)))
        cells[start : end + 1] = "─" * (end + 1 - start)
        if end > start:
            cells[start], cells[end] = "├", "┤"
    if _is_drawn(shown.threshold):
        cells[place(shown.threshold)] = "┊"
    if _is_drawn(shown.estimate):
        cells[place(shown.estimate)] = "●"
    return tuple(_toned("".join(cells), tone))


def _is_drawn(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _toned(cells: str, tone: Tone) -> list[Part]:
    before, threshold, after = cells.partition("┊")
    parts = [Part(before, tone), Part(threshold, "strong"), Part(after, tone)]
    return [part for part in parts if part.text]
