"""A file that is there whole or not at all, and never in place of another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

_RIGHTS = 0o600


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A file to be written as UTF-8 text, which gets its name when the block ends well.

    Where the file system can, it has no name before that, so that not even kill -9 leaves anything behind.
    Raises FileExistsError where `path` is there already, before or after the block; OSError.
    """
    if os.path.lexists(path):
        raise FileExistsError(path)
    handle, beside = _opened(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if beside is None:
                # Given a folder's handle, which plays no part, Python has linkat(2) follow the link.
                os.link(f"/proc/self/fd/{stream.fileno()}", path, src_dir_fd=stream.fileno())
        if beside is not None:
            _named(beside, path)
    finally:
        if beside is not None:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _opened(path: Path) -> tuple[int, Path | None]:
    """A handle to write to, and the file's name until it gets its own; None where it has none."""
    nameless = getattr(os, "O_TMPFILE", 0)
    if nameless and Path("/proc/self/fd").is_dir():
        with suppress(OSError):  # not every file system can do that
            return os.open(path.parent, nameless | os.O_WRONLY | os.O_CLOEXEC, _RIGHTS), None
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(beside, flags, _RIGHTS), beside


def _named(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, such as that of a USB stick
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        beside.rename(path)
