"""Whether what commits point to is what it was: every object is read, and git's hash of it computed again."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pygit2

from store.errors import LockgateError
from store.git import objects
from store.text import one_line

_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
_FOLDERS = (b"40000", b"040000")
_LINK_TO_COMMIT = b"160000"
_KEPT = 64
"""Folders that are kept at hand: those of the commit before."""
_Entries = dict[bytes, tuple[bytes, bytes]]
"""By name: mode and id."""


@dataclass(frozen=True, slots=True)
class _Folder:
    data: bytes
    ends: list[int]
    """Where each entry ends."""


class Damaged(Exception):
    """An object is not what its name says; the text is one sentence without its full stop."""


def raw(repo: pygit2.Repository, id: str, what: str) -> bytes:
    """The bytes of the object `id`, whose hash is right. Raises Damaged."""
    try:
        objects.check(repo, id, what)
        if (size := repo.odb.read_header(id)[1]) > objects.LIMIT:
            raise Damaged(f"{one_line(what)} has {size:,} bytes; at most {objects.LIMIT:,} are read")
        return bytes(repo.odb.read(id)[1])  # libgit2 compares its hash
    except LockgateError as error:
        raise Damaged(error.message.rstrip(".")) from None
    except KeyError:
        raise Damaged(f"{one_line(what)} ({id[:10]}) is missing") from None
    except (ValueError, OSError, pygit2.GitError) as error:
        raise Damaged(f"{one_line(what)} ({id[:10]}) was edited: {one_line(str(error), 120)}") from None


@dataclass(frozen=True, slots=True)
class Brought:
    """What a commit did to the files of its first parent."""

    paths: dict[str, bool]
    """The files that differ; True for those that were there before."""
    damage: tuple[str, ...]
    """A sentence for each object that is not what it was, of those not looked at yet."""


class Contents:
    """Reads trees with all that is in them; what it has read once it does not read again."""

    def __init__(self, repo: pygit2.Repository) -> None:
        self._repo = repo
        self._read: set[bytes] = set()
        self._folders: OrderedDict[bytes, _Folder] = OrderedDict()

    def damage(self, tree: str) -> Iterator[str]:
        """A sentence for each object below `tree` that is not what it was, of those not looked at yet."""
        yield from self._below(bytes.fromhex(tree), "", is_folder=True)

    def brought(self, before: str, after: str) -> Brought:
        """How the tree `after` differs from `before`; all that is new in it is looked at."""
        paths: dict[str, bool] = {}
        damage: list[str] = []
        self._compare(bytes.fromhex(before), bytes.fromhex(after), "", paths, damage)
        return Brought(paths, tuple(damage))

    def _below(self, id: bytes, path: str, *, is_folder: bool) -> Iterator[str]:
        waiting = [(id, path, is_folder)]
        while waiting:
            id, path, is_folder = waiting.pop()
            if id in self._read:
                continue
            self._read.add(id)
            try:
                data = raw(self._repo, id.hex(), path or "the root folder")
            except Damaged as error:
                yield str(error)
                continue
            if is_folder:
                above = f"{path}/" if path else ""
                waiting.extend(
                    (id, above + name.decode(errors="replace"), mode in _FOLDERS)
                    for mode, name, id in _ENTRY.findall(data)
                    if id not in self._read and mode != _LINK_TO_COMMIT
                )

    def _compare(
        self, before: bytes, after: bytes, place: str, paths: dict[str, bool], damage: list[str]
    ) -> None:
        if before == after:
            return
        try:
            was, is_now = self._differing(before, after, place or "the root folder")
        except Damaged:
            damage.extend(self._below(before, place, is_folder=True))
            damage.extend(self._below(after, place, is_folder=True))
            return
        self._read.add(after)
        above = f"{place}/" if place else ""
        for name in was.keys() | is_now.keys():
            path = above + name.decode(errors="replace")
            old, new = was.get(name), is_now.get(name)
            if old is not None and new is not None and old[0] in _FOLDERS and new[0] in _FOLDERS:
                self._compare(old[1], new[1], path, paths, damage)
                continue
            for entry, was_there in ((new, False), (old, True)):
                if entry is not None:
                    paths.update((one, was_there) for one in self._files(entry, path, damage))

    def _files(self, entry: tuple[bytes, bytes], path: str, damage: list[str]) -> Iterator[str]:
        """The files in what came or went at `path`; what is new is looked at."""
        mode, id = entry
        if mode not in _FOLDERS:
            if mode != _LINK_TO_COMMIT:
                damage.extend(self._below(id, path, is_folder=False))
            yield path
            return
        self._read.add(id)
        try:
            data = raw(self._repo, id.hex(), path)
        except Damaged as error:
            damage.append(str(error))
            return
        for mode, name, inner in _ENTRY.findall(data):
            yield from self._files((mode, inner), f"{path}/{name.decode(errors='replace')}", damage)

    def _differing(self, before: bytes, after: bytes, what: str) -> tuple[_Entries, _Entries]:
        """The entries of two folders from the first on that differs. Folders of records grow at their end."""
        old, new = self._folder(before, what), raw(self._repo, after.hex(), what)
        at = bisect_right(old.ends, _common(old.data, new))
        start = old.ends[at - 1] if at else 0
        found = list(_ENTRY.finditer(new, start))
        self._keep(after, _Folder(new, old.ends[:at] + [one.end() for one in found]))
        was = _named(_ENTRY.findall(old.data, start))
        is_now = _named(one.groups() for one in found)
        same = {name for name in was.keys() & is_now.keys() if was[name] == is_now[name]}
        return (
            {name: one for name, one in was.items() if name not in same},
            {name: one for name, one in is_now.items() if name not in same},
        )

    def _folder(self, id: bytes, what: str) -> _Folder:
        known = self._folders.get(id)
        if known is None:
            data = raw(self._repo, id.hex(), what)
            known = _Folder(data, [one.end() for one in _ENTRY.finditer(data)])
            self._keep(id, known)
        return known

    def _keep(self, id: bytes, folder: _Folder) -> None:
        self._folders[id] = folder
        if len(self._folders) > _KEPT:
            self._folders.popitem(last=False)


def _named(entries: Iterable[tuple[bytes, ...]]) -> _Entries:
    return {name: (mode, id) for mode, name, id in entries}


def _common(one: bytes, other: bytes) -> int:
    """How many bytes the two begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
