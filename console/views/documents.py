"""The source documents of an index version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from console.views.line import HANG, Line, Part, line, muted
from console.views.words import counted
from store.text import one_line

_MOST, _SOURCE, _TITLE = 5_000, 300, 120


class Document(Protocol):
    """What is known of one source document."""

    @property
    def source(self) -> str:
        """Its path in the folder that it was read from."""
        ...

    @property
    def title(self) -> str:
        """What it calls itself; may be empty."""
        ...

    @property
    def passages(self) -> int:
        """Into how many passages it was cut."""
        ...


def document_lines(documents: Sequence[Document]) -> tuple[Line, ...]:
    """One line a document."""
    head = line(Part(counted(len(documents), "document"), "strong"))
    lines = [_document(one) for one in documents[:_MOST]]
    if len(documents) > _MOST:
        lines.append(line(muted(f"and {len(documents) - _MOST:,} more")))
    return (head, line(muted("passages")), *lines)


def _document(one: Document) -> Line:
    title = muted(f"  {one_line(one.title, _TITLE)}" if one.title else "")
    return line(muted(f"{one.passages:>8,}  "), HANG, one_line(one.source, _SOURCE), title)
