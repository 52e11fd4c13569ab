"""The source documents of a sealed version, for screens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from indexes.export import read_rows
from indexes.rows import Row
from indexes.sealed import sealed_path, trusted_files
from store.records.versions import IndexManifest


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """One source document."""

    source: str
    title: str
    """Empty where its rows name none."""
    passages: int
    characters: int
    """Of all its passages together."""


def documents(home: Path, name: str, manifest: IndexManifest) -> list[DocumentInfo]:
    """The source documents, sorted by source. Raises MachineryError when the version is not here."""
    sealed = sealed_path(home, name, manifest.digest)
    trusted_files(sealed, name, manifest)
    rows: dict[str, list[Row]] = {}
    for row in read_rows(sealed):
        rows.setdefault(row.source, []).append(row)
    return [_info(source, rows[source]) for source in sorted(rows)]


def _info(source: str, rows: list[Row]) -> DocumentInfo:
    title = rows[0].metadata.get("title", "")
    return DocumentInfo(source, str(title), len(rows), sum(len(row.document) for row in rows))
