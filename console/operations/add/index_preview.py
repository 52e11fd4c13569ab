"""How a source would be cut into passages: nothing is embedded, nothing is written."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.progress import Progress, Report, silent
from store.records.component import check_name

if TYPE_CHECKING:
    from indexes.loaders import Skipped
    from indexes.rows import Row


@dataclass(frozen=True, slots=True)
class Preview:
    """What an index would be made of."""

    documents: int
    passages: int
    chunking: str
    """How documents were cut; empty for ready-made rows."""
    shortest: int
    """Characters of a passage."""
    median: int
    longest: int
    first: tuple[Row, ...]
    """The first passages, in the order of the source."""
    skipped: Skipped

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "documents": self.documents,
            "passages": self.passages,
            "chunking": self.chunking,
            "characters": {"shortest": self.shortest, "median": self.median, "longest": self.longest},
            "first": [
                {"id": row.id, "source": row.source, "document": row.document, "metadata": row.metadata}
                for row in self.first
            ],
            "skipped": {"unknown": list(self.skipped.unknown), "empty": list(self.skipped.empty)},
        }


def preview(
    name: str, source: Path, count: int, *, chunk_characters: int = 600, report: Report = silent
) -> Preview:
    """The first `count` passages of `source`, and how long all are. Raises what building raises for them."""
    from indexes.loaders import load, skipped
    from indexes.rows import refuse_duplicates

    check_name(name, "index name")
    report(Progress("reading"))
    loaded = load(source, chunk_characters=chunk_characters)
    refuse_duplicates(loaded.rows, source.name)
    lengths = [len(row.document) for row in loaded.rows]
    return Preview(
        documents=loaded.documents,
        passages=len(loaded.rows),
        chunking=loaded.chunking,
        shortest=min(lengths),
        median=round(statistics.median(lengths)),
        longest=max(lengths),
        first=loaded.rows[:count],
        skipped=skipped(source, {row.source for row in loaded.rows}),
    )
