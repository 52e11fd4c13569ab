"""Differences with their intervals below each other on one scale, against zero and the line that blocks.

Drawn with characters alone, so that it says the same in every terminal and without colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from console.views.line import Line, Part, Tone, line, muted

LEAST_CELLS = 12
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)
"""Where a scale may end, as shares of 1."""
ZERO, LIMIT, ESTIMATE = "│", "┊", "●"
LEGEND = "├─●─┤ D and its interval in points   ┊ beyond it blocks   │ no change"
_WORST_MARGINS = 5
"""A scale shows so many margins at least; what is further away is an arrow, so that the limit is seen."""
_SHOWN = 0.1


@dataclass(frozen=True, slots=True)
class Tree:
    """One row. Shares of 1; None is not known."""

    difference: float | None
    low: float | None
    high: float | None
    margin: float
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Scale:
    """From where to where all rows are drawn."""

    first: float
    last: float

    def cell(self, value: float, width: int) -> int:
        """The cell that `value` falls into; those beyond an end fall onto it."""
        share = (value - self.first) / (self.last - self.first)
        return max(0, min(width - 1, round(share * (width - 1))))


def scale_of(trees: Sequence[Tree]) -> Scale:
    """A scale with round ends that holds zero, every margin, and what lies near them."""
    most = max(_SHOWN, *(_WORST_MARGINS * tree.margin for tree in trees)) if trees else _SHOWN
    lows = [_known(value, 0.0) for tree in trees for value in (-tree.margin, tree.low, tree.difference)]
    highs = [_known(value, 0.0) for tree in trees for value in (tree.high, tree.difference)]
    first, last = min(most, -min(lows, default=0.0)), min(most, max(highs, default=0.0))
    return Scale(-_rounded(first), _rounded(last))


def tree_line(tree: Tree, scale: Scale, width: int) -> Line:
    """`tree` in `width` cells. What leaves the scale ends in an arrow."""
    width = max(LEAST_CELLS, width)
    cells = [" "] * width
    cells[scale.cell(0.0, width)] = ZERO
    if tree.low is not None and tree.high is not None and math.isfinite(tree.low + tree.high):
        start, end = scale.cell(tree.low, width), scale.cell(tree.high, width)
        for place in range(start, end + 1):
            cells[place] = "┼" if cells[place] == ZERO else "─"
        cells[start] = "◂" if tree.low < scale.first else "├"
        cells[end] = "▸" if tree.high > scale.last else "┤"
    cells[scale.cell(-tree.margin, width)] = LIMIT
    if tree.difference is not None and math.isfinite(tree.difference):
        is_off = "◂" if tree.difference < scale.first else "▸" if tree.difference > scale.last else ""
        cells[scale.cell(tree.difference, width)] = is_off or ESTIMATE
    return tuple(_toned("".join(cells), tree.tone))


def axis_line(scale: Scale, width: int) -> Line:
    """The ends of the scale and zero, in points."""
    width = max(LEAST_CELLS, width)
    cells = [" "] * width
    zero = scale.cell(0.0, width)
    last = f"{scale.last * 100:+.0f}"
    for text, place in ((f"{scale.first * 100:+.0f}", 0), (last, width - len(last)), ("0", zero)):
        if all(cell == " " for cell in cells[max(0, place - 1) : place + len(text) + 1]):
            cells[place : place + len(text)] = text
    return line(muted("".join(cells[:width])))


def _known(value: float | None, otherwise: float) -> float:
    return value if value is not None and math.isfinite(value) else otherwise


def _rounded(value: float) -> float:
    """The end of a scale that holds `value`: at most 1."""
    return next((step for step in _STEPS if step >= value), 1.0)


def _toned(cells: str, tone: Tone) -> list[Part]:
    """The picture in `tone`, the limit in it standing out."""
    before, limit, after = cells.partition(LIMIT)
    return [part for part in (Part(before, tone), Part(limit, "strong"), Part(after, tone)) if part.text]
