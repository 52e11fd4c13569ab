"""Objects of the repository: each loose one is looked at here before libgit2 reads it.

libgit2 never returns from a loose object that was cut off: a blob, tree or commit truncated behind
its header spins for ever and holds the interpreter with it (measured with 1.9.7; damaged packs end in an
error). So a loose object is inflated here first, once for as long as its file stays the same.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pygit2

from store.errors import InputError, MachineryError
from store.text import one_line

LIMIT = 64 * 1024 * 1024
"""Bytes of one object of the store; what is larger is not read."""
_KNOWN = 50_000
_CHUNK = 1024 * 1024
_HEADER = re.compile(rb"(?:blob|tree|commit|tag) (\d{1,18})\0")

_whole: dict[str, tuple[int, int]] = {}
"""Path to (bytes on disk, mtime) of loose objects that were found whole."""


def load(repo: pygit2.Repository, id: pygit2.Oid | str, what: str) -> pygit2.Object:
    """The object `id`, which `what` names for people.

    Raises MachineryError when it is damaged or missing, InputError when it is too large.
    """
    check(repo, id, what)
    return _read(repo, id, what)


def _read(repo: pygit2.Repository, id: pygit2.Oid | str, what: str) -> pygit2.Object:
    try:
        return repo[id]
    except KeyError:
        raise _trouble(repo, id, what, "is missing") from None
    except (ValueError, OSError, pygit2.GitError) as error:
        raise _trouble(repo, id, what, f"is damaged: {one_line(str(error), 120)}") from None


def blob(repo: pygit2.Repository, id: pygit2.Oid, what: str, limit: int = LIMIT) -> bytes:
    """The bytes of the file `id`. Raises as `load` does; what is over `limit` bytes is not read."""
    check(repo, id, what)
    try:
        size = repo.odb.read_header(id)[1]
    except (KeyError, ValueError, OSError, pygit2.GitError):
        size = 0  # reading it says what is wrong
    if size > limit:
        raise _too_large(what, size, limit)
    found = _read(repo, id, what)
    if not isinstance(found, pygit2.Blob):
        raise _trouble(repo, id, what, "is not a file")
    return bytes(found.data)


def subtree(repo: pygit2.Repository, id: pygit2.Oid, what: str) -> pygit2.Tree:
    """The folder `id`. Raises as `load` does."""
    found = load(repo, id, what)
    if not isinstance(found, pygit2.Tree):
        raise _trouble(repo, id, what, "is not a folder")
    return found


def commit(repo: pygit2.Repository, id: pygit2.Oid | str) -> pygit2.Commit:
    """The commit `id`. Raises as `load` does."""
    found = load(repo, id, "a commit")
    if not isinstance(found, pygit2.Commit):
        raise _trouble(repo, id, "a commit", "is not one")
    return found


def find_commit(repo: pygit2.Repository, prefix: str) -> pygit2.Commit | None:
    """The commit that `prefix` (4 to 40 hex digits, unique) names, or None. Raises as `load` does."""
    if not re.fullmatch(r"[0-9a-f]{4,64}", prefix):
        return None
    for rest in _loose(Path(repo.path, "objects", prefix[:2])):
        if rest.startswith(prefix[2:]):
            check(repo, prefix[:2] + rest, "a commit")
    try:
        found = repo[prefix]
    except (KeyError, ValueError):  # ValueError: more than one begins like this
        return None
    except (OSError, pygit2.GitError) as error:
        raise _trouble(repo, prefix, "a commit", f"is damaged: {one_line(str(error), 120)}") from None
    return found if isinstance(found, pygit2.Commit) else None


def stored(repo: pygit2.Repository, write: Callable[[], pygit2.Oid]) -> pygit2.Oid:
    """The id of the object that `write` writes, whole on disk.

    A power cut can leave a torn file under an object's name; git takes an object that is there for
    written, and whoever repeats the change would build on the torn one. Such a file is replaced.
    """
    id = write()
    name = str(id)
    path = Path(repo.path, "objects", name[:2], name[2:])
    try:
        if _damage(path, "what is written"):
            path.unlink()
            id = write()
    except FileNotFoundError:
        pass  # packed
    return id


def check(repo: pygit2.Repository, id: pygit2.Oid | str, what: str) -> None:
    """Makes sure that `id`, where it is a loose object, is whole. Raises as `load` does."""
    name = str(id)
    path = f"{repo.path}objects/{name[:2]}/{name[2:]}"
    try:
        found = os.stat(path)  # noqa: PTH116 - on the way of every read; a Path costs more than the call
    except OSError:
        return  # packed, or missing, which libgit2 says
    state = (found.st_size, found.st_mtime_ns)
    if _whole.get(path) == state:
        return
    try:
        trouble = _damage(Path(path), what)
    except FileNotFoundError:
        return  # packed a moment ago
    except OSError as error:
        raise _trouble(repo, id, what, f"cannot be read ({error.strerror})") from None
    if trouble:
        raise _trouble(repo, id, what, trouble)
    if len(_whole) >= _KNOWN:
        _whole.clear()
    _whole[path] = state


def torn(objects: Path, since: float) -> Iterator[Path]:
    """The loose objects in the folder `objects` that were written since then (seconds since 1970) and are not
    whole. Raises OSError."""
    for folder in objects.iterdir():
        if not re.fullmatch("[0-9a-f]{2}", folder.name):
            continue
        for path in folder.iterdir():
            if path.stat().st_mtime >= since and _damage(path, "an object"):
                yield path


def _loose(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []  # there is none, or it was packed


def _damage(path: Path, what: str) -> str | None:
    """What is wrong with the loose object at `path`, as the end of a sentence; None when it is whole."""
    inflate = zlib.decompressobj()
    with path.open("rb") as file:
        try:
            start = inflate.decompress(file.read(_CHUNK), _CHUNK)
            header = _HEADER.match(start)
            if header is None:
                return "is damaged: it does not begin like one"
            wanted, got = int(header[1]), len(start) - header.end()
            if wanted > LIMIT:
                raise _too_large(what, wanted, LIMIT)
            while not inflate.eof and got <= wanted:
                data = inflate.unconsumed_tail or file.read(_CHUNK)
                more = inflate.decompress(data, _CHUNK)
                if not data and not more and not inflate.eof:
                    return "is damaged: it was cut off"
                got += len(more)
        except zlib.error as error:
            return f"is damaged: {one_line(str(error), 120)}"
    return None if got == wanted else "is damaged: its length is not the one it names"


def _too_large(what: str, size: int, limit: int) -> InputError:
    return InputError(f"{one_line(what)} has {size:,} bytes; at most {limit:,} are read. Shorten it.")


def _trouble(repo: pygit2.Repository, id: pygit2.Oid | str, what: str, why: str) -> MachineryError:
    return MachineryError(
        f"the store's object {str(id)[:40]} ({one_line(what)}) {why}. "
        f"Run `git fsck` in {one_line(repo.path.rstrip('/'))}, and restore the store from a clone."
    )
