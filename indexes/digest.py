"""The content digest of an index version: the same rows and vectors always give the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from indexes.rows import Row
from store.canonical import canonical_json
from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

FORMAT = "lockgate.index/1"
SPACE = "l2"


def content_digest(rows: Sequence[Row], vectors: NDArray[float32], identity: EmbedderIdentity) -> str:
    """`sha256:` over the fields below. `rows` are sorted by id; `vectors` is (n, d), in that order.

    Every field is written as its length in bytes (8 bytes, big-endian), then its bytes.
    Header: the format `lockgate.index/1`; the dimension in decimal; the space `l2`; the canonical
    JSON of the embedder `{"dimension", "name", "weights"}`; the number of rows in decimal.
    Then each row: id (UTF-8); sha256 of the document's UTF-8 (32 raw bytes); canonical JSON of the
    metadata; the vector as little-endian float32. Order is that of Unicode code points, which is
    that of the UTF-8 bytes.

    Raises ValueError when the rows are not sorted, not unique, or do not fit the vectors.
    """
    if vectors.shape != (len(rows), identity.dimension):
        raise ValueError(f"{len(rows)} rows of {identity.dimension} do not fit vectors of {vectors.shape}")
    hash = hashlib.sha256()

    def field(data: bytes) -> None:
        hash.update(len(data).to_bytes(8, "big"))
        hash.update(data)

    for text in (FORMAT, str(identity.dimension), SPACE):
        field(text.encode())
    field(canonical_json(identity.model_dump(mode="json")))
    field(str(len(rows)).encode())
    before = ""
    for row, vector in zip(rows, vectors.astype("<f4", copy=False), strict=True):
        if row.id <= before:
            raise ValueError("rows must be sorted by id, each id once")
        before = row.id
        field(row.id.encode())
        field(hashlib.sha256(row.document.encode()).digest())
        field(canonical_json(row.metadata))
        field(vector.tobytes())
    return "sha256:" + hash.hexdigest()
