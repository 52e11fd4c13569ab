"""The log: commits from a tip back. Each is looked at before libgit2 reads it (see `objects`).

Parents are followed as a clone has them: where a shallow clone ends, the log ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

import pygit2

from store.git import objects


def lazily(repo: pygit2.Repository, start: str) -> Iterator[pygit2.Commit]:
    """Commits from `start` back by their times, newest first; only what is taken is read."""
    frontier = _Frontier(repo)
    frontier.add(start)
    while (found := frontier.take()) is not None:
        yield found
        for parent in frontier.parents(found):
            frontier.add(parent)


class Since:
    """The commits that `start` stands on and `hide` does not (all of them without `hide`)."""

    def __init__(self, repo: pygit2.Repository, start: str, hide: str | None = None) -> None:
        self.stands_on_hidden = start == hide
        """Whether `hide` is `start` or one that it stands on."""
        self._start = start
        self._parents: dict[str, tuple[str, ...]] = {}
        self._times: dict[str, int] = {}
        self._read(repo, hide)

    def newest_first(self) -> tuple[str, ...]:
        """Their ids (40 hex); each before all that it stands on, and by time where that says nothing."""
        waiting = dict.fromkeys(self._parents, 0)
        for parents in self._parents.values():
            for parent in parents:
                if parent in waiting:
                    waiting[parent] += 1
        ready = [(-self._times[id], id) for id, children in waiting.items() if not children]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            _, id = heapq.heappop(ready)
            order.append(id)
            for parent in self._parents[id]:
                if parent in waiting:
                    waiting[parent] -= 1
                    if not waiting[parent]:
                        heapq.heappush(ready, (-self._times[parent], parent))
        return tuple(order)

    def _read(self, repo: pygit2.Repository, hide: str | None) -> None:
        """Walks both ends back by time until nothing of ours is left to look at.

        A clock that was wrong can make this take some too many for ours; never one too few.
        """
        frontier = _Frontier(repo)
        hidden = {hide} if hide is not None and hide in repo else set()
        for id in hidden:
            frontier.add(id)
        frontier.add(self._start)
        waiting = {self._start} - hidden
        while waiting and (found := frontier.take()) is not None:
            id, parents = str(found.id), frontier.parents(found)
            fresh = {parent for parent in parents if frontier.add(parent)}
            if id in hidden:
                hidden.update(parents)
                waiting.difference_update(parents)
                for parent in parents:
                    self._parents.pop(parent, None)
            else:
                waiting.discard(id)
                waiting |= fresh
                self._parents[id] = parents
                self._times[id] = found.commit_time
                self.stands_on_hidden |= hide in parents


class _Frontier:
    """Commits that were seen and not taken yet, the newest first."""

    def __init__(self, repo: pygit2.Repository) -> None:
        self._repo = repo
        self._ends = _shallow(repo)
        self._seen: set[str] = set()
        self._heap: list[tuple[int, int, pygit2.Commit]] = []

    def add(self, id: str) -> bool:
        """True when `id` was not seen before."""
        if id in self._seen:
            return False
        commit = objects.commit(self._repo, id)
        heapq.heappush(self._heap, (-commit.commit_time, len(self._seen), commit))
        self._seen.add(id)
        return True

    def take(self) -> pygit2.Commit | None:
        """The newest, or None when there is none left."""
        return heapq.heappop(self._heap)[2] if self._heap else None

    def parents(self, commit: pygit2.Commit) -> tuple[str, ...]:
        """The ids of what `commit` stands on."""
        return () if str(commit.id) in self._ends else tuple(str(id) for id in commit.parent_ids)


def _shallow(repo: pygit2.Repository) -> frozenset[str]:
    try:
        return frozenset(Path(repo.path, "shallow").read_text().split())
    except (OSError, ValueError):
        return frozenset()
