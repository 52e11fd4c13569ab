"""Golden queries: a few rows' own vectors with the answers that Chroma gave when the index was built."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from indexes.rows import Row
from store.bounded import parse_json, validate
from store.canonical import canonical_json
from store.errors import InputError, MachineryError
from store.records.base import Strict
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

PROBES = "probes.json"
AGREEMENT = 0.95
"""The share of probes whose nearest row, and the share of expected rows, that must come back."""
_PROBES, _NEAREST = 20, 10
_SAME = 1e-5
"""Squared distance under which two answers are as good: equal rows come back in either order."""
_TEXT = 200


class RowsLost(MachineryError):
    """Chroma does not find rows that it was given, by their own vectors."""


class Probe(Strict):
    """One golden query."""

    id: str
    """The row whose vector asks."""
    text: str
    """The beginning of its document, for people."""
    vector: str
    """The vector, little-endian float32, in base64."""
    nearest: tuple[str, ...] = Field(min_length=1)
    """The ids that came back, nearest first."""
    distances: tuple[float, ...]
    """Their squared l2 distances."""


class Probes(Strict):
    """probes.json"""

    format: Literal["lockgate.probes/1"] = "lockgate.probes/1"
    probes: tuple[Probe, ...]

    def to_bytes(self) -> bytes:
        """The bytes of probes.json."""
        return canonical_json(self.model_dump(mode="json")) + b"\n"


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What came back for one golden query."""

    id: str
    """The row whose vector asked."""
    top: bool
    """Whether the right row, or one just as near, came first."""
    found: int
    """How many of the expected rows, or rows just as near, came back."""
    expected: int


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What an opened copy answered."""

    passages: int
    """Rows in the collection."""
    probes: int
    """Golden queries asked."""
    top1: float
    """Share of probes with the right nearest row."""
    overlap: float
    """Share of the expected rows that came back."""
    answers: tuple[ProbeAnswer, ...] = ()
    """Query by query, in their order."""


def make_probes(collection: Any, rows: Sequence[Row], vectors: NDArray[float32]) -> Probes:
    """Asks a freshly built collection for rows spread over it.

    Raises RowsLost when it does not even find the rows that ask.
    """
    count = min(_PROBES, len(rows))
    chosen = [position * len(rows) // count for position in range(count)]
    answers = collection.query(
        query_embeddings=vectors[chosen], n_results=min(_NEAREST, len(rows)), include=["distances"]
    )
    probes = tuple(
        Probe(
            id=rows[at].id,
            text=rows[at].document[:_TEXT],
            vector=base64.b64encode(vectors[at].astype("<f4").tobytes()).decode(),
            nearest=tuple(ids),
            distances=tuple(float(distance) for distance in distances),
        )
        for at, ids, distances in zip(chosen, answers["ids"], answers["distances"], strict=True)
    )
    lost = sum(probe.distances[0] > _SAME for probe in probes)
    if lost > count * (1 - AGREEMENT) + 1:
        raise RowsLost(
            f"Chroma does not find {lost} of {count} rows that it was just given: their vectors are too much "
            "alike; use an embedder that knows what the texts mean, or split the index."
        )
    return Probes(probes=probes)


def read_probes(sealed: Path) -> tuple[Probe, ...]:
    """The golden queries of a sealed folder. Raises MachineryError when damaged."""
    path = sealed / PROBES
    try:
        return validate(Probes, parse_json(path.read_bytes(), PROBES), PROBES).probes
    except (OSError, InputError) as error:
        raise MachineryError(f"{path} is damaged: {one_line(str(error))}; restore it from a copy.") from None


def ask(collection: Any, probes: Sequence[Probe]) -> ProbeResult:
    """Asks all probes. Raises what Chroma raises on damaged files."""
    import numpy

    vectors = numpy.stack([numpy.frombuffer(base64.b64decode(probe.vector), "<f4") for probe in probes])
    wanted = max(len(probe.nearest) for probe in probes)
    answers = collection.query(query_embeddings=vectors, n_results=wanted, include=["distances"])
    found = tuple(
        _judged(probe, ids, distances)
        for probe, ids, distances in zip(probes, answers["ids"], answers["distances"], strict=True)
    )
    return ProbeResult(
        passages=collection.count(),
        probes=len(probes),
        top1=sum(one.top for one in found) / len(found),
        overlap=sum(one.found for one in found) / sum(one.expected for one in found),
        answers=found,
    )


def _judged(probe: Probe, ids: Sequence[str], distances: Sequence[float]) -> ProbeAnswer:
    top = bool(ids) and (ids[0] == probe.nearest[0] or distances[0] <= probe.distances[0] + _SAME)
    farthest = probe.distances[-1] + _SAME
    as_good = sum(id in probe.nearest or far <= farthest for id, far in zip(ids, distances, strict=True))
    return ProbeAnswer(probe.id, bool(top), min(as_good, len(probe.nearest)), len(probe.nearest))
