"""Rows: what an index is made of, and what a row may hold."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import InputError
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

Metadata = dict[str, str | int | float | bool]

_RESERVED = ("chroma:", "#", "$")  # Chroma refuses keys that begin so, long after the embedding was paid
_INT64 = 2**63  # larger whole numbers are taken by Chroma and come back as others


@dataclass(frozen=True, slots=True)
class Row:
    """One passage."""

    id: str
    """Unique in its index; the order of the digest."""
    document: str
    """The passage's text."""
    metadata: Metadata
    source: str
    """The source document it comes from: `metadata["source"]`, or the row's own id."""
    embedding: array[float] | NDArray[float32] | None = None
    """A float32 vector that came with the row, not normalised; None where the embedder makes it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source folder or file gave."""

    rows: tuple[Row, ...]
    documents: int
    """Source documents."""
    chunking: str
    """How documents were cut, for example `paragraphs/600`; empty for ready-made rows."""


def source_of(id: str, metadata: Mapping[str, object]) -> str:
    """The source document of a row: what its metadata says, else the row itself."""
    source = metadata.get("source")
    return source if isinstance(source, str) and source else id


def checked_row(
    id: str,
    document: str,
    metadata: Metadata,
    where: str,
    embedding: array[float] | NDArray[float32] | None = None,
) -> Row:
    """A row that Chroma and the digest can hold. Raises InputError naming `where` and the field."""
    if not id:
        raise InputError(f"{where}: the id is empty; each row needs its own.")
    if not document.strip():
        raise InputError(f"{where}: the document is empty; leave the row out.")
    for label, text in (("id", id), ("document", document)):
        _check_text(text, f"{where}: the {label}")
    for key, value in metadata.items():
        _check_metadata(key, value, where)
    return Row(id, document, metadata, source_of(id, metadata), embedding)


def refuse_duplicates(rows: tuple[Row, ...], where: str) -> None:
    """Raises InputError when two rows share an id: Chroma would drop the second without a word."""
    seen: dict[str, str] = {}
    for row in rows:
        if row.id in seen:
            whose = both_sources(seen[row.id], row)
            raise InputError(f"{where}: the id {one_line(row.id)} is given twice{whose}; ids must be unique.")
        seen[row.id] = row.source


def both_sources(first: str, second: Row) -> str:
    """` (of a.md and of b.md)`: whose two rows with one id are; empty where they name no document."""
    if first == second.source == second.id:
        return ""
    return f" (of {one_line(first, 80)} and of {one_line(second.source, 80)})"


def _check_text(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} holds half a surrogate pair, which is no Unicode text.") from None


def _check_metadata(key: str, value: object, where: str) -> None:
    what = f"{where}: metadata {one_line(key, 60)!r}"
    if not key or key.startswith(_RESERVED):
        raise InputError(f"{what}: a key may not be empty or begin with `chroma:`, `#` or `$`; rename it.")
    _check_text(key, what)
    if isinstance(value, str):
        _check_text(value, what)
        if key == "source" and not value:
            raise InputError(f"{what} is empty; name the source document or leave it out.")
    elif key == "source" or not isinstance(value, bool | int | float):
        raise InputError(f"{what} must be {'text' if key == 'source' else 'text, a number, true or false'}.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{what} is not a finite number.")
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InputError(f"{what} does not fit into 64 bits; write it as text.")
