"""Vectors of a build under way, on disk as they come: one that was killed or stopped pays for none twice.

`embedding/<embedder>-<dimension>.rows` holds records of one size: the sha256 of a text, its vector as
little-endian float32, and a check sum over both. A torn record at the end is cut off, one with a wrong check
sum is not believed; both only cost an embedding. Nothing is synced: what a power cut loses is embedded again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.disk import make_folder
from store.canonical import canonical_json, sha256_hex
from store.records.base import Digest
from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_FOLDER = "embedding"
_ENDING = ".rows"
_KEY, _SUM = 32, 8
_LIMIT = 8 << 30
"""Bytes of one file; what comes after is not kept."""
_DAYS = 7
"""Vectors that no build added to for so long are of no use to anybody."""
_AT_ONCE = 1024
"""Records read in one go."""


def text_key(text: str) -> bytes:
    """What a vector is kept under: the sha256 of the text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


class KeptVectors:
    """The vectors that builds of one index with one embedder left behind, and those of this build."""

    def __init__(self, folder: Path, identity: EmbedderIdentity) -> None:
        """Reads which texts are there. `folder` is that of the index. Raises OSError."""
        stem = f"{_stem(identity.name, identity.weights)}-{identity.dimension}"
        self._path = folder / _FOLDER / f"{stem}{_ENDING}"
        self._dimension = identity.dimension
        self._record = _KEY + 4 * identity.dimension + _SUM
        self._positions = {key: at for at, key in enumerate(self._keys())}

    @classmethod
    def of(cls, folder: Path, name: str, weights: Digest | None) -> KeptVectors | None:
        """Those of an embedder that may not be asked for its dimension; None where there are none."""
        found = sorted((folder / _FOLDER).glob(f"{_stem(name, weights)}-*{_ENDING}"))
        numbers = [path.stem.rpartition("-")[2] for path in found]
        dimension = next((int(number) for number in numbers if number.isdigit() and int(number)), None)
        if dimension is None:
            return None
        return cls(folder, EmbedderIdentity(name=name, weights=weights, dimension=dimension))

    def __contains__(self, key: bytes) -> bool:
        return key in self._positions

    def find(self, key: bytes) -> NDArray[float32] | None:
        """The vector kept under `key`; None where there is none, or a damaged one. Raises OSError."""
        import numpy

        position = self._positions.get(key)
        if position is None:
            return None
        with self._path.open("rb") as file:
            file.seek(position * self._record)
            record = file.read(self._record)
        if record[:_KEY] != key or record[-_SUM:] != _sum(record[:-_SUM]):
            return None
        return numpy.frombuffer(record, "<f4", self._dimension, _KEY)

    def keep(self, keys: Sequence[bytes], vectors: NDArray[float32]) -> None:
        """Appends the vectors of `keys`. Raises OSError; whole records stay then."""
        rows = vectors.astype("<f4", copy=False)
        records = [key + row.tobytes() for key, row in zip(keys, rows, strict=True)]
        make_folder(self._path.parent)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            size = os.fstat(handle).st_size
            os.truncate(handle, size - size % self._record)
            os.lseek(handle, 0, os.SEEK_END)
            if size < _LIMIT:
                _write(handle, b"".join(record + _sum(record) for record in records))
        finally:
            os.close(handle)

    def drop(self) -> None:
        """Removes them: the build is sealed."""
        self._path.unlink(missing_ok=True)

    def _keys(self) -> Iterator[bytes]:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            while block := file.read(_AT_ONCE * self._record):
                for at in range(0, len(block) - self._record + 1, self._record):
                    yield block[at : at + _KEY]


def stale_vectors(folder: Path, now: datetime) -> tuple[Path, ...]:
    """Files of builds of the index in `folder` that nobody went on with for a week."""
    before = (now - timedelta(days=_DAYS)).timestamp()
    return tuple(path for path in sorted((folder / _FOLDER).glob(f"*{_ENDING}")) if _changed(path) < before)


def sweep_vectors(folder: Path, now: datetime) -> None:
    """Removes those. Raises OSError."""
    for path in stale_vectors(folder, now):
        path.unlink(missing_ok=True)


def _stem(name: str, weights: Digest | None) -> str:
    return sha256_hex(canonical_json([name, weights]))[:32]


def _sum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_SUM).digest()


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
