"""What differs between two sets of rows, by row and by source document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from indexes.rows import Row
from store.canonical import canonical_json
from store.records.versions import DELTA_NAME_CHARACTERS, DELTA_NAMES, DocumentDelta
from store.text import one_line

_SHOWN, _SHOWN_CHARACTERS = 3, 60


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """Source documents that differ, each sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def delta(self) -> DocumentDelta:
        """As the manifest keeps it: all counted, the first of each kind named."""
        return DocumentDelta(
            added=len(self.added),
            removed=len(self.removed),
            changed=len(self.changed),
            added_sources=_names(self.added),
            removed_sources=_names(self.removed),
            changed_sources=_names(self.changed),
        )


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
    return _told(delta, named=False)


def sentence_with_names(delta: DocumentDelta) -> str:
    """`5 documents added (a.md, b.md, c.md and 2 more), 1 removed (old.md)`: what a note can begin with."""
    return _told(delta, named=True)


def _told(delta: DocumentDelta, named: bool) -> str:
    parts = [
        (delta.added, "added", delta.added_sources),
        (delta.removed, "removed", delta.removed_sources),
        (delta.changed, "changed", delta.changed_sources),
    ]
    said: list[str] = []
    for count, word, sources in parts:
        if count:
            noun = "" if said else f" document{'' if count == 1 else 's'}"
            shown = f" ({_some(sources, count)})" if named and sources else ""
            said.append(f"{count:,}{noun} {word}{shown}")
    return ", ".join(said) or "no document changed"


def _some(sources: tuple[str, ...], count: int) -> str:
    shown = [one_line(source, _SHOWN_CHARACTERS) for source in sources[:_SHOWN]]
    rest = count - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def _names(sources: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one_line(source, DELTA_NAME_CHARACTERS) for source in sources[:DELTA_NAMES])
