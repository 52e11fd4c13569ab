"""CSV for spreadsheets: a cell that could be taken for a formula is defused with an apostrophe."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from store.text import safe_text

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def csv_lines(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A header line, then one line a row; lists are joined by spaces."""
    head: list[str] | None = None
    for row in rows:
        if head is None:
            head = list(row)
            yield _line(head)
        yield _line([_cell(row[name]) for name in head])


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    text = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    text = safe_text(text)
    is_formula = text.startswith("\t") or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if is_formula else text


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)  # an empty one would leave a cell's own unquoted
    return out.getvalue().removesuffix("\n")
