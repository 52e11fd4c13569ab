"""Ready-made rows, whatever file they stand in: each id once, embeddings on all of them or on none."""

from __future__ import annotations

from collections.abc import Iterable

from indexes.rows import Loaded, Row, both_sources
from store.errors import InputError
from store.text import one_line

ROWS_LIMIT = 2_000_000
"""Rows of one index."""


def gathered(numbered: Iterable[tuple[int, Row]], file: str) -> Loaded:
    """The rows, with the number of the line each stands on.

    Raises InputError naming `file` and the line for an id given twice, for embeddings that are missing
    on some rows or differ in length, and when there is no row, or too many.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, row in numbered:
        where = f"{file}, line {number}"
        if row.id in seen:
            first = next(one for one in rows if one.id == row.id)
            whose = both_sources(first.source, row)
            raise InputError(
                f"{where}: the id {one_line(row.id)} is on line {seen[row.id]} already{whose}; use another."
            )
        seen[row.id] = number
        if rows:
            _same_embedding(rows[0], row, where)
        rows.append(row)
        if len(rows) > ROWS_LIMIT:
            raise InputError(f"{file} has over {ROWS_LIMIT:,} rows; split it into several indexes.")
    if not rows:
        raise InputError(f"{file} holds no rows; write one a line.")
    return Loaded(tuple(rows), len({row.source for row in rows}), "")


def _same_embedding(first: Row, row: Row, where: str) -> None:
    if (first.embedding is None) != (row.embedding is None):
        raise InputError(f"{where}: either every row has an embedding or none has.")
    if row.embedding is None or first.embedding is None:
        return
    if (found := len(row.embedding)) != (wanted := len(first.embedding)):
        raise InputError(f"{where}: embedding has {found} numbers, the first row has {wanted}.")
