"""A copy of somebody else's Chroma directory: opening one writes to it, so theirs is never opened."""

from __future__ import annotations

import re
from pathlib import Path

from indexes.disk import copy_plain
from store.errors import InputError, MachineryError
from store.progress import Progress, Report, Stop
from store.text import one_line

_DATABASE = "chroma.sqlite3"
_SEGMENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def copy_directory(source: Path, target: Path, report: Report, stop: Stop) -> None:
    """Copies what belongs to Chroma in `source` to the new folder `target`.

    Raises InputError where it is no such directory, MachineryError when it changes meanwhile, OSError,
    Cancelled.
    """
    shown = one_line(str(source), 200)
    if not (source / _DATABASE).is_file():
        raise InputError(f"{shown} holds no {_DATABASE}; name the directory that Chroma persists to.")
    before = _files(source)
    total = sum(size for size, _ in before.values())
    done = 0
    for path, (size, _) in before.items():
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy_plain(path, copy, stop)
        except FileNotFoundError:
            raise _written(shown) from None
        done += size
        report(Progress("copying", done, total))
    if _files(source) != before:
        raise _written(shown)


def _written(shown: str) -> MachineryError:
    return MachineryError(
        f"{shown} is being written to, and half a change cannot be read: stop what writes there, "
        "or import from its server."
    )


def _files(source: Path) -> dict[Path, tuple[int, int]]:
    """(size, modification) of the database and of every file of a segment. Links are not followed."""
    found = list(source.glob(f"{_DATABASE}*"))
    segments = (path for path in source.iterdir() if _SEGMENT.fullmatch(path.name) and not path.is_symlink())
    for segment in segments:
        found += segment.iterdir() if segment.is_dir() else []
    sizes: dict[Path, tuple[int, int]] = {}
    for path in sorted(found):
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{one_line(str(path))} is no regular file; Chroma makes no such thing.")
        sizes[path] = path.stat().st_size, path.stat().st_mtime_ns
    return sizes
