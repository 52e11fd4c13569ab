"""The past of the store: what landed once is still what it was.

Versions, releases, verdicts and what is known of drift are followed through every commit of `main`.
Records lie in folders of thousands, which take milliseconds each to compare. So the newest commits are
compared one by one, and those of a long history behind them in strides: there, a record that was
rewritten or taken away later is found, one that was rewritten within a stride of its own commit is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pygit2

from store.git import objects, tree
from store.records.component import Kind
from store.text import one_line

_FOLLOWED = (*(kind.folder for kind in Kind), "releases", "verdicts", "drift", "drills", "approvals")
_IN_STRIDES = "records"
_POINTERS = "environments"
"""Operations change them; nothing takes one away."""
_STRIDE = 128
"""Commits."""
_NAMES_READ = 500_000
"""Names in folders of records that are read, about a second, before strides begin."""
_DEEPEST = 16
"""Folders within each other that are compared; no version has so many."""
_WHOLE = {kind.folder for kind in Kind if kind.is_folder}
"""Where a version is a folder, and a file more in it is a change too."""


@dataclass(slots=True)
class _Landed:
    """What a path held when it landed, and the commit that changed it. Older commits overwrite newer."""

    blobs: dict[str, pygit2.Oid | None] = field(default_factory=dict)
    """None for a file that was not there when its version landed."""
    changed_in: dict[str, str] = field(default_factory=dict)
    names_read: int = 0

    def note(self, path: str, blob: pygit2.Oid | None, commit: pygit2.Commit) -> None:
        self.blobs[path] = blob
        self.changed_in[path] = str(commit.id)


def past(repo: pygit2.Repository, tip: pygit2.Commit) -> Iterator[str]:
    """One sentence for each file that is not what it was when it landed.

    What was changed and put back since is well. A shallow clone is followed as far as it goes. Raises
    MachineryError for damaged objects.
    """
    landed = _Landed()
    newer, tops = tip, _tops(repo, tip)
    sampled, sampled_tops = newer, tops
    number = 0
    while (older := _parent(repo, newer)) is not None:
        below = _tops(repo, older)
        for folder in _FOLLOWED:
            _compare(repo, folder, below, tops, landed, newer)
        number += 1
        if number % _STRIDE == 0 or landed.names_read < _NAMES_READ:
            _compare(repo, _IN_STRIDES, below, sampled_tops, landed, sampled)
            sampled, sampled_tops = older, below
        newer, tops = older, below
    _compare(repo, _IN_STRIDES, tops, sampled_tops, landed, sampled)
    root = objects.subtree(repo, tip.tree_id, "the root folder")
    for path, blob in landed.blobs.items():
        found = tree.entry(repo, root, path)
        now = found.id if found is not None else None
        if now != blob:
            what = "is gone" if now is None else "was added" if blob is None else "was changed"
            yield (
                f"{one_line(path)} {what} after it had landed (commit {landed.changed_in[path][:10]}): what "
                "is on main stays as it is; put it back with git, and add the next version instead."
            )


def between(
    repo: pygit2.Repository, older: pygit2.Commit, newer: pygit2.Commit
) -> Iterator[tuple[str, pygit2.Oid | None, pygit2.Oid | None]]:
    """(path, what it was, what it is) of each file that differs between two commits; None where it is not.

    Raises MachineryError for damaged objects.
    """
    for path, was, now in _differences(repo, older.tree_id, newer.tree_id, "", _Landed()):
        yield path.removeprefix("/"), was, now


def landed(repo: pygit2.Repository, base: pygit2.Commit, tip: pygit2.Commit) -> Iterator[str]:
    """One sentence for each file of `base` that has to stay and is not in `tip` what it was.

    What lies between the two plays no part: who works on a branch may change their own files there.
    Raises MachineryError for damaged objects.
    """
    root = objects.subtree(repo, base.tree_id, "the root folder")
    for path, was, now in between(repo, base, tip):
        top, *rest = path.split("/")
        if top not in (*_FOLLOWED, _IN_STRIDES) and (top != _POINTERS or now is not None):
            continue
        if was is not None:
            yield _told(path, "is gone" if now is None else "was changed", f"is on {str(base.id)[:10]}")
        elif top in _WHOLE and tree.entry(repo, root, "/".join([top, *rest[:2]])) is not None:
            yield _told(path, "was added", f"its version is on {str(base.id)[:10]}")


def _told(path: str, what: str, where: str) -> str:
    return (
        f"{one_line(path)} {what}, but {where} already: what landed stays as it is; put it back with git, "
        "and add the next version instead."
    )


def _parent(repo: pygit2.Repository, commit: pygit2.Commit) -> pygit2.Commit | None:
    if not commit.parent_ids or commit.parent_ids[0] not in repo:  # the last holds where a clone is shallow
        return None
    return objects.commit(repo, commit.parent_ids[0])


def _tops(repo: pygit2.Repository, commit: pygit2.Commit) -> dict[str, pygit2.Oid]:
    """The folders at the top of a commit."""
    root = objects.subtree(repo, commit.tree_id, "the root folder")
    return {str(one.name): one.id for one in root if one.filemode == tree.FOLDER}


def _compare(
    repo: pygit2.Repository,
    folder: str,
    older: dict[str, pygit2.Oid],
    newer: dict[str, pygit2.Oid],
    landed: _Landed,
    commit: pygit2.Commit,
) -> None:
    before, after = older.get(folder), newer.get(folder)
    if before is None or before == after:
        return
    for path, was, now in _differences(repo, before, after, folder, landed):
        if was is not None:
            landed.note(path, was, commit)
        elif now is not None and folder in _WHOLE and _has(repo, before, path.split("/")[1:3]):
            landed.note(path, None, commit)


def _differences(
    repo: pygit2.Repository, older: pygit2.Oid | None, newer: pygit2.Oid | None, place: str, landed: _Landed
) -> Iterator[tuple[str, pygit2.Oid | None, pygit2.Oid | None]]:
    """(path, what it was, what it is) of each file that differs between two folders; None where it is not."""
    before, after = (_entries(repo, id, place) for id in (older, newer))
    landed.names_read += len(before) + len(after)
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        folders = [one[0] if one and one[1] else None for one in (was, now)]
        if any(folders) and place.count("/") < _DEEPEST:  # what is below is told as nested too deeply
            yield from _differences(repo, folders[0], folders[1], f"{place}/{name}", landed)
        blobs = [one[0] if one and not one[1] else None for one in (was, now)]
        if any(blobs):
            yield f"{place}/{name}", blobs[0], blobs[1]


def _entries(
    repo: pygit2.Repository, id: pygit2.Oid | None, place: str
) -> dict[str, tuple[pygit2.Oid, bool]]:
    """By name: the id, and whether it is a folder."""
    if id is None:
        return {}
    return {str(one.name): (one.id, one.filemode == tree.FOLDER) for one in objects.subtree(repo, id, place)}


def _has(repo: pygit2.Repository, folder: pygit2.Oid, version: list[str]) -> bool:
    """Whether the version [name, vN] was in `folder`."""
    found = tree.entry(repo, objects.subtree(repo, folder, "a folder"), "/".join(version))
    return found is not None
