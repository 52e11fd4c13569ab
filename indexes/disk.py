"""What index bytes want from a disk: hashes, copies, syncs, and one sentence when it is full."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from store.errors import LockgateError, MachineryError
from store.git.durability import disk_trouble
from store.progress import Stop, check, never
from store.text import one_line

_BLOCK = 1 << 20
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file (btrfs, xfs)
VERIFYING = "The verification"
"""What Cancelled says was stopped."""
_THREADS = 2  # hashing and copying let go of the interpreter; more only fight for the disk

Item = TypeVar("Item")
Result = TypeVar("Result")


def sha256_of(path: Path, stop: Stop = never) -> str:
    """The sha256 of a file as 64 hex digits. Raises OSError, and Cancelled between two blocks."""
    hash, block = hashlib.sha256(), bytearray(_BLOCK)
    view = memoryview(block)
    with path.open("rb", buffering=0) as stream:
        while size := stream.readinto(block):
            check(stop, VERIFYING)
            hash.update(view[:size])
    return hash.hexdigest()


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of each item, in order; the first error is raised."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, items))


def copy_hashed(source: Path, target: Path, stop: Stop = never) -> str:
    """Copies a file and returns the sha256 of what was copied. Raises OSError, and Cancelled between blocks.

    Shares blocks where the file system can; never a hard link, because Chroma writes in place and
    would change the sealed bytes with the copy.
    """
    with source.open("rb") as reading, target.open("xb") as writing:
        if _shared(reading, writing):
            return sha256_of(target, stop)
        hash = hashlib.sha256()
        while block := reading.read(_BLOCK):
            check(stop, VERIFYING)
            hash.update(block)
            writing.write(block)
        return hash.hexdigest()


def copy_plain(source: Path, target: Path, stop: Stop = never) -> None:
    """Copies a file without reading it where the kernel can. Raises OSError, and Cancelled between blocks."""
    with source.open("rb") as reading, target.open("xb") as writing:
        if _shared(reading, writing):
            return
        while block := reading.read(_BLOCK):
            check(stop, VERIFYING)
            writing.write(block)


def share(source: Path, target: Path, sha256: str) -> bool:
    """Lets `target` share the blocks of `source`, which is to have the same `sha256`; False, and `target`
    as it was, where the file system cannot or `source` is not what it should be. Raises OSError."""
    fresh = target.with_name(f"{target.name}.shared")
    try:
        with source.open("rb") as reading, fresh.open("xb") as writing:
            if not _shared(reading, writing):
                return False
        if sha256_of(fresh) != sha256:
            return False
        fresh.chmod(target.stat().st_mode & 0o777)
        sync(fresh)
        fresh.replace(target)
        return True
    finally:
        fresh.unlink(missing_ok=True)


def _shared(reading: BinaryIO, writing: BinaryIO) -> bool:
    try:
        fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError:
        return False
    return True


def sync(path: Path) -> None:
    """Puts one file or folder on disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Puts every file and folder under `folder`, and itself, on disk. Raises OSError."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(parent, name))
        sync(Path(parent))


def make_folder(path: Path) -> None:
    """`path` and what is missing above it, each name on disk. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


@contextmanager
def one_sentence(path: Path) -> Iterator[None]:
    """Around work on the disk under `path`: its errors, and Chroma's about it, become a MachineryError."""
    try:
        yield
    except LockgateError:
        raise
    except OSError as error:
        raise disk_trouble(error, _existing(path)) from error
    except Exception as error:
        if "disk is full" in str(error) or "No space left" in str(error):
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise disk_trouble(full, _existing(path)) from error
        if type(error).__module__.startswith("chromadb"):
            raise MachineryError(
                f"Chroma failed under {path}: {one_line(str(error))}; nothing was changed. Try again."
            ) from error
        raise


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
