"""One look at every environment's rollout, and whatever follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from console.operations.apply import Applied, StalePlan, apply
from console.operations.approval.counting import Approved
from console.operations.approval.counting import step as approval_of
from console.operations.conditions import policy_of
from console.operations.heartbeat import Heartbeat, beat, last_beat
from console.operations.plan import Check, Overtaken
from console.operations.reconcile import reconcile
from console.operations.rollout.observing import Sight
from console.operations.rollout.observing import look as look_once
from console.operations.rollout.transition import Wording, transition_plan
from store.errors import InputError, MachineryError, words_of
from store.kill_file import KillFile, foreign_kill, read_kill, write_kill
from store.records.environment import Environment
from store.records.operation import Operation
from store.records.rollout import Rollout
from store.rules.rollout import Observed, Transition, decide
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

Look = Callable[[Workspace, Snapshot, Environment], Sight]
"""How a rollout is observed."""
Point = Callable[[str], None]
"""Called at each named point of a transition: `decided`, `killed`, `committed`."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    records: tuple[Operation, ...] = ()
    """One for each transition that this controller made."""
    problems: tuple[str, ...] = ()
    """One sentence for each thing that could not be done."""
    sights: tuple[tuple[str, Sight], ...] = ()
    """What was observed, by environment."""


def _no_point(_: str) -> None:
    return None


def tick(workspace: Workspace, *, look: Look = look_once, point: Point = _no_point) -> Ticked:
    """Moves every rollout that has to be moved, publishes, and prolongs the canaries' time.

    Never raises for one environment what would keep it from the others.
    """
    snapshot = workspace.store.at()
    last = last_beat(workspace)
    troubles, settling = dict(last.troubles), dict[str, datetime]()
    records: list[Operation] = []
    problems: dict[str, list[str]] = {}
    seen: list[tuple[Environment, Sight]] = []
    for name in snapshot.policy.names:
        with _told(name, problems):
            pointer = snapshot.environment(name)
            if _concerns(pointer.rollout):
                sight = _seen(workspace, snapshot, pointer, look, troubles)
                seen.append((pointer, _watched(pointer, sight, workspace.clock.now(), last, settling)))
    now = workspace.clock.now()
    # What takes canaries away waits for nothing; what moves forward may wait for a remote.
    seen.sort(key=lambda one: not _takes_away(one[0], one[1], now))
    for pointer, sight in seen:
        with _told(pointer.name, problems):
            transition = decide(pointer, sight.observed, now, sight.slow_ms)
            if transition is not None:
                _kill(workspace, pointer, transition, sight)
    blind = {*problems, *(pointer.name for pointer, sight in seen if sight.trouble)}
    for pointer, sight in seen:
        # Where another controller or a person was faster, the next tick looks again.
        with _told(pointer.name, problems), suppress(Overtaken, StalePlan):
            applied = _moved(workspace, snapshot, pointer, sight, point)
            if applied is not None:
                records.append(applied.record)
            if applied is not None and applied.unsigned:
                problems.setdefault(pointer.name, []).append(f"{pointer.name}: {applied.unsigned}")
    # A canary that nobody sees, or that cannot be taken back, is not given more time.
    done = reconcile(workspace, watched=frozenset(snapshot.policy.names) - blind)
    told = (*chain.from_iterable(problems.values()), *done.problems)
    beat(workspace, told, troubles, settling)
    return Ticked(tuple(records), told, tuple((one.name, sight) for one, sight in seen))


@contextmanager
def _told(environment: str, problems: dict[str, list[str]]) -> Iterator[None]:
    """Whatever goes wrong with one environment is told, and the others are looked after."""
    try:
        yield
    except Exception as error:
        problems.setdefault(environment, []).append(f"{environment}: {one_line(words_of(error), 400)}")


def _takes_away(pointer: Environment, sight: Sight, now: datetime) -> bool:
    transition = decide(pointer, sight.observed, now, sight.slow_ms)
    return transition is not None and (transition.takes_away or transition.kind == "error")


def _concerns(rollout: Rollout | None) -> bool:
    return rollout is not None and (rollout.active or rollout.watch_until is not None)


def _seen(
    workspace: Workspace,
    snapshot: Snapshot,
    pointer: Environment,
    look: Look,
    troubles: dict[str, datetime],
) -> Sight:
    """What is observed; a kill file that has no commit yet is a decision that was taken already.

    `troubles` remembers, by attempt, since when evidence could not be read.
    """
    live = workspace.live(pointer.name)
    kill, rollout = read_kill(live), pointer.rollout
    if kill is not None and rollout is not None and kill.attempt == rollout.attempt and rollout.percent:
        if kill.kind == "error":
            return Sight(Observed(reason=kill.reason, given_up=True))
        return Sight(Observed(outcome="block", reason=kill.reason, findings=kill.findings))
    if rollout is not None and rollout.active and (said := foreign_kill(live)) is not None:
        return Sight(Observed(killed=said))
    attempt, now = rollout.attempt if rollout else "", workspace.clock.now()
    try:
        sight = look(workspace, snapshot, pointer)
    except (MachineryError, InputError) as error:
        since = troubles.setdefault(attempt, now)
        minutes = max(0.0, (now - since).total_seconds() / 60)
        said = one_line(str(error), 400)
        return Sight(Observed(reason=said, trouble_minutes=minutes), trouble=said)
    troubles.pop(attempt, None)
    return sight


def _watched(
    pointer: Environment, sight: Sight, now: datetime, last: Heartbeat, settling: dict[str, datetime]
) -> Sight:
    """`sight` with for how long the watch is over; `settling` takes down since when that is seen."""
    rollout = pointer.rollout
    if rollout is None or rollout.watch_until is None or now < rollout.watch_until:
        return sight
    settling[rollout.attempt] = since = last.settling.get(rollout.attempt, now)
    minutes = (now - since).total_seconds() / 60
    return replace(sight, observed=replace(sight.observed, over_minutes=max(0.0, minutes)))


def _moved(
    workspace: Workspace, snapshot: Snapshot, pointer: Environment, sight: Sight, point: Point
) -> Applied | None:
    seen = pointer.rollout
    now = workspace.clock.now()

    def deciding(at: Snapshot, fresh: Environment) -> Transition | None:
        if fresh.rollout != seen:  # what was observed says nothing about a rollout that has moved since
            return None
        windows = policy_of(at, fresh.name).windows
        return decide(fresh, sight.observed, now, sight.slow_ms, windows)

    transition = deciding(snapshot, pointer)
    if transition is None:
        return None
    point("decided")
    if transition.takes_away or transition.kind == "error":
        point("killed")
    plan = transition_plan(
        workspace,
        snapshot,
        pointer.name,
        deciding,
        lambda at, fresh, moved: _wording(workspace, at, fresh, moved, sight),
    )
    applied = apply(workspace, plan, transition.rollout.reason)
    point("committed")
    return applied


def _kill(workspace: Workspace, pointer: Environment, transition: Transition, sight: Sight) -> None:
    """Stable for everybody within milliseconds, whatever the store and its disk are doing."""
    if not (transition.takes_away or transition.kind == "error"):
        return
    if not transition.rollout.stages or pointer.stable == transition.rollout.release:
        return  # there is no canary to take away: after 100 % the commit itself is what helps
    kill = KillFile(
        epoch=pointer.generation + 1,
        attempt=transition.rollout.attempt,
        kind="rollback" if transition.takes_away else "error",
        reason=transition.rollout.reason,
        at=workspace.clock.now(),
        findings=sight.observed.findings,
    )
    write_kill(workspace.live(pointer.name), kill)


def _wording(
    workspace: Workspace, snapshot: Snapshot, pointer: Environment, transition: Transition, sight: Sight
) -> Wording:
    rollout = transition.rollout
    yes = Approved()
    if transition.kind == "advance":
        policy = policy_of(snapshot, pointer.name)
        yes = approval_of(workspace, snapshot, policy, pointer, rollout, rollout.step)
    said = sight.observed.reason or "nothing speaks against it"
    return Wording(
        title=f"{transition.kind.capitalize()}: the rollout of {rollout.release} in {pointer.name}",
        checks=(Check("analysis", "ok" if not transition.takes_away else "warn", said), *yes.checks),
        approvals=lambda _: yes.given,
        by=workspace.person.as_controller,
        findings=sight.observed.findings,
    )
