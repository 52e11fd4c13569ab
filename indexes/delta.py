"""What differs between two sets of rows, by row and by source document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from indexes.rows import Row
from store.canonical import canonical_json
from store.records.versions import DocumentDelta


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """Source documents that differ, each sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def counts(self) -> DocumentDelta:
        """As the manifest keeps it."""
        return DocumentDelta(added=len(self.added), removed=len(self.removed), changed=len(self.changed))


def row_key(row: Row) -> bytes:
    """Equal for rows with the same id, document and metadata."""
    hash = hashlib.sha256()
    for part in (row.id.encode(), row.document.encode(), canonical_json(row.metadata)):
        hash.update(len(part).to_bytes(8, "big") + part)
    return hash.digest()


def by_source(rows: Iterable[Row]) -> dict[str, frozenset[bytes]]:
    """The row keys of each source document."""
    found: dict[str, set[bytes]] = {}
    for row in rows:
        found.setdefault(row.source, set()).add(row_key(row))
    return {source: frozenset(keys) for source, keys in found.items()}


def source_changes(older: dict[str, frozenset[bytes]], newer: dict[str, frozenset[bytes]]) -> SourceChanges:
    """Which source documents are new, gone, or hold other rows."""
    return SourceChanges(
        tuple(sorted(newer.keys() - older.keys())),
        tuple(sorted(older.keys() - newer.keys())),
        tuple(sorted(source for source in newer.keys() & older.keys() if newer[source] != older[source])),
    )


def sentence(delta: DocumentDelta) -> str:
    """`50 documents added, 2 removed`; `no document changed` for an empty one."""
    parts = [
        (delta.added, "added"),
        (delta.removed, "removed"),
        (delta.changed, "changed"),
    ]
    said = [(count, word) for count, word in parts if count]
    if not said:
        return "no document changed"
    (count, word), *rest = said
    first = f"{count:,} document{'' if count == 1 else 's'} {word}"
    return ", ".join([first, *(f"{count:,} {word}" for count, word in rest)])
