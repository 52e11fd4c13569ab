"""Whether the vectors of a foreign collection are those of the embedder that will embed the questions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from console.operations.access import embedder as find_embedder
from console.operations.counted import counted
from console.operations.plan import Check
from store.errors import InputError
from store.records.versions import EmbedderIdentity
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_source import Collected
    from indexes.embedders import Embedder

_SAMPLE = 8
"""Passages that are embedded again to see whether the embedder is the one that made the vectors."""
_SAME, _ALIKE = 0.98, 0.7
"""Cosine of two vectors of one text: by the same embedder, and by one like it (int8 weights, a prefix)."""


def embedder_name(found: Collected, asked: str | None) -> str:
    """The embedder that was asked for, or that Lockgate wrote into the collection.

    Raises InputError where that cannot be read.
    """
    if asked is not None:
        return asked
    try:
        return EmbedderIdentity.model_validate(json.loads(found.embedder)).name
    except ValueError:
        raise InputError(
            "what the collection says of its embedder cannot be read: name it with --embedder."
        ) from None


def embedder_of(workspace: Workspace, found: Collected, name: str) -> tuple[Embedder, EmbedderIdentity]:
    """The embedder and its identity. Raises InputError when its vectors have another length."""
    embedder = find_embedder(workspace, name)
    identity = embedder.identity
    if identity.dimension != found.dimension:
        raise InputError(
            f"the vectors of the collection have {found.dimension} numbers, those of {one_line(name, 60)} "
            f"{identity.dimension}: name the embedder that made them with --embedder."
        )
    return embedder, identity


def checks_of(found: Collected, embedder: Embedder, identity: EmbedderIdentity) -> tuple[Check, ...]:
    """What there is to say of the vectors. Raises MachineryError when the embedder fails."""
    return (_same_embedder(found, embedder, identity), *_space(found))


def _same_embedder(found: Collected, embedder: Embedder, identity: EmbedderIdentity) -> Check:
    """Whether the embedder gives a few passages the vectors that they have."""
    import numpy

    from indexes.embedders.unit import unit

    rows = found.loaded.rows
    sample = rows[:: max(1, len(rows) // _SAMPLE)][:_SAMPLE]
    made = embedder.embed([row.document for row in sample])
    had = unit(numpy.stack([numpy.asarray(row.embedding, numpy.float32) for row in sample]))
    near = float(numpy.median((made * had).sum(axis=1)))
    again = f"{counted(len(sample), 'passage')} embedded again with {identity.name}"
    if near >= _SAME:
        return Check("embedder", "ok", f"{again}: the same vectors")
    if near >= _ALIKE:
        return Check("embedder", "warn", f"{again}: like vectors, not the same (cosine {near:.2f})")
    return Check(
        "embedder",
        "warn",
        f"{again}: other vectors (cosine {near:.2f}); if it did not make them, questions will find nothing",
    )


def _space(found: Collected) -> tuple[Check, ...]:
    if found.unit_length or found.space == "cosine":
        return ()
    words = f"its vectors are not of unit length and were compared by {one_line(found.space, 20)}"
    return (Check("space", "warn", f"{words}; they are scaled, and compared by angle from now on"),)
