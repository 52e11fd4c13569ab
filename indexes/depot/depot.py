"""A depot: files by the hash of what is in them, packed, read back after they were written.

`blobs/<first two digits>/<sha256>.zst` is a sealed file; git has the manifest that names it, so whatever
the depot gives is compared with that. `archives/<index>/<digest>.lga` is an archive, which is compared with
the manifest when it is unpacked. Nothing here is trusted, and nothing here is ever written twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from indexes.depot.address import missing_package, protocol_of, refusal
from store.errors import InputError, LockgateError, MachineryError
from store.progress import Stop, check, never
from store.records.base import Digest
from store.records.component import check_name
from store.records.versions import SealedFile
from store.text import one_line

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BLOCK = 1 << 20
_LEVEL = 3
_SECONDS = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 3, "mode": "standard"}}
_SENDING, _FETCHING = "The upload", "The download"


class Depot:
    """One address. Every call may raise MachineryError with one sentence, and Cancelled."""

    def __init__(self, files: AbstractFileSystem, root: str, url: str) -> None:
        self._files = files
        self._root = root.rstrip("/")
        self.url = url

    @classmethod
    def open(cls, url: str, options: Mapping[str, object] | None = None) -> Depot:
        """Opens the address; no request is made yet. Raises InputError for one that may not be."""
        import fsspec

        given = dict(options or {})
        if why := refusal(url, given):
            raise InputError(f"indexes_url: {why}.")
        protocol = protocol_of(url)
        more: dict[str, Any] = {"auto_mkdir": True} if protocol == "file" else {}
        if protocol in ("s3", "s3a"):
            more = {"config_kwargs": _SECONDS, "use_listings_cache": False}
        try:
            files, root = fsspec.core.url_to_fs(url, **more, **given)
        except ImportError:
            raise missing_package(protocol) from None
        except Exception as error:
            raise InputError(f"indexes_url cannot be opened: {_words(error)}.") from None
        return cls(files, root, url)

    # -- sealed files -------------------------------------------------------------------------

    def has(self, file: SealedFile) -> bool:
        """Whether the file is there; it is not read."""
        with self._one_sentence("looked into"):
            return bool(self._files.exists(self._blob(file.sha256)))

    def put(self, file: SealedFile, source: Path, stop: Stop = never) -> None:
        """Packs `source` into the depot and reads it back. Raises MachineryError where it is not `file`."""
        key = self._blob(file.sha256)
        with self._one_sentence("written to"):
            with source.open("rb") as reading, self._written(key) as target:
                found = _pack(reading, target, stop)
                if found != file.sha256:
                    raise MachineryError(f"{source} is damaged: its sha256 is not the sealed one; not sent.")
            self._read(key, file, None, stop)

    def check(self, file: SealedFile, stop: Stop = never) -> None:
        """Reads the file and compares it with its hash."""
        self._read(self._blob(file.sha256), file, None, stop)

    def get(self, file: SealedFile, target: Path, stop: Stop = never) -> None:
        """Unpacks the file to `target`, which is new; nothing is left where it is not what it should be."""
        self._read(self._blob(file.sha256), file, target, stop)

    def remove(self, file: SealedFile) -> None:
        """Deletes the file; one that is not there is as good."""
        self._remove(self._blob(file.sha256))

    # -- archives -----------------------------------------------------------------------------

    def has_archive(self, name: str, digest: Digest) -> bool:
        """Whether there is an archive of that content; it is not read."""
        with self._one_sentence("looked into"):
            return bool(self._files.exists(self._archive(name, digest)))

    def put_archive(self, name: str, digest: Digest, source: Path, stop: Stop = never) -> None:
        """Copies an archive into the depot and reads it back."""
        key = self._archive(name, digest)
        with self._one_sentence("written to"):
            hash = hashlib.sha256()
            with source.open("rb") as reading, self._written(key) as target:
                for block in _blocks(reading, stop, _SENDING):
                    hash.update(block)
                    target.write(block)
            back = hashlib.sha256()
            with self._files.open(key, "rb") as reading:
                for block in _blocks(reading, stop, _SENDING):
                    back.update(block)
            if back.digest() != hash.digest():
                raise MachineryError(
                    f"{self._said(key)} is not what was sent; look at what else writes there."
                )

    def get_archive(self, name: str, digest: Digest, target: Path, most: int, stop: Stop = never) -> None:
        """Copies an archive of at most `most` bytes to `target`, which is new; unpacking it checks it."""
        key = self._archive(name, digest)
        with self._one_sentence("read from"), _new(target) as writing:
            self._demand(key)
            size = 0
            with self._files.open(key, "rb") as reading:
                for block in _blocks(reading, stop, _FETCHING):
                    size += len(block)
                    if size > most:
                        raise MachineryError(
                            f"{self._said(key)} is larger than what was packed; not fetched."
                        )
                    writing.write(block)

    def remove_archive(self, name: str, digest: Digest) -> None:
        """Deletes the archive of that content."""
        self._remove(self._archive(name, digest))

    # -- inside ---------------------------------------------------------------------------------

    def _read(self, key: str, file: SealedFile, target: Path | None, stop: Stop) -> None:
        with self._one_sentence("read from"):
            self._demand(key)
            with self._files.open(key, "rb") as reading:
                if target is None:
                    is_right = _unpack(reading, None, file, stop)
                else:
                    with _new(target) as writing:
                        is_right = _unpack(reading, writing, file, stop)
            if not is_right:
                if target is not None:
                    target.unlink(missing_ok=True)
                raise MachineryError(
                    f"{self._said(key)} is damaged: it does not hold what its name says. Delete it "
                    "there, and `lockgate index push` on a machine that has the version sends it again."
                )

    def _remove(self, key: str) -> None:
        with self._one_sentence("written to"), suppress(FileNotFoundError):
            self._files.rm_file(key)

    def _demand(self, key: str) -> None:
        if not self._files.exists(key):
            raise MachineryError(
                f"{self._said(key)} is missing: `lockgate index push` on a machine that has the version "
                "sends it."
            )

    @contextmanager
    def _written(self, key: str) -> Iterator[BinaryIO]:
        """A file that is there whole or not at all."""
        writing = self._files.open(key, "wb", autocommit=False)
        try:
            yield writing
            writing.close()
            writing.commit()
        except BaseException:
            with suppress(Exception):
                writing.discard()
            raise
        if protocol_of(self.url) == "file":
            _sync(Path(key))

    def _blob(self, sha256: str) -> str:
        return f"{self._root}/blobs/{sha256[:2]}/{sha256}.zst"

    def _archive(self, name: str, digest: Digest) -> str:
        short = digest.removeprefix("sha256:")[:32]
        return f"{self._root}/archives/{check_name(name, 'index name')}/{short}.lga"

    def _said(self, key: str) -> str:
        return one_line(f"{self.url.rstrip('/')}/{key.removeprefix(self._root).lstrip('/')}", 300)

    @contextmanager
    def _one_sentence(self, what: str) -> Iterator[None]:
        """Trouble of any file system as one sentence without what it may quote of keys."""
        try:
            yield
        except LockgateError:
            raise
        except Exception as error:
            raise MachineryError(f"{one_line(self.url, 200)} cannot be {what}: {_words(error)}.") from None


def _pack(reading: BinaryIO, target: BinaryIO, stop: Stop) -> str:
    import zstandard

    hash = hashlib.sha256()
    with zstandard.ZstdCompressor(level=_LEVEL).stream_writer(target, closefd=False) as packed:
        for block in _blocks(reading, stop, _SENDING):
            hash.update(block)
            packed.write(block)
    return hash.hexdigest()


def _unpack(reading: BinaryIO, target: BinaryIO | None, file: SealedFile, stop: Stop) -> bool:
    """Whether `reading` held `file`. Never more than its size is unpacked."""
    import zstandard

    hash, size = hashlib.sha256(), 0
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            reading, closefd=False
        ) as plain:
            while block := plain.read(_BLOCK):
                check(stop, _FETCHING)
                size += len(block)
                if size > file.size:
                    return False
                hash.update(block)
                if target is not None:
                    target.write(block)
    except zstandard.ZstdError:
        return False
    return (size, hash.hexdigest()) == (file.size, file.sha256)


def _blocks(reading: BinaryIO, stop: Stop, what: str) -> Iterator[bytes]:
    while block := reading.read(_BLOCK):
        check(stop, what)
        yield block


@contextmanager
def _new(target: Path) -> Iterator[BinaryIO]:
    """A new file that is gone again where something goes wrong."""
    with target.open("xb") as writing:
        try:
            yield writing
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _sync(path: Path) -> None:
    for one in (path, path.parent):
        handle = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _words(error: Exception) -> str:
    """An error without line breaks, and without its class where it says something itself."""
    said = one_line(str(error), 200).rstrip(".")
    return said or type(error).__name__
