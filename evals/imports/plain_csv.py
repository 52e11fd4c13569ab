"""CSV of one's own: what is asked, what is expected, and what a case may hold besides, a column each."""

from __future__ import annotations

import re
from typing import Any

from evals.imports.csv_text import parse_csv
from evals.imports.found import Draft, Found, Match, expected
from store.errors import InputError
from store.text import one_line

_ASKED = ("input", "question", "prompt", "query")
_EXPECTED = ("expected", "ideal", "target", "answer", "expected_output")
_GRADERS = {
    "equals": "value",
    "contains": "any",
    "not_contains": "any",
    "regex": "pattern",
    "judge": "rubric",
}
_LISTS = ("contains", "not_contains", "context_ids", "tags")
"""Cells that hold several texts between `|`."""
_OWN = ("id", "category", "tier", "reference", "must_pass", "context_ids", "tags")
_YES = ("1", "true", "yes", "x")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")


def read_plain_csv(data: bytes, name: str, match: Match) -> Found:
    """Every row as a case. Columns that are none of the known ones are variables of the prompt, if no column
    says what is asked. Raises InputError naming file, line and column."""
    found = Found()
    for line, cells in parse_csv(data, name):
        where = f"{name}, line {line}"
        asked = next((cells[key] for key in _ASKED if cells.get(key, "").strip()), None)
        known = {*_ASKED, *_EXPECTED, *_GRADERS, *_OWN}
        others = {key: cell for key, cell in cells.items() if key not in known and cell.strip()}
        odd = next((key for key in others if asked is not None or not _NAME.fullmatch(key)), None)
        if odd is not None:
            raise InputError(
                f"{name}, line 1: the column {one_line(odd, 60)!r} is not known; name it as a field of a "
                "case, or take it out."
            )
        graders, reference = _expectations(cells, match)
        if not graders:
            found.cannot(where, "it expects nothing")
        elif asked is None and not others:
            found.cannot(where, "it asks nothing")
        else:
            found.drafts.append(_draft(where, asked or others, graders, reference, cells))
    return found


def looks_like(header: set[str]) -> bool:
    """Whether the columns are those of such a file."""
    return bool(header & {*_EXPECTED, *_GRADERS})


def _expectations(cells: dict[str, str], match: Match) -> tuple[tuple[dict[str, Any], ...], str | None]:
    graders: list[dict[str, Any]] = []
    reference = cells.get("reference", "").strip() or None
    text = next((cells[key].strip() for key in _EXPECTED if cells.get(key, "").strip()), None)
    if text is not None:
        made, said = expected((text,), match)
        graders += made
        reference = reference or said
    for grader, argument in _GRADERS.items():
        cell = cells.get(grader, "").strip()
        if cell:
            graders.append({"grader": grader, argument: _several(cell) if grader in _LISTS else cell})
    return tuple(graders), reference


def _draft(
    where: str, asked: Any, graders: tuple[dict[str, Any], ...], reference: str | None, cells: dict[str, str]
) -> Draft:
    return Draft(
        where,
        asked,
        graders,
        name=cells.get("id", ""),
        category=cells.get("category", "").strip(),
        tier=cells.get("tier", "").strip(),
        reference=reference,
        context_ids=tuple(_several(cells.get("context_ids", ""))),
        tags=tuple(_several(cells.get("tags", ""))),
        must_pass=cells.get("must_pass", "").strip().lower() in _YES,
    )


def _several(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]
