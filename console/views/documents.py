"""The source documents of an index version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from console.views.line import Line, Part, line, muted
from console.views.words import counted

_MOST = 5_000


class Document(Protocol):
    """What is known of one source document."""

    @property
    def source(self) -> str:
        """Its path in the folder that it was read from."""
        ...

    @property
    def passages(self) -> int:
        """Into how many passages it was cut."""
        ...


def document_lines(documents: Sequence[Document]) -> tuple[Line, ...]:
    """One line a document."""
    head = line(Part(counted(len(documents), "document"), "strong"))
    lines = [line(muted(f"{one.passages:>6,}  "), one.source) for one in documents[:_MOST]]
    if len(documents) > _MOST:
        lines.append(line(muted(f"and {len(documents) - _MOST:,} more")))
    return (head, line(muted("passages")), *lines)
