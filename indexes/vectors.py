"""Unit vectors for rows: those they bring, those the parent has, those kept, the embedder's for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.delta import SourceChanges, by_source, row_key, source_changes
from indexes.embedders import Embedder
from indexes.embedders.unit import unit
from indexes.export import read_rows, read_vectors
from indexes.kept_vectors import KeptVectors, text_key
from indexes.rows import Row
from store.errors import InputError, MachineryError
from store.progress import Progress, Report, Stop, check
from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

BATCH = 64
"""Texts that are embedded, and kept, at once."""


@dataclass(frozen=True, slots=True)
class Parent:
    """What a new version takes from the one before it."""

    vectors: NDArray[float32] | None = None
    """None without a parent, or with one of another embedder."""
    rows: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By row id: its place in `vectors`, and the key of its text."""
    texts: dict[bytes, int] = field(default_factory=dict)
    """By the key of a text: the place of the first row that has it."""
    sources: dict[str, frozenset[bytes]] = field(default_factory=dict)

    def position(self, row: Row) -> int | None:
        """Where the vector for `row` is: that of the same row, else of any with the same text."""
        key = text_key(row.document)
        at, known = self.rows.get(row.id, (0, b""))
        return at if known == key else self.texts.get(key)

    def changes(self, rows: Sequence[Row]) -> SourceChanges:
        """The source documents in which `rows` differ from it."""
        return source_changes(self.sources, by_source(rows))


def read_parent(sealed: Path, made_with: EmbedderIdentity, wanted: EmbedderIdentity) -> Parent:
    """The parent's rows and, where the embedder is the same one, vectors. Raises MachineryError."""
    places: dict[str, tuple[int, bytes]] = {}
    texts: dict[bytes, int] = {}
    sources: dict[str, set[bytes]] = {}
    for at, row in enumerate(read_rows(sealed)):
        key = text_key(row.document)
        places[row.id] = at, key
        texts.setdefault(key, at)
        sources.setdefault(row.source, set()).add(row_key(row))
    known = {source: frozenset(keys) for source, keys in sources.items()}
    if made_with != wanted:
        return Parent(sources=known)
    vectors = read_vectors(sealed, made_with.dimension)
    if len(vectors) != len(places):
        raise MachineryError(f"{sealed} is damaged: rows and vectors differ in number; restore it.")
    return Parent(vectors, places, texts, known)


def texts_to_embed(
    rows: Sequence[Row], parent: Parent, kept: KeptVectors | None = None
) -> dict[bytes, list[int]]:
    """By text key, the places in `rows` whose vector the row does not bring, and parent and `kept` lack.

    Equal texts are embedded once: an embedder gives a text the same vector in any company.
    """
    missing: dict[bytes, list[int]] = {}
    for at, row in enumerate(rows):
        if row.embedding is None and parent.position(row) is None:
            key = text_key(row.document)
            if kept is None or key not in kept:
                missing.setdefault(key, []).append(at)
    return missing


def vectors_of(
    rows: Sequence[Row], embedder: Embedder, parent: Parent, kept: KeptVectors, report: Report, stop: Stop
) -> NDArray[float32]:
    """(n, d) float32 unit vectors, one for each row. What the embedder makes is kept as it comes.

    Raises InputError when vectors that the rows bring do not have the embedder's dimension,
    MachineryError when the embedder gives something that cannot be used, OSError, Cancelled.
    """
    import numpy

    identity = embedder.identity
    vectors = numpy.empty((len(rows), identity.dimension), dtype=numpy.float32)
    missing: dict[bytes, list[int]] = {}
    for at, row in enumerate(rows):
        if row.embedding is not None:
            vectors[at] = _brought(row, identity)
        elif (position := parent.position(row)) is not None and parent.vectors is not None:
            vectors[at] = parent.vectors[position]
        else:
            missing.setdefault(text_key(row.document), []).append(at)
    known = _take_kept(vectors, missing, kept)
    todo = iter(missing.items())
    done = known
    while batch := list(islice(todo, BATCH)):
        check(stop, "building the index")
        made = _made(embedder, [rows[places[0]].document for _, places in batch], identity, done)
        kept.keep([key for key, _ in batch], made)
        for (_, places), vector in zip(batch, made, strict=True):
            vectors[places] = vector
        done += len(batch)
        note = f"{known:,} were embedded before the last build ended" if known else ""
        report(Progress("embedding", done, known + len(missing), note))
    return vectors


def _take_kept(vectors: NDArray[float32], missing: dict[bytes, list[int]], kept: KeptVectors) -> int:
    """Puts in what is kept and takes it out of `missing`; returns how many texts that were."""
    found = 0
    for key in [key for key in missing if key in kept]:
        vector = kept.find(key)
        if vector is not None:
            vectors[missing.pop(key)] = vector
            found += 1
    return found


def _brought(row: Row, identity: EmbedderIdentity) -> NDArray[float32]:
    import numpy

    vector = numpy.asarray(row.embedding, dtype=numpy.float32)
    if vector.shape != (identity.dimension,):
        raise InputError(
            f"the rows bring vectors of {len(vector)} numbers, but {identity.name}, which embeds questions, "
            f"makes {identity.dimension}; name the embedder that made them, or leave `embedding` out."
        )
    return unit(vector)


def _made(embedder: Embedder, texts: list[str], identity: EmbedderIdentity, done: int) -> NDArray[float32]:
    import numpy

    try:
        made = embedder.embed(texts)
    except MachineryError as error:
        if not done:
            raise
        raise MachineryError(
            f"{error.message} {done:,} text{'' if done == 1 else 's'} embedded so far "
            f"{'is' if done == 1 else 'are'} kept: start the build again to go on from there."
        ) from None
    if made.shape != (len(texts), identity.dimension) or not numpy.isfinite(made).all():
        raise MachineryError(
            f"the embedder {identity.name} gave {made.shape} for {len(texts)} texts of {identity.dimension}, "
            "or numbers that are not finite; nothing was changed."
        )
    return made
