"""Trees: reading an entry by path, and writing a new tree from an old one and some files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pygit2

from store.errors import MachineryError
from store.text import one_line

FILE = 0o100644
FOLDER = 0o040000


def entry(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    """The object at `path`, or None. Raises MachineryError for links, submodules and executables."""
    try:
        found = tree[path]
    except KeyError:
        return None
    if found.filemode not in (FILE, FOLDER):
        raise MachineryError(
            f"the store's {one_line(path)} is not a plain file or folder (mode {found.filemode:o}); "
            "replace it by a plain one."
        )
    return found


def read(tree: pygit2.Tree, path: str) -> bytes | None:
    """The bytes of the file at `path`, or None."""
    found = entry(tree, path)
    return bytes(found.data) if isinstance(found, pygit2.Blob) else None


def names(tree: pygit2.Tree, path: str) -> tuple[str, ...]:
    """The names in the folder at `path`, sorted as git does; empty when there is none."""
    found = entry(tree, path) if path else tree
    if not isinstance(found, pygit2.Tree):
        return ()
    return tuple(one.name for one in found if one.name is not None)


def files(tree: pygit2.Tree, path: str) -> dict[str, bytes]:
    """Every file below `path` by its path relative to it, at most three folders deep."""
    return dict(_walk(entry(tree, path), "", 3))


def _walk(found: pygit2.Object | None, prefix: str, depth: int) -> Iterable[tuple[str, bytes]]:
    if isinstance(found, pygit2.Blob):
        yield prefix, bytes(found.data)
    elif isinstance(found, pygit2.Tree) and depth:
        for one in found:
            if one.filemode not in (FILE, FOLDER):
                raise MachineryError(f"the store holds {one_line(str(one.name))}, which is not a plain file.")
            yield from _walk(one, f"{prefix}/{one.name}" if prefix else str(one.name), depth - 1)


def with_files(repo: pygit2.Repository, base: pygit2.Tree | None, changes: Mapping[str, bytes]) -> pygit2.Oid:
    """The id of a tree that is `base` with `changes` (path to bytes) in it. Writes objects only."""
    here: dict[str, bytes] = {}
    below: dict[str, dict[str, bytes]] = {}
    for path, data in changes.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = data
        else:
            here[head] = data
    builder = repo.TreeBuilder(base) if base is not None else repo.TreeBuilder()
    for name, data in here.items():
        builder.insert(name, repo.create_blob(data), FILE)
    for name, inner in below.items():
        old = base[name] if base is not None and name in base else None
        builder.insert(name, with_files(repo, old if isinstance(old, pygit2.Tree) else None, inner), FOLDER)
    return builder.write()
