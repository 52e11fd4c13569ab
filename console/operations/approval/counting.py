"""Whether a release has the approvals that an environment wants, as a condition of its plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from console.operations.counted import counted as number
from console.operations.plan import Check
from store.errors import InputError
from store.records.approval import ENTERING, Approval
from store.records.environment import Environment
from store.records.policy import ApprovalPolicy, EnvironmentPolicy
from store.records.release import Release
from store.records.rollout import Rollout
from store.rules.approvals import Counted, Judge, No, Wanted, Yes, counted
from store.rules.rights import may
from store.snapshot import Snapshot
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Approved:
    """What a plan says of approvals."""

    checks: tuple[Check, ...] = ()
    given: tuple[Approval, ...] = ()
    """Those that carry it."""


def entering(
    workspace: Workspace,
    snapshot: Snapshot,
    policy: EnvironmentPolicy,
    pointer: Environment,
    release: Release,
) -> Approved:
    """The approvals of moving `release` into the environment of `pointer`."""
    demanded = policy.approvals
    if demanded is None:
        return Approved()
    wanted = _wanted(workspace, policy, demanded, pointer, release, ENTERING, None)
    given = snapshot.approvals(policy.name, release.id)
    found = _counted(workspace, snapshot, demanded, wanted, given)
    return _approved(found, f"lockgate approve {release.id} --to {policy.name}", demanded)


def step(
    workspace: Workspace,
    snapshot: Snapshot,
    policy: EnvironmentPolicy,
    pointer: Environment,
    rollout: Rollout,
    step: int,
) -> Approved:
    """The approvals of the step at position `step` of `rollout`, where it wants some."""
    demanded = policy.approvals
    if demanded is None or not rollout.policy.steps[step].approval:
        return Approved()
    release = snapshot.release(rollout.release)
    wanted = _wanted(workspace, policy, demanded, pointer, release, step, rollout.attempt)
    found = _counted(workspace, snapshot, demanded, wanted, rollout.approvals)
    return _approved(found, f"lockgate rollout approve --env {policy.name}", demanded)


def _wanted(
    workspace: Workspace,
    policy: EnvironmentPolicy,
    demanded: ApprovalPolicy,
    pointer: Environment,
    release: Release,
    step: int,
    attempt: str | None,
) -> Wanted:
    return Wanted(
        environment=policy.name,
        release=release.id,
        release_digest=release.digest,
        policy_digest=policy.digest,
        step=step,
        attempt=attempt,
        count=demanded.count,
        author=release.created_by.email,
        oldest=workspace.clock.now() - timedelta(days=demanded.days),
        used=frozenset(pointer.used),
    )


def _counted(
    workspace: Workspace,
    snapshot: Snapshot,
    demanded: ApprovalPolicy,
    wanted: Wanted,
    given: tuple[Approval, ...],
) -> Counted | str:
    """What counts; the sentence that says why nothing can be counted on this machine."""
    try:
        judge = by_signature(workspace, wanted.author) if demanded.signed and given else by_name
    except InputError as error:
        return error.message

    def entitled(approval: Approval) -> Yes | No:
        if not may(snapshot.policy, "approve", wanted.environment, approval.by.email):
            return No(f"{approval.by.email or 'nobody'} has no right to approve in {wanted.environment}")
        return judge(approval)

    return counted(wanted, given, entitled)


def _approved(found: Counted | str, way_out: str, demanded: ApprovalPolicy) -> Approved:
    if isinstance(found, str):
        return Approved((Check("approval", "unmet", found, breakable=True),))
    left = "".join(f" ({one})" for one in found.left_out[:5])
    if found.enough:
        names = ", ".join(one.by.name for one in found.given)
        return Approved((Check("approval", "ok", f"approved by {names}{left}"),), found.given)
    signed = "signed " if demanded.signed else ""
    text = (
        f"{number(found.missing, f'more {signed}approval')} wanted{left}: `{way_out}`, by somebody else than "
        "who made it."
    )
    return Approved((Check("approval", "unmet", text, breakable=True),))


def by_name(approval: Approval) -> Yes | No:
    """Believes what people typed."""
    return Yes(approval.by.email.casefold()) if approval.by.email else No("it names no address")


def by_signature(workspace: Workspace, author: str) -> Judge:
    """Believes keys of this machine's signers' file. Raises InputError where there is none."""
    from store.signing.settled import allowed_signers
    from store.signing.yes import judge

    return judge(allowed_signers(workspace.settings), author)
