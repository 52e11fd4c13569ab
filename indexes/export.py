"""The truth of a sealed index: its rows and vectors as plain files, sorted by id.

records.jsonl.zst holds one canonical JSON object `{"document", "id", "metadata"}` a line;
vectors.f32 the vectors one after another, little-endian float32, in the same order.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.rows import Row, source_of
from store.canonical import canonical_json
from store.errors import MachineryError
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

RECORDS = "records.jsonl.zst"
VECTORS = "vectors.f32"
_LEVEL = 3


def write_export(folder: Path, rows: Sequence[Row], vectors: NDArray[float32]) -> None:
    """Both files into `folder`. Raises OSError."""
    import numpy

    with (folder / RECORDS).open("xb") as target, _compressor().stream_writer(target) as stream:
        for row in rows:
            line = {"id": row.id, "document": row.document, "metadata": row.metadata}
            stream.write(canonical_json(line) + b"\n")
    with (folder / VECTORS).open("xb") as target:
        target.write(numpy.ascontiguousarray(vectors, dtype="<f4").data)  # no second copy in memory


def pack_records(plain: Path, packed: Path) -> None:
    """`plain` rows packed as `write_export` does, with the same bytes. Raises OSError."""
    with plain.open("rb") as source, packed.open("xb") as target:
        _compressor().copy_stream(source, target)


def unpack_records(packed: Path, plain: Path) -> None:
    """The other way round. Raises OSError, MachineryError when damaged."""
    import zstandard

    try:
        with packed.open("rb") as source, plain.open("xb") as target:
            zstandard.ZstdDecompressor().copy_stream(source, target)
    except zstandard.ZstdError as error:
        raise MachineryError(
            f"{packed} is damaged: {one_line(str(error))}; restore it from a copy."
        ) from None


def _compressor() -> Any:
    import zstandard

    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)


def read_rows(sealed: Path) -> Iterator[Row]:
    """The rows of a sealed folder, by id, without their vectors. Raises MachineryError when damaged."""
    import zstandard

    path = sealed / RECORDS
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            for line in io.BufferedReader(stream, 1 << 16):
                value = json.loads(line)
                id, metadata = value["id"], value["metadata"]
                yield Row(id, value["document"], metadata, source_of(id, metadata))
    except (OSError, zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise MachineryError(f"{path} is damaged: {one_line(str(error))}; restore it from a copy.") from None


def read_vectors(sealed: Path, dimension: int) -> NDArray[float32]:
    """The vectors of a sealed folder, (n, dimension), mapped from the file. Raises MachineryError."""
    import numpy

    path = sealed / VECTORS
    try:
        flat = numpy.memmap(path, dtype="<f4", mode="r")
        return flat.reshape(-1, dimension)
    except (OSError, ValueError) as error:
        raise MachineryError(f"{path} is damaged: {one_line(str(error))}; restore it from a copy.") from None
