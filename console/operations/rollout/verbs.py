"""What a person does to a rollout: advance, pause, resume, abort, approve."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from console.operations import conditions
from console.operations.approval.counting import step as approval_of
from console.operations.approval.give import checks, giving
from console.operations.plan import Check, Plan, Risk, no_approvals
from console.operations.rollout.observing import Sight, look
from console.operations.rollout.taking_back import demand_not_taken_back
from console.operations.rollout.transition import Wording, transition_plan
from store.errors import InputError
from store.records.environment import Environment
from store.records.policy import EnvironmentPolicy
from store.records.rollout import Rollout
from store.rules.rollout import (
    FLAGGED,
    Transition,
    approved,
    ended,
    paused,
    resumed,
    step_to,
    told,
    waits_for,
)
from store.snapshot import Snapshot
from store.workspace import Workspace


def active(pointer: Environment) -> Rollout:
    """The rollout of `pointer`. Raises InputError when none is on its way."""
    rollout = pointer.rollout
    if rollout is None or not rollout.active:
        last = f"; the last one, of {rollout.release}, is {rollout.state}" if rollout else ""
        raise InputError(f"no rollout is on its way in {pointer.name}{last}.")
    return rollout


def advance(
    workspace: Workspace, environment: str, *, override: str | None = None, full: bool = False
) -> Plan:
    """The next step now; with `full` the last one, which serves everybody.

    What the step still waits for, a freeze or a skipped step is an unmet condition that `override`
    answers for; a missing approval and an unconfirmed harmful answer are not.
    """
    snapshot = workspace.store.at()
    policy = conditions.policy_of(snapshot, environment)
    conditions.demand_glass(policy, override)
    sight = look(workspace, snapshot, snapshot.environment(environment))

    def decide(_: Snapshot, pointer: Environment) -> Transition:
        rollout = active(pointer)
        demand_not_taken_back(workspace, pointer)
        if full:
            rollout = rollout.model_copy(update={"step": len(rollout.policy.steps) - 2})
        moved = step_to(rollout, pointer.generation + 1, workspace.clock.now(), sight.slow_ms)
        return Transition("advance", moved, serves=moved.state == "succeeded")

    def wording(at: Snapshot, pointer: Environment, transition: Transition) -> Wording:
        reached = transition.rollout.step
        yes = approval_of(workspace, at, policy, pointer, active(pointer), reached)
        checks, overrides = conditions.overridden(
            (*_advance_checks(workspace, policy, pointer, sight, full), *yes.checks), override
        )
        risk = conditions.forward_risk(policy, overrides)
        rollout = transition.rollout
        return Wording(
            title=f"Advance {rollout.release} in {environment} to {told(rollout.policy.steps[rollout.step])}",
            command=f"lockgate rollout advance --env {environment}"
            + (" --full" if full else "")
            + conditions.answer_flags(override),
            checks=checks,
            overrides=overrides,
            reason=override,
            approvals=lambda _: yes.given,
            risk=risk,
            confirm=conditions.confirmation(risk, environment, rollout.release),
            note_required=policy.note_required,
            findings=sight.observed.findings,
        )

    return transition_plan(workspace, snapshot, environment, decide, wording)


def _advance_checks(
    workspace: Workspace, policy: EnvironmentPolicy, pointer: Environment, sight: Sight, full: bool
) -> tuple[Check, ...]:
    rollout = active(pointer)
    may = policy.gate.allow_override
    now = workspace.clock.now()
    checks = [
        conditions.freeze_check(pointer, policy.windows, now, may),
        conditions.hold_check(pointer),
    ]
    waiting = waits_for(rollout, sight.observed)
    if sight.observed.outcome == "block":
        checks.append(Check("analysis", "unmet", f"the evidence is against it: {sight.observed.reason}."))
    elif sight.observed.flagged:
        checks.append(Check("analysis", "unmet", f"{FLAGGED}."))
    elif waiting:
        checks.append(Check("analysis", "unmet", _still(waiting), overridable=may))
    else:
        checks.append(Check("analysis", "ok", sight.observed.reason or "nothing is waited for"))
    checks.extend(_approvals(rollout, pointer.name, full, policy.approvals is None))
    if full and rollout.step < len(rollout.policy.steps) - 2:
        checks.append(Check("steps", "unmet", "--full leaves steps out.", overridable=may))
    return tuple(checks)


def _still(waiting: str) -> str:
    """What a step waits for, figures ("3 more healthy minutes") or a sentence of the analysis, as one."""
    if waiting[:1].isdigit():
        return f"the step still waits for {waiting}."
    return f"the step does not go on yet: {waiting}{'' if waiting.endswith(('.', '!', '?')) else '.'}"


def _approvals(rollout: Rollout, environment: str, full: bool, anybody: bool) -> Iterator[Check]:
    """The steps that begin now, where `anybody` may approve them, or are left out, and still want their
    approval."""
    ahead = len(rollout.policy.steps) - 1
    if anybody and rollout.step < ahead and not approved(rollout):
        way_out = f"`lockgate rollout approve --env {environment}`"
        yield Check("approval", "unmet", f"the next step wants an approval: {way_out}.", breakable=True)
    for step in range(rollout.step + 2, ahead + 1 if full else 0):
        if not approved(rollout, step):
            what = f"step {step + 1} ({told(rollout.policy.steps[step])})"
            yield Check("approval", "unmet", f"{what} wants an approval once it is next: leave --full out.")


def pause(workspace: Workspace, environment: str) -> Plan:
    """Stops a rollout where it is; triggers still act."""

    def decide(_: Snapshot, pointer: Environment) -> Transition:
        rollout = active(pointer)
        if rollout.pause == "manual":
            raise InputError(f"the rollout in {environment} is paused already.")
        reason = f"paused by {workspace.person.name}"
        return Transition("pause", paused(rollout, "manual", reason, workspace.clock.now()))

    return _simple(workspace, environment, "pause", decide)


def resume(workspace: Workspace, environment: str) -> Plan:
    """Lets a paused rollout go on, in its step and with its salt."""

    def decide(_: Snapshot, pointer: Environment) -> Transition:
        rollout = active(pointer)
        if rollout.state != "paused":
            raise InputError(f"the rollout in {environment} is {rollout.state}, not paused.")
        reason = f"resumed by {workspace.person.name}"
        return Transition("resume", resumed(rollout, reason, workspace.clock.now()))

    return _simple(workspace, environment, "resume", decide)


def abort(workspace: Workspace, environment: str) -> Plan:
    """Ends a rollout: everybody is served stable. The release is not rejected; rolling back does that."""

    def decide(_: Snapshot, pointer: Environment) -> Transition:
        rollout = active(pointer)
        reason = f"aborted by {workspace.person.name}"
        over = ended(rollout, "aborted", reason, pointer.generation + 1, workspace.clock.now())
        return Transition("abort", over)

    return _simple(workspace, environment, "abort", decide)


def approve(workspace: Workspace, environment: str) -> Plan:
    """Says yes to the next step of a rollout."""

    def decide(_: Snapshot, pointer: Environment) -> Transition:
        rollout = active(pointer)
        following = rollout.following
        if following is None or not following.approval:
            raise InputError(f"the next step of the rollout in {environment} wants no approval.")
        if approved(rollout):
            raise InputError(f"the next step of the rollout in {environment} is approved already.")
        return Transition("approve", rollout)

    return _simple(workspace, environment, "approve", decide)


def _simple(
    workspace: Workspace, environment: str, verb: str, decide: Callable[[Snapshot, Environment], Transition]
) -> Plan:
    def decided(snapshot: Snapshot, pointer: Environment) -> Transition:
        active(pointer)
        demand_not_taken_back(workspace, pointer)
        return decide(snapshot, pointer)

    def wording(snapshot: Snapshot, _: Environment, transition: Transition) -> Wording:
        policy = conditions.policy_of(snapshot, environment)
        rollout, release = transition.rollout, snapshot.release(transition.rollout.release)
        give = giving(workspace, policy, release, rollout.step + 1, rollout.attempt)
        return Wording(
            title=f"{verb.capitalize()} the rollout of {transition.rollout.release} in {environment}",
            command=f"lockgate rollout {verb} --env {environment}",
            risk=Risk.ROLLBACK if policy.production and verb == "abort" else Risk.REVERSIBLE,
            # Towards safety nothing is asked for; the reason can follow as a note.
            note_required=policy.note_required and verb in ("resume", "approve"),
            checks=checks(workspace, policy, release) if verb == "approve" else (),
            approvals=(lambda stamp: (give(stamp),)) if verb == "approve" else no_approvals,
            gives=verb == "approve",
        )

    return transition_plan(workspace, workspace.store.at(), environment, decided, wording)
