"""What differs between two sealed versions of an index, from their rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexes.delta import by_source, row_key, source_changes
from indexes.export import read_rows
from indexes.rows import Row
from indexes.sealed import sealed_path, trusted_files
from store.records.versions import IndexManifest

_SAMPLES = 10
_TEXT = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """One row that differs, for people."""

    change: Literal["added", "removed"]
    id: str
    source: str
    text: str
    """The beginning of its document."""


@dataclass(frozen=True, slots=True)
class IndexDiff:
    """From an older to a newer version. A row whose text or metadata changed counts as removed and added."""

    rows_added: int
    rows_removed: int
    rows_unchanged: int
    documents_added: tuple[str, ...]
    documents_removed: tuple[str, ...]
    documents_changed: tuple[str, ...]
    samples: tuple[Sample, ...]
    """Up to ten rows, spread over the removed and the added ones."""


def compare(home: Path, name: str, older: IndexManifest, newer: IndexManifest) -> IndexDiff:
    """What differs between two versions of index `name`. Raises MachineryError when one is not here."""
    before, after = (_rows(home, name, manifest) for manifest in (older, newer))
    old, new = ({row_key(row): row for row in rows} for rows in (before, after))
    removed = [row for key, row in old.items() if key not in new]
    added = [row for key, row in new.items() if key not in old]
    changes = source_changes(by_source(before), by_source(after))
    return IndexDiff(
        rows_added=len(added),
        rows_removed=len(removed),
        rows_unchanged=len(new) - len(added),
        documents_added=changes.added,
        documents_removed=changes.removed,
        documents_changed=changes.changed,
        samples=(*_samples("removed", removed), *_samples("added", added)),
    )


def _rows(home: Path, name: str, manifest: IndexManifest) -> list[Row]:
    sealed = sealed_path(home, name, manifest.digest)
    trusted_files(sealed, name, manifest)
    return list(read_rows(sealed))


def _samples(change: Literal["added", "removed"], rows: list[Row]) -> list[Sample]:
    count = min(_SAMPLES // 2, len(rows))
    chosen = [rows[at * len(rows) // count] for at in range(count)]
    return [Sample(change, row.id, row.source, row.document[:_TEXT]) for row in chosen]
