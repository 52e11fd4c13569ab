"""All that somebody who watches a rollout wants to see: where it stands, and how it came there."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.operations.rollout.attempts import records_of
from console.operations.rollout.observing import Observer
from console.operations.rollout.status import RolloutStatus, status
from store.records.operation import Operation
from store.snapshot import Snapshot
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Scene:
    """One environment's rollout at one moment."""

    environments: tuple[str, ...]
    """Those that have, or had, a rollout; in the order in which releases travel."""
    status: RolloutStatus | None
    """None where there is no environment at all that had one."""
    records: tuple[Operation, ...] = ()
    """Of the attempt, newest first."""


@dataclass(slots=True)
class Watcher:
    """Looks again and again, and reads only what is new. For one thread."""

    workspace: Workspace
    _observer: Observer = field(default_factory=Observer)
    _tip: str = ""
    _known: dict[str, tuple[Operation, ...]] = field(default_factory=dict)
    """By attempt, as of the tip."""

    def scene(self, environment: str | None) -> Scene:
        """The rollout in `environment`; for None the one that wants to be looked at most.

        Raises LockgateError when the store cannot be read.
        """
        snapshot = self.workspace.store.at()
        names = tuple(one.name for one in snapshot.environments() if one.rollout is not None)
        name = environment if environment in names else _foremost(snapshot, names)
        if name is None:
            return Scene(names, None)
        now = status(self.workspace, name, self._observer)
        attempt = now.rollout.attempt if now.rollout else ""
        return Scene(names, now, self._records(snapshot, attempt))

    def _records(self, snapshot: Snapshot, attempt: str) -> tuple[Operation, ...]:
        if snapshot.commit != self._tip:
            self._tip = snapshot.commit
            self._known = {}
        if attempt not in self._known:
            self._known[attempt] = records_of(self.workspace.store, snapshot, attempt)
        return self._known[attempt]


def _foremost(snapshot: Snapshot, names: tuple[str, ...]) -> str | None:
    """The last environment whose rollout is on its way, else the last one that had any."""
    on_its_way = [
        one.name for one in snapshot.environments() if one.rollout is not None and one.rollout.active
    ]
    return next(reversed(on_its_way or names), None)
