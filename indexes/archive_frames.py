"""Packing one file against others that resemble it, piece by piece, in bounded memory.

zstd finds again in a dictionary what a file shares with an earlier version of it (as `zstd --patch-from`
does). Measured on ten versions of 10,000 passages: dictionaries over 16 MB are only looked through by the
strategies of the higher levels, and only with hash tables of their size, so both are set here. A piece and
what it is packed against fit into one window; that window is what unpacking needs in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from indexes.archive_format import PIECE, Piece, Section
from store.errors import MachineryError
from store.progress import Stop, check, never
from store.text import one_line

_LEVEL = 12  # measured: 16 and 19 take ten times as long for one part in a hundred
_WINDOW_LOG = 27
_NEAR, _BESIDE = 64 << 20, 30 << 20
"""Bytes of a dictionary: with a piece they stay under the window of 128 MiB."""
_LOGS = (17, 24)
PACKING, UNPACKING = "packing the index", "unpacking the index"


@dataclass(frozen=True, slots=True)
class Against:
    """What a file is packed against."""

    near: Path | None = None
    beside: Path | None = None

    def dictionary(self, at: int, length: int, size: int) -> bytes:
        """For the piece of `length` bytes at `at` of a file of `size` bytes. Raises OSError."""
        parts = ((self.beside, _BESIDE), (self.near, _NEAR))
        return b"".join(_around(path, limit, at, length, size) for path, limit in parts if path)


def _around(path: Path, limit: int, at: int, length: int, size: int) -> bytes:
    """Up to `limit` bytes of `path`, around the place that the piece has in its own file."""
    there = path.stat().st_size
    middle = (2 * at + length) * there // (2 * size)
    start = max(0, min(middle - limit // 2, there - limit))
    with path.open("rb") as stream:
        stream.seek(start)
        return stream.read(limit)


def pack(source: Path, against: Against, stream: BinaryIO, stop: Stop = never) -> Iterator[Piece]:
    """Writes the frames of `source`, one piece each. Raises OSError, Cancelled between two pieces."""
    import zstandard

    size = source.stat().st_size
    with source.open("rb") as reading:
        for at in range(0, size, PIECE):
            check(stop, PACKING)
            data = reading.read(PIECE)
            known = against.dictionary(at, len(data), size)
            log = max(_LOGS[0], min(_LOGS[1], (len(data) + len(known)).bit_length()))
            parameters = zstandard.ZstdCompressionParameters.from_level(
                _LEVEL,
                source_size=len(data),
                dict_size=len(known),
                window_log=_WINDOW_LOG,
                hash_log=log,
                chain_log=log,
                write_checksum=True,
                write_dict_id=False,
            )
            compressor = zstandard.ZstdCompressor(compression_params=parameters, dict_data=_raw(known))
            frame = compressor.compress(data)
            stream.write(frame)
            yield Piece(size=len(data), stored=len(frame))


def unpack(section: Section, against: Against, stream: BinaryIO, target: Path, stop: Stop = never) -> None:
    """Writes the file of `section` to `target` from its frames in `stream`, and checks its sha256.

    Raises OSError, MachineryError when a frame is damaged or holds other than it says, Cancelled.
    """
    hash, at = hashlib.sha256(), 0
    with target.open("xb") as writing:
        for piece in section.pieces:
            check(stop, UNPACKING)
            known = against.dictionary(at, piece.size, section.file.size)
            data = _unpacked(stream.read(piece.stored), piece, known, section)
            hash.update(data)
            writing.write(data)
            at += piece.size
    if hash.hexdigest() != section.file.sha256:
        raise _damaged(section, "its sha256 is another one")


def _unpacked(frame: bytes, piece: Piece, known: bytes, section: Section) -> bytes:
    import zstandard

    try:
        if zstandard.frame_content_size(frame) != piece.size:  # a bomb says so before it goes off
            raise _damaged(section, "a frame has another size than it should")
        decompressor = zstandard.ZstdDecompressor(dict_data=_raw(known), max_window_size=1 << _WINDOW_LOG)
        data: bytes = decompressor.decompress(frame, max_output_size=piece.size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _damaged(section, one_line(str(error), 120)) from None
    if len(data) != piece.size:
        raise _damaged(section, "a frame has another size than it should")
    return data


def _raw(known: bytes) -> Any:
    import zstandard

    if len(known) < 8:  # zstd takes no shorter one
        return None
    return zstandard.ZstdCompressionDict(known, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _damaged(section: Section, why: str) -> MachineryError:
    return MachineryError(f"{one_line(section.file.path)} in the archive is damaged: {why}.")
