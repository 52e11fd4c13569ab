"""Replaying commits onto another tip, path by path, by the ids of files: nothing is ever merged as text.

A deployment that two people changed is not something that a text merge may decide: where both sides
changed a file in different ways, that is said and nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import pygit2

from store.git import making, objects
from store.git.tree import FOLDER

T = TypeVar("T")
Entry = tuple[str, int]
"""A file: the id of its bytes, and its mode."""


def settled(base: T | None, ours: T | None, theirs: T | None) -> Literal["ours", "theirs", "conflict"]:
    """Which side of one path stands; None is a path that is not there."""
    if ours in (theirs, base):
        return "theirs"
    return "ours" if theirs == base else "conflict"


@dataclass(frozen=True, slots=True)
class Step:
    """One commit, as it would land on another."""

    commit: str
    onto: str
    taken: Mapping[str, Entry | None]
    """By path: what it changes there; None takes the file away."""
    conflicts: tuple[str, ...]
    """Paths that both sides changed, differently."""


def step(repo: pygit2.Repository, commit: str, onto: str) -> Step:
    """What `commit` (its change against its first parent) comes to on `onto`.

    Raises MachineryError for damaged objects.
    """
    root = objects.subtree(repo, objects.commit(repo, onto).tree_id, "the root folder")
    taken: dict[str, Entry | None] = {}
    conflicts: list[str] = []
    for path, (base, ours) in sorted(changed(repo, commit).items()):
        outcome = settled(base, ours, entry_at(repo, root, path))
        if outcome == "conflict":
            conflicts.append(path)
        elif outcome == "ours":
            taken[path] = ours
    return Step(commit, onto, taken, tuple(conflicts))


def land(
    repo: pygit2.Repository,
    commit: str,
    onto: str,
    taken: Mapping[str, Entry | None],
    signature: making.Signature = making.Signature(None),
) -> str:
    """The id of a commit like `commit` (author, times, message) with `taken` on `onto`; `onto` itself when
    that would change nothing.

    Writes objects only, and the same ones each time where signatures are. Whoever signs it is its committer,
    not before the commit that it stands on. Raises SigningError.
    """
    source, parent = objects.commit(repo, commit), objects.commit(repo, onto)
    base = objects.subtree(repo, parent.tree_id, "the root folder")
    tree = _with(repo, base, taken)
    if tree is None or tree == base.id:
        return onto
    committer = source.committer
    if signature.by is not None:
        committer = making.who(signature.by.person, max(committer.time, parent.commit_time))
    draft = making.Draft(source.author, committer, source.message, tree, [onto])
    return str(making.commit(repo, draft, signature).id)


def changed(repo: pygit2.Repository, commit: str) -> dict[str, tuple[Entry | None, Entry | None]]:
    """By path: what each file that `commit` changed was in its first parent, and is."""
    found = objects.commit(repo, commit)
    before = objects.commit(repo, found.parent_ids[0]).tree_id if found.parent_ids else None
    return {path: (was, now) for path, was, now in _differences(repo, before, found.tree_id, "")}


def entry_at(repo: pygit2.Repository, root: pygit2.Tree, path: str) -> Entry | None:
    """What is at `path` below `root`, a file or a folder; None when there is nothing."""
    *folders, name = path.split("/")
    for folder in folders:
        if folder not in root or root[folder].filemode != FOLDER:
            return None
        root = objects.subtree(repo, root[folder].id, path)
    return (str(root[name].id), root[name].filemode) if name in root else None


def _differences(
    repo: pygit2.Repository, older: pygit2.Oid | str | None, newer: pygit2.Oid | str | None, place: str
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    if older == newer:
        return
    before, after = _entries(repo, older, place), _entries(repo, newer, place)
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        path = f"{place}/{name}" if place else name
        folders = [one[0] if one is not None and one[1] == FOLDER else None for one in (was, now)]
        files = [one if one is not None and one[1] != FOLDER else None for one in (was, now)]
        if any(folders):
            yield from _differences(repo, folders[0], folders[1], path)
        if any(files):
            yield path, files[0], files[1]


def _entries(repo: pygit2.Repository, id: pygit2.Oid | str | None, place: str) -> dict[str, Entry]:
    if id is None:
        return {}
    folder = objects.load(repo, id, place or "the root folder")
    return {str(one.name): (str(one.id), one.filemode) for one in folder}


def _with(
    repo: pygit2.Repository, base: pygit2.Tree | None, taken: Mapping[str, Entry | None]
) -> pygit2.Oid | None:
    """The id of `base` with `taken` in it; None when nothing is left in it."""
    builder = repo.TreeBuilder(base) if base is not None else repo.TreeBuilder()
    below: dict[str, dict[str, Entry | None]] = {}
    for path, entry in taken.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = entry
        elif entry is not None:
            builder.insert(name, pygit2.Oid(hex=entry[0]), entry[1])
        elif builder.get(name) is not None:
            builder.remove(name)
    for name, inner in below.items():
        old = base[name] if base is not None and name in base else None
        folder = objects.subtree(repo, old.id, name) if old is not None and old.filemode == FOLDER else None
        made = _with(repo, folder, inner)
        if made is not None:
            builder.insert(name, made, FOLDER)
        elif builder.get(name) is not None and folder is not None:
            builder.remove(name)
    return objects.stored(repo, builder.write) if len(builder) else None
