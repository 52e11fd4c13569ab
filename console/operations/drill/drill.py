"""Drill: rehearse every rollback that an environment promises, without moving anything.

The targets are those that `rollback` itself would choose. What comes of it is a record, so that everybody
sees how old the last rehearsal is.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.operations import conditions, rollback
from console.operations.counted import counted
from console.operations.drill.last import FOLDER
from console.operations.drill.trying import Trials
from console.operations.plan import Check, Plan, Stamp
from store.bounded import write_toml
from store.errors import Blocked, InputError
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.component import Component, Kind, Pin
from store.records.drill import Drill, Rehearsed
from store.records.release import Release
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

EVERYTHING = "everything"
_KINDS = (Kind.PROMPT, Kind.MODEL, Kind.INDEX, Kind.GUARDRAIL)
"""What is taken back alone at night; code and eval sets are not."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of one environment; nothing is recorded yet."""

    environment: str
    release: str
    rehearsed: tuple[Rehearsed, ...]
    without: tuple[str, ...]
    """What there is nothing to go back to for."""

    @property
    def broken(self) -> tuple[Rehearsed, ...]:
        """Promises that would not hold."""
        return tuple(one for one in self.rehearsed if not one.holds)


def environments(workspace: Workspace, only: str | None = None) -> tuple[str, ...]:
    """The environments that a drill is about: `only`, else every one that serves. Raises InputError."""
    snapshot = workspace.store.at()
    if only is not None:
        conditions.require_stable(snapshot.environment(only))
        return (only,)
    names = tuple(one.name for one in snapshot.environments() if one.stable)
    if not names:
        raise InputError("no environment serves anything yet, so there is nothing to go back from.")
    return names


def rehearse(
    workspace: Workspace, environment: str, *, report: Report = silent, stop: Stop = never
) -> Rehearsal:
    """Tries everything that rollbacks of `environment` would bring back: indexes are opened and probed,
    models asked for one token, the rest is read.

    Raises InputError, Blocked where nothing could be gone back to, Cancelled.
    """
    snapshot = workspace.store.at()
    current = snapshot.release(conditions.require_stable(snapshot.environment(environment)))
    trials = Trials(workspace, snapshot, report, stop)
    parts = [(), *((str(one),) for one in _components(current))]
    done: list[Rehearsed] = []
    without: list[str] = []
    for number, only in enumerate(parts):
        check(stop, "The drill")
        report(Progress("rehearsing", number, len(parts), " ".join(only) or EVERYTHING))
        try:
            plan = rollback.plan(workspace, environment, only)
        except (Blocked, InputError) as error:
            without.append(f"{' '.join(only) or EVERYTHING}: {error.message}")
            continue
        done.append(_rehearsed(snapshot, plan, only, trials))
    if not done:
        raise Blocked(f"{environment} promises no rollback yet: {without[0]}", tuple(without))
    return Rehearsal(environment, current.id, tuple(done), tuple(without))


def _components(release: Release) -> Iterator[Component]:
    for kind in _KINDS:
        yield from (pin.component for pin in release.pins(kind))


def _rehearsed(snapshot: Snapshot, plan: Plan, only: Sequence[str], trials: Trials) -> Rehearsed:
    pins = tuple(_target(snapshot, plan, everything=not only))
    tries = [trials.tried(pin) for pin in pins]
    said = [*(check.text for check in plan.unmet), *(one.trouble for one in tries if one.trouble)]
    return Rehearsed(
        what=" ".join(only) or EVERYTHING,
        target=tuple(str(pin) for pin in pins),
        holds=not said,
        seconds=round(sum(one.seconds for one in tries), 3),
        said=one_line(" ".join(said), 2_000),
    )


def _target(snapshot: Snapshot, plan: Plan, *, everything: bool) -> Iterator[Pin]:
    """What would serve: of a whole release all of it, else what changes."""
    changed = {one.component: one.after for one in plan.changes if one.after is not None}
    target = snapshot.find_release(plan.release) if everything and plan.release else None
    if target is None:
        yield from (Pin(Component.parse(name), version) for name, version in changed.items())
        return
    yield from target.pins()


def plan(workspace: Workspace, done: Rehearsal) -> Plan:
    """What recording `done` would do."""
    return _plan(workspace.store.at(), done)


def _plan(snapshot: Snapshot, done: Rehearsal) -> Plan:
    def write(stamp: Stamp) -> Mapping[str, bytes]:
        record = Drill(
            id=stamp.id,
            at=stamp.at,
            environment=done.environment,
            release=done.release,
            host=socket.gethostname()[:200],
            rehearsed=done.rehearsed,
            without=done.without,
        )
        return {f"{FOLDER}/{done.environment}/{stamp.id}.toml": write_toml(record)}

    return Plan(
        verb="drill",
        tip=snapshot.commit,
        title=f"Record the drill of {done.environment}",
        summary=summary(done.environment, done.rehearsed),
        environment=done.environment,
        release=done.release,
        checks=tuple(_checks(done)),
        effects=("nothing is moved; Overview shows how old it is",),
        write=write,
        goal=("drill", done.environment),
        remake=lambda fresh: _plan(fresh, done),
        command=f"lockgate drill --env {done.environment}",
    )


def summary(environment: str, rehearsed: Sequence[Rehearsed]) -> str:
    """In one sentence."""
    broken = [one.what for one in rehearsed if not one.holds]
    many = counted(len(rehearsed), "rollback")
    if not broken:
        return f"Rehearsed {many} of {environment}: all would hold"
    return f"Rehearsed {many} of {environment}: {', '.join(broken)} would not hold"


def _checks(done: Rehearsal) -> Iterator[Check]:
    for one in done.rehearsed:
        text = f"{one.what} → {', '.join(one.target)} in {one.seconds:.1f} s"
        yield Check("rollback", "ok" if one.holds else "warn", one.said or text)
