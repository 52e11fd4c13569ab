"""Whether somebody was allowed to make a change when they made it, by the policy in force before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from console.operations.audit.agreed import agreed, given, step_agreed
from console.operations.audit.change import Change
from console.operations.audit.truth import Said
from store.records.environment import Environment
from store.records.operation import Operation
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.records.rights import Action
from store.rules import gate
from store.rules.rejection import rejected_by
from store.rules.rights import lacking, wanted_by
from store.rules.windows import Frozen, frozen
from store.signing.allowed import Signers
from store.snapshot import Snapshot
from store.stamping import TOLERATED
from store.text import one_line

_FORWARD = ("stage", "promote", "switch", "advance")
_ENTERS = ("stage", "promote", "switch")


def permitted(change: Change, signers: Signers) -> Iterator[Said]:
    """Rights, freezes, rejections, the gate and approvals. Raises LockgateError for what cannot be read."""
    before, record = change.before, change.record
    if before is None:
        return
    if record is None:
        if "lockgate.toml" in change.paths:
            yield from _rights(change, before, (("policy",),), None)
        return
    yield from _rights(change, before, wanted_by(record), record.environment)
    if record.kind == "approve":
        yield from given(change, record, signers)
    policy = before.policy.environment(record.environment) if record.environment else None
    if policy is None or record.kind not in _FORWARD or record.gate == "served before":
        yield from _served_before(change, record, policy)
        return
    answered = {one.condition for one in record.overrides}
    yield from _overrides(record, policy)
    pointer = before.environment(policy.name)
    if "freeze" not in answered and (closed := _closed(pointer, policy, record.at)):
        yield "during a freeze", f"the {record.kind} of {record.id} moved {policy.name}, which was {closed}"
    if record.kind in _ENTERS and record.release:
        release = change.after.release(record.release)
        yield from _entered(change, before, record, pointer, release, policy, answered, signers)
    elif record.kind == "advance" and "approval" not in answered:
        yield from step_agreed(change, record, policy, signers)


def _closed(pointer: Environment, policy: EnvironmentPolicy, at: datetime) -> Frozen | None:
    """What stood against it; at the edge of a window clocks may differ as far as records tolerate it."""
    found = frozen(pointer.freezes, policy.windows, at)
    earlier = frozen(pointer.freezes, policy.windows, at - TOLERATED)
    return found if earlier or frozen(pointer.freezes, (), at) else None


def _rights(
    change: Change, before: Snapshot, groups: tuple[tuple[Action, ...], ...], environment: str | None
) -> Iterator[Said]:
    for why in lacking(before.policy, groups, environment, change.commit.email):
        yield "no right", why


def _overrides(record: Operation, policy: EnvironmentPolicy) -> Iterator[Said]:
    if not record.overrides:
        return
    if record.emergency and not policy.break_glass:
        yield "glass", f"the record {record.id} broke the glass, which {policy.name} does not accept"
    elif not record.emergency and not policy.gate.allow_override:
        yield "override", f"the record {record.id} overrides a condition, which {policy.name} does not accept"


def _entered(
    change: Change,
    before: Snapshot,
    record: Operation,
    pointer: Environment,
    release: Release,
    policy: EnvironmentPolicy,
    answered: set[str],
    signers: Signers,
) -> Iterator[Said]:
    if "gate" not in answered:
        stable = before.find_release(pointer.stable) if pointer.stable else None
        ruling = gate.rule(policy, release, stable, change.after.verdicts(release.id))
        if not ruling.met:
            yield "gate skipped", f"{release.id} came into {policy.name}, and {ruling.text}"
    if "rejected" not in answered and (found := rejected_by(before.environments(), release)):
        yield "rejected", f"{release.id} came into {policy.name}, and {found[0]} rejects it"
    if record.kind != "stage" and "approval" not in answered:
        yield from agreed(change, record, pointer, release, policy, signers)


def _served_before(change: Change, record: Operation, policy: EnvironmentPolicy | None) -> Iterator[Said]:
    """What says that it went to what had served did."""
    if policy is None or record.kind != "switch" or change.before is None:
        return
    pointer = change.before.environment(policy.name)
    served = {
        str(pin)
        for one in pointer.served
        if (release := change.before.find_release(one.release)) is not None
        for pin in release.pins()
    }
    new = [f"{one.component}@{one.after}" for one in record.changes if one.after]
    unknown = [one for one in new if one not in served]
    if unknown:
        what = one_line(unknown[0], 100)
        yield "gate skipped", f"{what} is said to have served in {policy.name}, and never did"
