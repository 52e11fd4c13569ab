"""Unit vectors for rows: those they bring, those the parent has, and the embedder's for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.delta import SourceChanges, by_source, source_changes
from indexes.embedders import Embedder
from indexes.embedders.unit import unit
from indexes.export import read_rows, read_vectors
from indexes.rows import Row
from store.errors import InputError, MachineryError
from store.progress import Progress, Report, Stop, check
from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Parent:
    """What a new version takes from the one before it."""

    vectors: NDArray[float32] | None = None
    """None without a parent, or with one of another embedder."""
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    """(id, document) to the row of `vectors`."""
    sources: dict[str, frozenset[bytes]] = field(default_factory=dict)

    def changes(self, rows: Sequence[Row]) -> SourceChanges:
        """The source documents in which `rows` differ from it."""
        return source_changes(self.sources, by_source(rows))


def read_parent(sealed: Path, made_with: EmbedderIdentity, wanted: EmbedderIdentity) -> Parent:
    """The parent's rows and, where the embedder is the same one, vectors. Raises MachineryError."""
    rows = list(read_rows(sealed))
    if made_with != wanted:
        return Parent(sources=by_source(rows))
    vectors = read_vectors(sealed, made_with.dimension)
    if len(vectors) != len(rows):
        raise MachineryError(f"{sealed} is damaged: rows and vectors differ in number; restore it.")
    positions = {(row.id, row.document): at for at, row in enumerate(rows)}
    return Parent(vectors, positions, by_source(rows))


def vectors_of(
    rows: Sequence[Row], embedder: Embedder, parent: Parent, report: Report, stop: Stop
) -> NDArray[float32]:
    """(n, d) float32 unit vectors, one for each row.

    Raises InputError when vectors that the rows bring do not have the embedder's dimension,
    MachineryError when the embedder gives something that cannot be used, Cancelled.
    """
    import numpy

    dimension = embedder.identity.dimension
    vectors = numpy.empty((len(rows), dimension), dtype=numpy.float32)
    missing: list[int] = []
    for at, row in enumerate(rows):
        position = parent.positions.get((row.id, row.document))
        if row.embedding is not None:
            vectors[at] = _brought(row, dimension, embedder.identity.name)
        elif position is not None and parent.vectors is not None:
            vectors[at] = parent.vectors[position]
        else:
            missing.append(at)
    for start in range(0, len(missing), _BATCH):
        check(stop, "building the index")
        batch = missing[start : start + _BATCH]
        vectors[batch] = _made(embedder, [rows[at].document for at in batch], dimension)
        report(Progress("embedding", start + len(batch), len(missing)))
    return vectors


def _brought(row: Row, dimension: int, name: str) -> NDArray[float32]:
    import numpy

    vector = numpy.asarray(row.embedding, dtype=numpy.float32)
    if vector.shape != (dimension,):
        raise InputError(
            f"the rows bring vectors of {len(vector)} numbers, but {name}, which embeds questions, "
            f"makes {dimension}; name the embedder that made them, or leave `embedding` out."
        )
    return unit(vector)


def _made(embedder: Embedder, texts: list[str], dimension: int) -> NDArray[float32]:
    import numpy

    made = embedder.embed(texts)
    if made.shape != (len(texts), dimension) or not numpy.isfinite(made).all():
        raise MachineryError(
            f"the embedder {embedder.identity.name} gave {made.shape} for {len(texts)} texts of {dimension}, "
            "or numbers that are not finite; nothing was changed."
        )
    return made
