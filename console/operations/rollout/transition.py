"""The plan of one transition of a rollout, whoever wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from console.operations.conditions import BreakGlass, flagged
from console.operations.describe import changes_between, sentence
from console.operations.plan import Check, Overtaken, Plan, Risk, Stamp, no_approvals
from console.operations.ready import ready, ready_again
from store.bounded import write_toml
from store.kill_file import read_kill
from store.records.approval import Approval
from store.records.base import Person
from store.records.environment import Environment
from store.records.finding import Finding
from store.records.operation import Change, Override, RolloutMark
from store.records.release import Release
from store.rules.rejection import taken_away
from store.rules.rollout import Transition
from store.rules.rollout_pointer import applied, mark
from store.snapshot import Snapshot
from store.workspace import Workspace

Decide = Callable[[Snapshot, Environment], Transition | None]
"""What is to happen to the rollout of an environment as it is in a snapshot; None for nothing any more."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a transition's plan reads."""

    title: str
    command: str = ""
    checks: tuple[Check, ...] = ()
    overrides: tuple[Override, ...] = ()
    risk: Risk = Risk.REVERSIBLE
    confirm: str | None = None
    note_required: bool = False
    by: Person | None = None
    reason: str | None = None
    """Of what is overridden."""
    approvals: Callable[[Stamp], tuple[Approval, ...]] = no_approvals
    """For the record."""
    gives: bool = False
    """Whether the rollout gets those approvals by it."""
    findings: tuple[Finding, ...] = ()
    only: tuple[str, ...] = ()
    """For a rollback of some components: their names."""


def transition_plan(
    workspace: Workspace,
    snapshot: Snapshot,
    environment: str,
    decide: Decide,
    wording: Callable[[Snapshot, Environment, Transition], Wording],
) -> Plan:
    """The plan of what `decide` says. Raises Overtaken when it says that there is nothing to do."""
    pointer = snapshot.environment(environment)
    transition = decide(snapshot, pointer)
    if transition is None:
        raise Overtaken(f"the rollout in {environment} was moved by somebody else meanwhile.")
    said = wording(snapshot, pointer, transition)
    rollout = transition.rollout
    canary, stable = snapshot.release(rollout.release), snapshot.release(rollout.stable)
    forward = changes_between(snapshot, stable, canary)
    changes = _changes(snapshot, transition, forward)
    retention = snapshot.policy.longest_retention

    def moved(stamp: Stamp) -> Environment:
        given = said.approvals(stamp) if said.gives else ()
        with_given = rollout.model_copy(update={"approvals": (*rollout.approvals, *given)})
        after = applied(
            pointer,
            replace(transition, rollout=with_given) if given else transition,
            record=stamp.id,
            at=stamp.at,
            by=stamp.by,
            retention=retention,
            reason=stamp.why,
            held=said.only,
            taken_away=taken_away(_taken(forward, said.only), bool(said.only)),
        )
        return flagged(after, said.overrides, said.reason, stamp)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        return {f"environments/{environment}.toml": write_toml(moved(stamp))}

    def marked(stamp: Stamp) -> RolloutMark | None:
        kill = read_kill(workspace.live(environment))
        decided = kill.at if kill is not None and kill.attempt == rollout.attempt else stamp.at
        since = rollout.stages[-1].since if rollout.stages else None
        detected = max(0.0, (decided - since).total_seconds()) if since is not None else None
        return mark(moved(stamp), said.findings, detected if transition.takes_away else None)

    opens = _opens(transition, pointer, canary, stable)
    opening = ready if transition.serves or transition.kind in ("advance", "resume") else ready_again
    return Plan(
        verb=transition.kind,
        tip=snapshot.commit,
        title=said.title,
        summary=_summary(transition, changes, environment),
        environment=environment,
        release=rollout.release,
        before=pointer.stable,
        after=_served(pointer, transition),
        changes=changes,
        checks=said.checks,
        effects=(_effect(transition, environment), *_leaves(transition, said.only)),
        risk=said.risk,
        confirm=said.confirm,
        note_required=said.note_required,
        write=write,
        mark=marked,
        by=said.by,
        gate="served before" if transition.takes_away else "none",
        overrides=said.overrides,
        emergency=bool(said.overrides) and isinstance(said.reason, BreakGlass),
        approvals=said.approvals,
        goal=(rollout.attempt, rollout.state, rollout.pause, rollout.step if rollout.active else None),
        relative=transition.kind in ("advance", "rollback"),
        prepare=(lambda report: opening(workspace, snapshot, opens, report)) if opens is not None else None,
        remake=lambda fresh: transition_plan(workspace, fresh, environment, decide, wording),
        command=said.command,
    )


def _served(pointer: Environment, transition: Transition) -> str | None:
    """What is stable afterwards."""
    rollout = transition.rollout
    if transition.serves:
        return rollout.release
    return rollout.stable if _goes_back(pointer, transition) else pointer.stable


def _goes_back(pointer: Environment, transition: Transition) -> bool:
    """Whether everybody was served the release already, so that another one becomes stable again."""
    return transition.takes_away and pointer.stable == transition.rollout.release


def _opens(transition: Transition, pointer: Environment, canary: Release, stable: Release) -> Release | None:
    """What has to be open on this machine before it is committed; None for nothing new."""
    rollout = transition.rollout
    if _goes_back(pointer, transition):
        return stable
    reached = rollout.active and (rollout.percent > 0 or rollout.shadow_percent > 0)
    return canary if reached or transition.serves else None


def _taken(forward: tuple[Change, ...], only: tuple[str, ...]) -> tuple[Change, ...]:
    """The changes of taking the canary away, as far as rejections read them."""
    return tuple(
        one.model_copy(update={"before": one.after, "after": one.before})
        for one in forward
        if one.after and (not only or one.component in only)
    )


def _changes(snapshot: Snapshot, transition: Transition, forward: tuple[Change, ...]) -> tuple[Change, ...]:
    if not transition.takes_away:
        return forward if transition.kind == "advance" else ()
    rollout = transition.rollout
    return changes_between(snapshot, snapshot.release(rollout.release), snapshot.release(rollout.stable))


def _summary(transition: Transition, changes: tuple[Change, ...], environment: str) -> str:
    rollout = transition.rollout
    if transition.serves:
        return sentence("Deployed", changes, environment)
    if transition.takes_away:
        return f"{sentence('Rolled back to', changes, environment)}: {rollout.reason}"
    if transition.kind == "advance":
        return f"{sentence('Rolling out', changes, environment)}: {rollout.reason}"
    if transition.kind == "baseline":
        limit = rollout.stages[-1].slow_ms or 0
        return f"Stable's latency in {environment} is known: over {limit:,.0f} ms counts as a rise"
    state = rollout.state if rollout.pause is None else f"paused ({rollout.pause})"
    return f"The rollout of {rollout.release} in {environment} is {state}: {rollout.reason}"


def _leaves(transition: Transition, only: tuple[str, ...]) -> tuple[str, ...]:
    """What taking a canary back leaves behind."""
    if not transition.takes_away:
        return ()
    held, release = ", ".join(only) or "everything", transition.rollout.release
    return (
        f"{release} is marked rejected, until `lockgate clear {release}`",
        f"a hold on {held} stays: automation keeps off until somebody moves forward",
    )


def _effect(transition: Transition, environment: str) -> str:
    rollout = transition.rollout
    if transition.kind == "baseline":
        return "who is served what does not change"
    if transition.serves:
        return f"{environment} serves {rollout.release} to everybody instead of {rollout.stable}"
    if not rollout.active:
        return f"everybody in {environment} is served {rollout.stable}"
    if rollout.shadow_percent:
        return f"{rollout.release} answers {rollout.shadow_percent:g} % of requests for the log only"
    return (
        f"{rollout.release} serves {rollout.percent:g} % of users in {environment}, {rollout.stable} the rest"
    )
