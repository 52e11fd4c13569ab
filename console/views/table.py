"""Tables as data, and how wide their columns become. Widths are in terminal cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len

from console.views.line import Line, text_of
from store.text import one_line

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    title: str
    width: int = 0
    """Fixed width; 0 takes the widest cell."""
    grow: int = 0
    """Its share of the cells that are left over; a growing column also shrinks first."""
    least: int = 6
    """It is never made narrower than this."""
    most: int = 200
    """It is never made wider than this, unless it grows."""
    drop: int = 0
    """Left out when there is no room, highest first; 0 always stays."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `key` finds it again after a refresh."""

    key: str
    cells: tuple[Line, ...]
    heading: bool = False
    """A heading: its first cell has the whole width, and the cursor passes it."""


class Rows(Protocol):
    """Rows by number; a tuple of Row is one, a list that loads as it is scrolled another."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Row: ...


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows together."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    empty: Line = ()
    """Shown when there is no row: what to do next."""


def layout(columns: Sequence[Column], rows: Rows, available: int, measured: int = 500) -> tuple[int, ...]:
    """The width of each column in `available` cells; 0 for a column that is left out.

    Only the first `measured` rows are looked at.
    """
    wanted = [_natural(columns, rows, place, min(len(rows), measured)) for place in range(len(columns))]
    shown = [True] * len(columns)
    while True:
        widths = [width if show else 0 for width, show in zip(wanted, shown, strict=True)]
        spare = available - sum(widths) - GAP * max(0, sum(shown) - 1)
        if spare >= 0:
            return tuple(_grown(columns, widths, shown, spare))
        shrunk = _shrunk(columns, widths, shown, -spare)
        if shrunk is not None:
            return tuple(shrunk)
        droppable = [place for place, column in enumerate(columns) if shown[place] and column.drop]
        if not droppable:
            return tuple(_forced(columns, widths, shown))
        shown[max(droppable, key=lambda place: columns[place].drop)] = False


def _natural(columns: Sequence[Column], rows: Rows, place: int, count: int) -> int:
    column = columns[place]
    if column.width:
        return column.width
    widest = cell_len(column.title)
    for index in range(count):
        row = rows[index]
        if not row.heading and place < len(row.cells):
            widest = max(widest, cell_len(one_line(text_of(row.cells[place]), 400)))
    return max(column.least if column.grow else 1, min(widest, column.most))


def _grown(columns: Sequence[Column], widths: list[int], shown: list[bool], spare: int) -> list[int]:
    shares = sum(column.grow for place, column in enumerate(columns) if shown[place])
    if not shares:
        return widths
    return [
        width + (spare * column.grow // shares if show else 0)
        for width, column, show in zip(widths, columns, shown, strict=True)
    ]


def _shrunk(
    columns: Sequence[Column], widths: list[int], shown: list[bool], missing: int
) -> list[int] | None:
    """`widths` with `missing` cells taken from the growing columns, or None where they cannot give them."""
    result = list(widths)
    while missing > 0:
        givers = [
            place
            for place, column in enumerate(columns)
            if shown[place] and column.grow and result[place] > column.least
        ]
        if not givers:
            return None
        result[max(givers, key=lambda place: result[place])] -= 1
        missing -= 1
    return result


def _forced(columns: Sequence[Column], widths: list[int], shown: list[bool]) -> list[int]:
    return [
        (column.least if column.grow else width) if show else 0
        for width, column, show in zip(widths, columns, shown, strict=True)
    ]
