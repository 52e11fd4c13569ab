"""CSV with the line of each row, bounded."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from store.bounded import decode_text
from store.errors import InputError
from store.text import one_line

CSV_LIMIT = 64 * 1024 * 1024
"""Bytes of one file."""
_CELL = 200_000
_COLUMNS = 500


def parse_csv(data: bytes, where: str, limit: int = CSV_LIMIT) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by column) of each row with anything in it. Raises InputError naming the line."""
    text = decode_text(data, where, limit).removeprefix("\ufeff")
    csv.field_size_limit(_CELL)
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check(header, where)
        begin = reader.line_num + 1
        for cells in reader:
            line, begin = begin, reader.line_num + 1
            if len(cells) > len(header):
                raise InputError(
                    f"{where}, line {line}: there are {len(cells)} cells for {len(header)} columns; put text "
                    "with commas between quotes."
                )
            if any(cell.strip() for cell in cells):
                yield line, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise InputError(f"{where}, line {reader.line_num}: {one_line(str(error), 120)}.") from None


def _check(header: list[str], where: str) -> None:
    if not any(header) or len(header) > _COLUMNS:
        raise InputError(f"{where}, line 1: the first line has to name the columns, at most {_COLUMNS}.")
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{where}, line 1: the column {one_line(twice, 60)!r} is given twice.")
