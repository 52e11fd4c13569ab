"""Whether those who had to say yes to a change did, and are who they say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from console.operations.audit.change import Change
from console.operations.audit.truth import Said
from store.records.approval import ENTERING, Approval
from store.records.environment import Environment
from store.records.operation import Operation
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.rules.approvals import No, Wanted, Yes, counted
from store.rules.rights import may
from store.signing.allowed import Signers
from store.signing.yes import judge
from store.text import one_line


def agreed(
    change: Change,
    record: Operation,
    pointer: Environment,
    release: Release,
    policy: EnvironmentPolicy,
    signers: Signers,
) -> Iterator[Said]:
    """Whether a promotion had the approvals that were wanted then."""
    if policy.approvals is None or change.before is None:
        return
    given = change.before.approvals(policy.name, release.id)
    wanted = _wanted(policy, release, record, frozenset(pointer.used), ENTERING, None)
    yield from _enough(change, policy, wanted, given, signers)


def step_agreed(
    change: Change, record: Operation, policy: EnvironmentPolicy, signers: Signers
) -> Iterator[Said]:
    """Whether a step of a rollout had."""
    for was, is_now in change.pointers():
        rollout, moved = was.rollout, is_now.rollout
        if rollout is None or moved is None or policy.approvals is None:
            continue
        if not rollout.policy.steps[moved.step].approval:
            continue
        release = change.after.release(moved.release)
        wanted = _wanted(policy, release, record, frozenset(), moved.step, moved.attempt)
        yield from _enough(change, policy, wanted, rollout.approvals, signers)


def _wanted(
    policy: EnvironmentPolicy,
    release: Release,
    record: Operation,
    used: frozenset[str],
    step: int,
    attempt: str | None,
) -> Wanted:
    assert policy.approvals is not None
    return Wanted(
        environment=policy.name,
        release=release.id,
        release_digest=release.digest,
        policy_digest=policy.digest,
        step=step,
        attempt=attempt,
        count=policy.approvals.count,
        author=release.created_by.email,
        oldest=record.at - timedelta(days=policy.approvals.days),
        used=used,
    )


def _enough(
    change: Change,
    policy: EnvironmentPolicy,
    wanted: Wanted,
    given: tuple[Approval, ...],
    signers: Signers,
) -> Iterator[Said]:
    assert policy.approvals is not None and change.before is not None
    by_key, lockgate = judge(signers, wanted.author), change.before.policy
    signed = policy.approvals.signed

    def judged(one: Approval) -> Yes | No:
        if not may(lockgate, "approve", policy.name, one.by.email):
            return No(f"{one_line(one.by.email, 80)} has no right to approve")
        return by_key(one) if signed else Yes(one.by.email.casefold())

    found = counted(wanted, given, judged)
    if not found.enough:
        left = f" ({'; '.join(found.left_out[:3])})" if found.left_out else ""
        yield (
            "approval missing",
            f"{wanted.release} moved forward in {policy.name} with {len(found.given)} of {found.wanted} "
            f"approvals{left}",
        )


def given(change: Change, record: Operation, signers: Signers) -> Iterator[Said]:
    """An approval names what was there, and is signed by whom it names."""
    for one in record.approvals:
        release = change.after.find_release(one.release)
        if one.id != record.id or release is None or release.digest != one.release_digest:
            yield "replayed approval", f"the approval in {record.id} is not of {one.release} as it is"
        elif one.signature is not None:
            found = judge(signers, release.created_by.email)(one)
            if isinstance(found, No):
                yield "forged approval", f"the approval in {record.id} does not count: {found.why}"
    for path in change.paths:
        if path.startswith("approvals/"):
            landed = change.after.record(Approval, path)
            if landed is None or landed not in record.approvals:
                yield "forged approval", f"{one_line(path, 120)} is not what the record {record.id} gave"
