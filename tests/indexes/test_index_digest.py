from __future__ import annotations

import hashlib
import json
import struct
from array import array
from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.digest import content_digest
from indexes.rows import Row
from store.records.versions import EmbedderIdentity

LEXICAL = EmbedderIdentity(name="lexical", dimension=2)
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
texts = st.text(st.characters(codec="utf-8"), max_size=8)


def row(id: str, document: str = "text", **metadata: str | int | float | bool) -> Row:
    return Row(id, document, metadata, id)


def by_hand(rows: list[Row], vectors: list[list[float]], identity: EmbedderIdentity) -> str:
    """The byte layout once more, from its description."""

    def field(data: bytes) -> bytes:
        return struct.pack(">Q", len(data)) + data

    mark = {"name": identity.name, "weights": identity.weights, "dimension": identity.dimension}
    out = field(b"lockgate.index/1") + field(str(identity.dimension).encode()) + field(b"l2")
    out += field(json.dumps(mark, sort_keys=True, separators=(",", ":")).encode())
    out += field(str(len(rows)).encode())
    for one, vector in zip(rows, vectors, strict=True):
        out += field(one.id.encode()) + field(hashlib.sha256(one.document.encode()).digest())
        out += field(
            json.dumps(one.metadata, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        )
        out += field(array("f", vector).tobytes())
    return "sha256:" + hashlib.sha256(out).hexdigest()


def test_layout() -> None:
    rows = [row("a", "eins", k=1, ä="ü"), row("b", "zwei")]
    vectors = [[0.6, 0.8], [1.0, 0.0]]
    assert content_digest(rows, numpy.array(vectors, "f4"), LEXICAL) == by_hand(rows, vectors, LEXICAL)


def test_it_never_changes() -> None:
    found = content_digest([row("a", "one")], numpy.array([[0.6, 0.8]], "f4"), LEXICAL)
    assert found == "sha256:a977d653c427863ccbff5cd9fc38286d52afbf78a84fa814b42b21b56f3c2466"


@given(st.dictionaries(ids, texts, min_size=1, max_size=5), st.data())
def test_any_change_changes_it(contents: dict[str, str], data: st.DataObject) -> None:
    rows = [row(id, contents[id]) for id in sorted(contents)]
    vectors = numpy.tile(numpy.array([[0.6, 0.8]], "f4"), (len(rows), 1))
    digest = content_digest(rows, vectors, LEXICAL)
    at = data.draw(st.integers(0, len(rows) - 1))
    other = [*rows]
    change = data.draw(st.sampled_from(["document", "metadata", "vector", "embedder", "count"]))
    moved, identity = vectors.copy(), LEXICAL
    if change == "document":
        other[at] = replace(rows[at], document=rows[at].document + "x")
    elif change == "metadata":
        other[at] = replace(rows[at], metadata={"k": 1})
    elif change == "vector":
        moved[at, 0] = numpy.nextafter(moved[at, 0], numpy.float32(1))
    elif change == "embedder":
        identity = EmbedderIdentity(name="lexical", dimension=2, weights="sha256:" + "0" * 64)
    else:
        del other[at]
        moved = numpy.delete(moved, at, axis=0)
    assert content_digest(other, moved, identity) != digest


@pytest.mark.parametrize("names", [["b", "a"], ["a", "a"]])
def test_rows_must_be_sorted_and_unique(names: list[str]) -> None:
    with pytest.raises(ValueError, match="sorted"):
        content_digest([row(name) for name in names], numpy.ones((2, 2), "f4"), LEXICAL)


def test_vectors_must_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        content_digest([row("a")], numpy.ones((1, 3), "f4"), LEXICAL)
