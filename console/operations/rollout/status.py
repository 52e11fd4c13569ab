"""Where a rollout stands: its step, what it waits for, what each metric says, who looks after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from console.operations.heartbeat import Heartbeat, last_beat
from console.operations.rollout.observing import Sight
from console.operations.rollout.observing import look as look_once
from console.operations.rollout.taking_back import taking_back
from store.errors import MachineryError
from store.kill_file import KillFile, foreign_kill
from store.records.environment import Environment
from store.records.rollout import Rollout
from store.rules.rollout import Observed, waits_for
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """One environment's rollout at one moment."""

    environment: str
    at: datetime
    rollout: Rollout | None
    """The one on its way, or the last one; None where there never was one."""
    sight: Sight
    waits_for: str | None
    """What the step waits for, as the end of a sentence; None where it waits for nothing."""
    heartbeat: Heartbeat
    trouble: str | None = None
    """Why the evidence could not be read."""
    kill: KillFile | None = None
    """While it is being taken back: users are on stable, and the record of it is due."""
    killed_by_hand: str | None = None
    """What a kill file says that is not Lockgate's: users are on stable until somebody removes it."""

    @property
    def state(self) -> str:
        """In words: "progressing", "paused (inconclusive)", "rolling back"; an empty string without one."""
        if self.rollout is None:
            return ""
        if self.kill is not None:
            return "rolling back"
        return self.rollout.state + (f" ({self.rollout.pause})" if self.rollout.pause else "")

    @property
    def unattended(self) -> bool:
        """Whether a rollout is on its way or watched and no controller has looked lately."""
        rollout = self.rollout
        if rollout is None or not (rollout.active or rollout.watch_until):
            return False
        return self.heartbeat.late(self.at)


Look = Callable[[Workspace, Snapshot, Environment], Sight]
"""How a rollout is observed."""


def status(workspace: Workspace, environment: str, look: Look = look_once) -> RolloutStatus:
    """Where the rollout in `environment` stands. Raises InputError for an environment that is not.

    Who looks again and again passes an Observer, which counts only what is new.
    """
    snapshot = workspace.store.at()
    pointer = snapshot.environment(environment)
    rollout = pointer.rollout
    sight, trouble = Sight(Observed()), None
    if rollout is not None and (rollout.active or rollout.watch_until):
        try:
            sight = look(workspace, snapshot, pointer)
        except MachineryError as error:
            trouble = one_line(str(error), 400)
    waiting = waits_for(rollout, sight.observed) if rollout is not None and rollout.active else None
    return RolloutStatus(
        environment=environment,
        at=workspace.clock.now(),
        rollout=rollout,
        sight=sight,
        waits_for=waiting,
        heartbeat=last_beat(workspace),
        trouble=trouble,
        kill=taking_back(workspace, pointer),
        killed_by_hand=foreign_kill(workspace.live(environment)),
    )
