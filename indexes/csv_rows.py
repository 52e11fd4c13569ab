"""Ready-made rows: a CSV file whose first line names the columns `id`, `document` and any metadata."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from indexes.ready_rows import gathered
from indexes.rows import Loaded, Metadata, Row, checked_row
from store.bounded import LINE_LIMIT
from store.errors import InputError, MachineryError
from store.text import one_line

CSV_LIMIT = 1024 * 1024 * 1024
"""Bytes of one CSV file."""
_COLUMNS = 200
_NEEDED = ("id", "document")


def load_csv(path: Path) -> Loaded:
    """The rows of a CSV file: UTF-8, commas, quotes doubled inside quotes (RFC 4180).

    The columns `id` and `document` have to be there; every other one is metadata, as text, and left out of
    a row where its cell is empty. `source` among them names the document that the row comes from.
    Raises InputError naming the file and line, MachineryError when it cannot be read.
    """
    try:
        if (size := path.stat().st_size) > CSV_LIMIT:
            raise InputError(f"{path.name} has {size:,} bytes; at most {CSV_LIMIT:,} are read. Split it.")
        return gathered(_rows(path), path.name)
    except OSError as error:
        raise MachineryError(f"{one_line(str(path))} cannot be read: {one_line(str(error))}.") from None


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(max(LINE_LIMIT, csv.field_size_limit()))
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            names = _header(next(reader, []), path.name)
            for cells in reader:
                where = f"{path.name}, line {reader.line_num}"
                if cells:
                    yield reader.line_num, _row(names, cells, where)
        except UnicodeDecodeError:
            raise InputError(f"{path.name} is not UTF-8 text; save it as UTF-8.") from None
        except csv.Error as error:
            raise InputError(
                f"{path.name}, line {reader.line_num}: {one_line(str(error))}; "
                "a quote inside a quoted cell is doubled, and every quoted cell is closed."
            ) from None


def _header(names: list[str], file: str) -> list[str]:
    shown = one_line(", ".join(names), 120)
    if missing := [name for name in _NEEDED if name not in names]:
        raise InputError(
            f"{file}: the first line has to name the columns id and document, parted by commas; "
            f"{missing[0]} is missing in: {shown or 'an empty line'}."
        )
    if len(names) > _COLUMNS:
        raise InputError(f"{file} has {len(names):,} columns; at most {_COLUMNS} are read.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{file}: the column {one_line(twice, 60)!r} is there twice; rename one.")
    if "" in names:
        raise InputError(f"{file}: column {names.index('') + 1} has no name; give it one or take it out.")
    if "embedding" in names:
        raise InputError(f"{file}: vectors are not read from CSV; write JSONL, or take out `embedding`.")
    return names


def _row(names: list[str], cells: list[str], where: str) -> Row:
    if len(cells) != len(names):
        raise InputError(f"{where} has {len(cells)} cells, the first line has {len(names)}.")
    found = dict(zip(names, cells, strict=True))
    id, document = (found.pop(name) for name in _NEEDED)
    metadata: Metadata = {name: cell for name, cell in found.items() if cell}
    return checked_row(id, document, metadata, where)
