"""The files of one commit, by path.

Paths are walked one folder at a time, each looked at by `objects` before it is read and kept from then
on: a damaged or missing folder is an error, never an absent file.
"""

from __future__ import annotations

from collections.abc import Iterator

import pygit2

from store.errors import InputError
from store.git import objects
from store.git.tree import FILE, FOLDER, plain
from store.text import one_line

_DEEPEST = 3
_MOST_FILES = 1000
_MOST_BYTES = 2 * objects.LIMIT


class Files:
    """Reads the tree `root` of `repo`. All methods raise MachineryError for links, submodules,
    executables and damaged objects on their way."""

    def __init__(self, repo: pygit2.Repository, root: pygit2.Oid) -> None:
        self._repo = repo
        self._folders: dict[str, pygit2.Tree | None] = {"": objects.subtree(repo, root, "the root folder")}

    def entry(self, path: str) -> pygit2.Object | None:
        """The object at `path`, not loaded yet, or None."""
        above, _, name = path.rpartition("/")
        folder = self._folder(above)
        return plain(folder, name, path) if folder is not None else None

    def read(self, path: str, limit: int = objects.LIMIT) -> bytes | None:
        """The bytes of the file at `path`, or None. Raises InputError when they are more than `limit`."""
        found = self.entry(path)
        return self.data(found, path, limit) if isinstance(found, pygit2.Blob) else None

    def data(self, blob: pygit2.Blob, path: str, limit: int = objects.LIMIT) -> bytes:
        """The bytes of what `entry` found at `path`. Raises InputError when they are more than `limit`."""
        return objects.blob(self._repo, blob.id, path, limit)

    def children(self, path: str) -> tuple[tuple[str, bool], ...]:
        """(name, whether it is a folder) of the plain files and folders in the folder at `path`, sorted as
        git does; empty when there is none."""
        inside = (one for one in self._folder(path) or () if one.filemode in (FILE, FOLDER))
        return tuple((str(one.name), one.filemode == FOLDER) for one in inside)

    def names(self, path: str) -> tuple[str, ...]:
        """All names in the folder at `path`, sorted as git does; empty when there is none."""
        return tuple(str(one.name) for one in self._folder(path) or ())

    def below(self, path: str) -> dict[str, bytes]:
        """Every file below `path` by its path relative to it; a file alone has the path "".

        Raises InputError for more folders in each other, files or bytes than a version can have.
        """
        found: dict[str, bytes] = {}
        size = 0
        for name, blob in self._walk(self.entry(path), path, "", _DEEPEST):
            found[name] = self.data(blob, f"{path}/{name}" if name else path)
            size += len(found[name])
            if len(found) > _MOST_FILES or size > _MOST_BYTES:
                raise InputError(
                    f"{one_line(path)} has over {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes; "
                    "take some out."
                )
        return found

    def _folder(self, path: str) -> pygit2.Tree | None:
        if path not in self._folders:
            found = self.entry(path)
            folder = objects.subtree(self._repo, found.id, path) if isinstance(found, pygit2.Tree) else None
            self._folders[path] = folder
        return self._folders[path]

    def _walk(
        self, found: pygit2.Object | None, path: str, prefix: str, depth: int
    ) -> Iterator[tuple[str, pygit2.Blob]]:
        if isinstance(found, pygit2.Blob):
            yield prefix, found
        elif isinstance(found, pygit2.Tree):
            if not depth:
                raise InputError(
                    f"{one_line(path)} has more than {_DEEPEST} folders in each other; make it flatter."
                )
            folder = objects.subtree(self._repo, found.id, path)
            for name in [str(one.name) for one in folder]:
                inner = f"{prefix}/{name}" if prefix else name
                yield from self._walk(plain(folder, name, f"{path}/{inner}"), path, inner, depth - 1)
