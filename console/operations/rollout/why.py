"""Which release a user got, and why: now, or at a moment in the past."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from lockgate_client import Client, LockgateClientError
from lockgate_client.cohort import bucket, in_canary, in_matched_control
from store.errors import InputError
from store.kill_file import foreign_kill, read_kill
from store.records.environment import Environment
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Why:
    """The answer."""

    environment: str
    at: datetime
    release: str
    arm: str
    """`canary` or `stable`."""
    reason: str
    """One sentence."""
    generation: int
    commit: str
    """The store's commit of the time (40 hex)."""
    record: str | None
    """The record of the operation that had written the pointer."""
    bucket: int | None = None
    """0 to 99,999; None where no rollout divided the users."""
    percent: float = 0.0
    step: int | None = None
    """Counted from 1."""
    control: bool = False
    """Whether the user is in the matched control."""
    source: Literal["live", "store"] = "store"
    """`live`: what a client on this machine serves now. `store`: what the store says, or said."""


def why(workspace: Workspace, unit: str, environment: str, at: datetime | None = None) -> Why:
    """What `unit` is served in `environment`, or was at `at`.

    For now it is what a client on this machine serves: its live document may have run out, and a kill file
    may stand. For a time past it is what the store said then. Raises InputError when `at` is to come, when
    the environment served nothing then, or when `unit` is no text.
    """
    now = workspace.clock.now()
    if at is not None and at > now:
        raise InputError(
            f"{at:%Y-%m-%d %H:%M} UTC is still to come: nobody was served anything then. "
            "Leave --at out for now."
        )
    when = at or now
    snapshot = workspace.store.at() if at is None else snapshot_at(workspace, at)
    pointer = snapshot.environment(environment)
    if pointer.stable is None:
        raise InputError(f"{environment} served nothing on {when:%Y-%m-%d %H:%M} UTC.")
    said = _answer(snapshot, pointer, unit, when)
    return said if at is not None else _served_here(workspace, said, unit)


def _served_here(workspace: Workspace, said: Why, unit: str) -> Why:
    """`said` by the store, as a client on this machine serves it."""
    live = workspace.live(said.environment)
    client = Client(live, check_seconds=0, wall=lambda: said.at.timestamp())
    try:
        got = client.resolve(unit)
    except LockgateClientError as error:
        trouble = one_line(str(error), 300).rstrip(".")
        return replace(said, reason=f"{said.reason} (so says the store; on this machine: {trouble})")
    finally:
        client.close()
    here = replace(said, source="live")
    would = f"; the store says {said.release} ({said.arm})" if got.release != said.release else ""
    if got.reason == "killed":
        reason = f"a kill file keeps everybody on stable ({_kill_reason(live)}){would}"
    elif got.reason == "expired":
        reason = f"the live document ran out, because no controller prolonged it: stable for all{would}"
    elif (got.release, got.arm) == (said.release, said.arm):
        return here
    else:
        reason = f"the live document on this machine serves it (generation {got.generation}){would}"
    return replace(
        here, release=got.release, arm=got.arm, reason=reason, generation=got.generation, control=False
    )


def _kill_reason(live: Path) -> str:
    """What the kill file says, as a line."""
    kill = read_kill(live)
    return one_line(kill.reason, 400) if kill is not None else foreign_kill(live) or "no reason given"


def snapshot_at(workspace: Workspace, at: datetime) -> Snapshot:
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
