"""Which release a user got, and why: now, or at a moment in the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lockgate_client.cohort import bucket, in_canary, in_matched_control
from store.errors import InputError
from store.records.environment import Environment
from store.snapshot import Snapshot
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Why:
    """The answer, as the store said it at the time."""

    environment: str
    at: datetime
    release: str
    arm: str
    """`canary` or `stable`."""
    reason: str
    """One sentence."""
    generation: int
    commit: str
    """The commit that said so (40 hex)."""
    record: str | None
    """The record of the operation that had written the pointer."""
    bucket: int | None = None
    """0 to 99,999; None where no rollout divided the users."""
    percent: float = 0.0
    step: int | None = None
    """Counted from 1."""
    control: bool = False
    """Whether the user is in the matched control."""


def why(workspace: Workspace, unit: str, environment: str, at: datetime | None = None) -> Why:
    """What `unit` is served in `environment`, or was at `at`.

    It is what the store said: a client whose document had run out, or that a kill file stopped, served
    stable instead. Raises InputError when the environment served nothing then or `unit` is no text.
    """
    when = at or workspace.clock.now()
    snapshot = workspace.store.at() if at is None else _snapshot_at(workspace, at)
    pointer = snapshot.environment(environment)
    if pointer.stable is None:
        raise InputError(f"{environment} served nothing on {when:%Y-%m-%d %H:%M} UTC.")
    return _answer(snapshot, pointer, unit, when)


def _snapshot_at(workspace: Workspace, at: datetime) -> Snapshot:
    """The newest commit that was there at `at`."""
    for commit in workspace.store.commits(lazy=True):
        if commit.commit_time <= at.timestamp():
            return workspace.store.at(str(commit.id))
    raise InputError(f"the store begins after {at:%Y-%m-%d %H:%M} UTC; ask for a later time.")


def _answer(snapshot: Snapshot, pointer: Environment, unit: str, when: datetime) -> Why:
    rollout = pointer.rollout
    stable = str(pointer.stable)
    if rollout is None or not rollout.percent:
        return Why(
            environment=pointer.name,
            at=when,
            release=stable,
            arm="stable",
            reason="no rollout divided the users: everybody was served stable",
            generation=pointer.generation,
            commit=snapshot.commit,
            record=pointer.record,
        )
    try:
        drawn = bucket(rollout.salt, unit)
    except UnicodeEncodeError:
        raise InputError("the unit holds half of a surrogate pair, which UTF-8 cannot carry.") from None
    canary = in_canary(drawn, rollout.percent)
    control = in_matched_control(drawn, rollout.percent)
    if canary:
        reason = f"bucket {drawn:,} is below {rollout.percent:g} % of 100,000"
    elif control:
        reason = f"bucket {drawn:,} is in the matched control, which is served stable"
    else:
        reason = f"bucket {drawn:,} is above the canary's {rollout.percent:g} % of 100,000"
    return Why(
        environment=pointer.name,
        at=when,
        release=rollout.release if canary else stable,
        arm="canary" if canary else "stable",
        reason=reason,
        generation=pointer.generation,
        commit=snapshot.commit,
        record=pointer.record,
        bucket=drawn,
        percent=rollout.percent,
        step=rollout.step + 1,
        control=control,
    )
