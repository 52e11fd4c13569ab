"""Trees: one entry of one, and writing a new one from an old one and some files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pygit2

from store.errors import MachineryError
from store.git import objects
from store.text import one_line

FILE = 0o100644
FOLDER = 0o040000


def entry(repo: pygit2.Repository, root: pygit2.Tree, path: str) -> pygit2.Object | None:
    """The object at `path` below `root`, not loaded yet, or None; one look only, `Files` keeps its folders.

    Raises MachineryError for what is no plain file or folder, and for a damaged folder on the way.
    """
    above, slash, name = path.rpartition("/")
    folder = entry(repo, root, above) if slash else root
    if not isinstance(folder, pygit2.Tree):
        return None
    return plain(objects.subtree(repo, folder.id, above or "the root folder"), name, path)


def plain(folder: pygit2.Tree, name: str, path: str) -> pygit2.Object | None:
    """What `folder` holds under `name`, not loaded yet, or None. Raises MachineryError, naming `path`, for
    what is no plain file or folder."""
    try:
        found = folder[name]
    except KeyError:
        return None
    if found.filemode not in (FILE, FOLDER):
        raise MachineryError(
            f"the store's {one_line(path)} is not a plain file or folder (mode {found.filemode:o}); "
            "replace it by a plain one."
        )
    return found


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
        builder.insert(name, objects.stored(repo, partial(repo.create_blob, data)), FILE)
    for name, inner in below.items():
        builder.insert(name, with_files(repo, _folder(repo, base, name), inner), FOLDER)
    return objects.stored(repo, builder.write)


def _folder(repo: pygit2.Repository, base: pygit2.Tree | None, name: str) -> pygit2.Tree | None:
    old = plain(base, name, name) if base is not None else None
    if old is not None and not isinstance(old, pygit2.Tree):
        raise MachineryError(f"the store's {one_line(name)} is a file where a folder belongs; move it away.")
    return objects.subtree(repo, old.id, name) if old is not None else None
