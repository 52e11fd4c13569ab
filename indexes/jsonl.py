"""Ready-made rows: a JSONL file of `{id, document, metadata?, embedding?}`."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexes.ready_rows import gathered
from indexes.rows import Loaded, Row, checked_row
from store.bounded import LINE_LIMIT, parse_json
from store.errors import InputError, MachineryError
from store.text import one_line

_FIELDS = {"id", "document", "metadata", "embedding"}
_DIMENSION_LIMIT = 100_000


def load_jsonl(path: Path) -> Loaded:
    """The rows of a JSONL file, as they stand.

    Raises InputError naming the file and line for a torn or malformed line, an id given twice, or
    embeddings that are missing on some rows, differ in length, or hold what is no finite number.
    """
    return gathered(_rows(path), path.name)


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(LINE_LIMIT + 2):
                number += 1
                where = f"{path.name}, line {number}"
                if line.strip():
                    yield number, _row(parse_json(line.rstrip(b"\r\n"), where, LINE_LIMIT), where)
    except OSError as error:
        raise MachineryError(f"{one_line(str(path))} cannot be read: {one_line(str(error))}.") from None


def _row(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise InputError(f'{where}: a row is an object like {{"id": …, "document": …}}.')
    if unknown := sorted(set(value) - _FIELDS):
        known = ", ".join(sorted(_FIELDS))
        raise InputError(f"{where}: the field {one_line(unknown[0], 60)!r} is not known; {known} are.")
    for field in ("id", "document"):
        if not isinstance(value.get(field), str):
            raise InputError(f"{where}: {field} must be there, as text.")
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise InputError(f"{where}: metadata must be an object.")
    embedding = value.get("embedding")
    vector = None if embedding is None else _vector(embedding, where)
    return checked_row(value["id"], value["document"], metadata or {}, where, vector)


def _vector(value: Any, where: str) -> array[float]:
    if not isinstance(value, list) or not 1 <= len(value) <= _DIMENSION_LIMIT:
        raise InputError(f"{where}: embedding must be a list of numbers.")
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in value):
        raise InputError(f"{where}: embedding holds something that is no number.")
    try:
        vector = array("f", value)
    except OverflowError:
        vector = array("f", [math.inf])
    if not all(map(math.isfinite, vector)):
        raise InputError(f"{where}: embedding holds a number that is not finite.")
    if not any(vector):
        raise InputError(f"{where}: embedding is all zeros and points nowhere.")
    return vector
