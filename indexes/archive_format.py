"""What an archive says of itself, and what it may not say.

An archive is a row of zstd frames, then its table of contents in canonical JSON, then a tail of fixed length
that says where the table begins and what its sha256 is. Everything is bounded by the table before a byte is
unpacked, and the table by the tail: an archive may come from anywhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Literal, Self

from pydantic import Field, model_validator

from indexes.seal import MANIFEST, Seal
from store.bounded import JSON_LIMIT, read_json
from store.canonical import canonical_json, sha256_hex
from store.errors import InputError, MachineryError
from store.records.base import Digest, Strict
from store.records.versions import SealedFile
from store.text import one_line

PIECE = 32 << 20
"""Bytes of one frame, unpacked, at most."""
_LARGEST = 1 << 40
_FILES = 200
_PARTS = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,2}")
_MAGIC = b"lockgate.archive/1"
_TAIL = len(_MAGIC) + 8 + 64
PLAIN_RECORDS = "records.jsonl"
"""The rows unpacked: packed ones resemble nothing, so archives hold these and pack them again."""


class Piece(Strict):
    """One frame."""

    size: int = Field(ge=0, le=PIECE)
    """Bytes, unpacked."""
    stored: int = Field(ge=1, le=PIECE + (1 << 20))
    """Bytes in the archive."""


class Section(Strict):
    """One file."""

    file: SealedFile
    pieces: tuple[Piece, ...] = Field(max_length=100_000)
    near: str | None = None
    """The file of the keyframe that it was packed against."""
    beside: str | None = None
    """The file of this archive, further up, that it was packed against as well."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(piece.size for piece in self.pieces) != self.file.size:
            raise ValueError("the sizes of a file's pieces do not add up to its own")
        return self


class Contents(Strict):
    """The table of contents."""

    format: Literal["lockgate.archive/1"] = "lockgate.archive/1"
    seal: Seal
    """Of the folder that was packed."""
    keyframe: Digest | None = None
    """The content whose archive it was packed against; that one stands alone."""
    sections: tuple[Section, ...] = Field(max_length=_FILES)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        paths = [section.file.path for section in self.sections]
        if len({path.casefold() for path in paths}) != len(paths):
            raise ValueError("two files have the same name")
        folders = {path.rpartition("/")[0] for path in paths}
        if any(path in folders for path in paths):
            raise ValueError("a file has the name of a folder")
        for at, section in enumerate(self.sections):
            check_path(section.file.path)
            if section.beside is not None and section.beside not in paths[:at]:
                raise ValueError("a file stands on another one that does not come before it")
            if section.near is not None and self.keyframe is None:
                raise ValueError("a file stands on a keyframe that is not named")
        if sum(section.file.size for section in self.sections) > _LARGEST:
            raise ValueError("it says that it holds over 1 TiB")
        if not {file.path for file in self.seal.files} <= {*paths, "records.jsonl.zst"}:
            raise ValueError("a sealed file is missing")
        return self

    def to_bytes(self) -> bytes:
        """As it is written."""
        return canonical_json(self.model_dump(mode="json"))


def check_path(path: str) -> None:
    """Raises ValueError for a path that may not be unpacked."""
    if not _PARTS.fullmatch(path) or path == MANIFEST:
        raise ValueError(f"a file may not be called {one_line(path, 60)!r}")


def write_contents(stream: BinaryIO, contents: Contents) -> None:
    """The table and the tail, at the end of `stream`. Raises OSError."""
    data = contents.to_bytes()
    stream.write(data + len(data).to_bytes(8, "big") + sha256_hex(data).encode() + _MAGIC)


def read_contents(path: Path) -> Contents:
    """The table of the archive at `path`. Raises MachineryError when it is missing, damaged or not to be
    unpacked."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            if size < _TAIL:
                raise _damaged(path, "it is cut off")
            stream.seek(size - _TAIL)
            tail = stream.read(_TAIL)
            length = int.from_bytes(tail[:8], "big")
            if not tail.endswith(_MAGIC):
                raise _damaged(path, "it is no archive, or cut off")
            if length > min(JSON_LIMIT, size - _TAIL):
                raise _damaged(path, "its table of contents is too long")
            stream.seek(size - _TAIL - length)
            data = stream.read(length)
    except OSError as error:
        raise MachineryError(f"{path} cannot be read: {one_line(str(error))}.") from None
    if sha256_hex(data).encode() != tail[8:72]:
        raise _damaged(path, "its table of contents has another sha256")
    try:
        contents = read_json(Contents, data, path.name)
    except InputError as error:
        raise MachineryError(f"{path} is not unpacked: {error.message}") from None
    if sum(p.stored for s in contents.sections for p in s.pieces) != size - _TAIL - length:
        raise _damaged(path, "its length is not the one that it says")
    return contents


def _damaged(path: Path, why: str) -> MachineryError:
    return MachineryError(f"{path} is damaged: {why}. Restore it from a copy.")
