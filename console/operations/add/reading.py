"""Reading what a person hands in: folders and files, bounded, without following links out."""

from __future__ import annotations

from pathlib import Path

from store.bounded import JSON_LIMIT
from store.errors import InputError
from store.text import one_line


def read_folder(path: Path, names: tuple[str, ...], required: tuple[str, ...]) -> dict[str, bytes]:
    """The files called `names` in the folder `path`. Raises InputError for a missing or unknown one."""
    if not path.is_dir():
        raise InputError(f"{one_line(str(path))} is not a folder; it should hold {', '.join(names)}.")
    files: dict[str, bytes] = {}
    for child in sorted(path.iterdir()):
        if child.name.startswith("."):
            continue
        if child.name not in names:
            raise InputError(
                f"{one_line(str(child))} does not belong here: the folder holds {', '.join(names)}."
            )
        files[child.name] = read_file(child)
    for name in required:
        if name not in files:
            raise InputError(f"{one_line(str(path))} has no {name}.")
    return files


def read_file(path: Path, limit: int = JSON_LIMIT) -> bytes:
    """The bytes of the file `path`. Raises InputError when it is no file, too large or unreadable."""
    try:
        if not path.is_file():
            raise InputError(f"{one_line(str(path))} is not a file.")
        if path.stat().st_size > limit:
            raise InputError(f"{one_line(str(path))} is larger than {limit // 1024 // 1024} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{one_line(str(path))} cannot be read: {one_line(str(error))}.") from None
