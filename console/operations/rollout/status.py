"""Where a rollout stands: its step, what it waits for, what each metric says, who looks after it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from console.operations.conditions import freeze_check, policy_of
from console.operations.heartbeat import Heartbeat, last_beat, worker_problems
from console.operations.rollout.attempts import records_of
from console.operations.rollout.observing import Sight
from console.operations.rollout.observing import look as look_once
from console.operations.rollout.taking_back import taking_back
from store.errors import LockgateError
from store.kill_file import KillFile, foreign_kill
from store.records.environment import Environment
from store.records.finding import Finding
from store.records.rollout import Rollout
from store.rules.rollout import Observed, waits_for
from store.rules.rollout_pointer import ending
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
    problems: tuple[str, ...] = ()
    """What the controller and its worker could not do when they looked last."""
    frozen: str | None = None
    """The freeze that keeps it from moving forward, in words."""
    took_place: str | None = None
    """How the attempt ended whose place it took, in words."""
    last: tuple[Finding, ...] = ()
    """Of a rollout that is over: what its metrics said when it ended."""
    way_out: str | None = None
    """Of a rollout that is over: what lets its release be tried again."""

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
        return self.looked_at and self.heartbeat.late(self.at)

    @property
    def looked_at(self) -> bool:
        """Whether evidence still counts: it is on its way, or watched."""
        return self.rollout is not None and (self.rollout.active or self.rollout.watch_until is not None)

    @property
    def trouble_since(self) -> datetime | None:
        """Since when controllers could not read the evidence."""
        return self.heartbeat.troubles.get(self.rollout.attempt) if self.rollout is not None else None


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
        except LockgateError as error:
            trouble = one_line(str(error), 400)
    waiting = waits_for(rollout, sight.observed) if rollout is not None and rollout.active else None
    beat = last_beat(workspace)
    return RolloutStatus(
        environment=environment,
        at=workspace.clock.now(),
        rollout=rollout,
        sight=sight,
        waits_for=waiting,
        heartbeat=beat,
        trouble=trouble,
        kill=taking_back(workspace, pointer),
        killed_by_hand=foreign_kill(workspace.live(environment)),
        problems=_problems(workspace, snapshot, environment, beat),
        frozen=_frozen(snapshot, pointer, workspace.clock.now()),
        took_place=_took_place(snapshot, rollout),
        last=_last_findings(workspace, snapshot, rollout),
        way_out=_way_out(pointer, rollout),
    )


def _problems(workspace: Workspace, snapshot: Snapshot, environment: str, beat: Heartbeat) -> tuple[str, ...]:
    """What is wrong with `environment` or with none in particular."""
    now = workspace.clock.now()
    told = () if beat.late(now) else beat.problems
    others = set(snapshot.policy.names) - {environment}

    def concerns(text: str) -> bool:
        words = set(re.findall(r"[a-z0-9._-]*[a-z0-9]", text))
        return environment in words or not words & others

    found = dict.fromkeys((*told, *worker_problems(workspace)))
    return tuple(one_line(text, 400) for text in found if concerns(text))


def _frozen(snapshot: Snapshot, pointer: Environment, now: datetime) -> str | None:
    if pointer.rollout is None or not pointer.rollout.active:
        return None
    check = freeze_check(pointer, policy_of(snapshot, pointer.name).windows, now)
    return one_line(check.text, 400) if check.verdict == "unmet" else None


def _took_place(snapshot: Snapshot, rollout: Rollout | None) -> str | None:
    record = snapshot.operation(rollout.attempt) if rollout is not None else None
    return ending(record.ended) if record is not None and record.ended is not None else None


def _last_findings(workspace: Workspace, snapshot: Snapshot, rollout: Rollout | None) -> tuple[Finding, ...]:
    if rollout is None or rollout.active or rollout.watch_until:
        return ()
    records = records_of(workspace.store, snapshot, rollout.attempt)
    marks = (one.rollout.findings for one in records if one.rollout is not None)
    return next((found for found in marks if found), ())


def _way_out(pointer: Environment, rollout: Rollout | None) -> str | None:
    if rollout is None or rollout.active or rollout.state == "succeeded":
        return None
    if any(one.release == rollout.release for one in pointer.rejected):
        return f"`lockgate clear {rollout.release} -m WHY` lets it be promoted again"
    return f"`lockgate promote {rollout.release} --to {pointer.name}` tries it again"
