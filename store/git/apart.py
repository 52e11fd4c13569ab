"""What two commits do not have in common, exact also where clocks were wrong.

`log.Since` walks by time and may take some commits too many where times do not fall towards the root;
replayed commits keep their times and stand on younger ones, so here that is the rule. Both ends are
painted down instead, and what turns out to be common is painted again, as `git merge-base` does.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import pygit2

from store.git import objects

_OURS, _THEIRS, _BOTH = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Apart:
    """Ids (40 hex), each before all that it stands on."""

    ours: tuple[str, ...]
    """What only ours stands on."""
    theirs: tuple[str, ...]
    """What only theirs stands on."""
    has_common: bool
    """Whether there is a commit that both stand on."""


def apart(repo: pygit2.Repository, ours: str, theirs: str) -> Apart:
    """What `ours` and `theirs` do not have in common. Raises MachineryError for damaged commits."""
    walk = _Walk(repo)
    walk.paint(ours, _OURS)
    walk.paint(theirs, _THEIRS)
    walk.go()
    return Apart(walk.ordered(_OURS), walk.ordered(_THEIRS), _BOTH in walk.colours.values())


class _Walk:
    def __init__(self, repo: pygit2.Repository) -> None:
        self._repo = repo
        self.colours: dict[str, int] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._times: dict[str, int] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._open = 0
        """How many in the heap are not common."""

    def paint(self, id: str, colour: int) -> None:
        """Adds `colour` to `id`, and to what is known to be below it."""
        waiting = [(id, colour)]
        while waiting:
            id, colour = waiting.pop()
            before = self.colours.get(id, 0)
            after = before | colour
            if after == before:
                continue
            self.colours[id] = after
            if not before:
                self._push(id)
            elif id in self._parents:
                waiting.extend((parent, after) for parent in self._parents[id])
            else:
                self._open -= 1  # it waits in the heap, and is common now

    def go(self) -> None:
        """Until all that is left to look at is common."""
        while self._open and self._heap:
            _, _, id = heapq.heappop(self._heap)
            colour = self.colours[id]
            if colour != _BOTH:
                self._open -= 1
            parents = tuple(str(one) for one in objects.commit(self._repo, id).parent_ids)
            self._parents[id] = parents
            for parent in parents:
                self.paint(parent, colour)

    def _push(self, id: str) -> None:
        time = objects.commit(self._repo, id).commit_time
        self._times[id] = time
        heapq.heappush(self._heap, (-time, len(self._times), id))
        if self.colours[id] != _BOTH:
            self._open += 1

    def ordered(self, colour: int) -> tuple[str, ...]:
        """Those of one colour alone; each before its parents, and by time where that says nothing."""
        waiting = {id: 0 for id, one in self.colours.items() if one == colour}
        for id in waiting:
            for parent in self._parents.get(id, ()):
                if parent in waiting:
                    waiting[parent] += 1
        ready = [(-self._times[id], id) for id, children in waiting.items() if not children]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            _, id = heapq.heappop(ready)
            order.append(id)
            for parent in self._parents.get(id, ()):
                if parent in waiting:
                    waiting[parent] -= 1
                    if not waiting[parent]:
                        heapq.heappush(ready, (-self._times[parent], parent))
        return tuple(order)
