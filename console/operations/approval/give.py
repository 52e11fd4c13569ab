"""Approve: say yes to a release for an environment, signed, for exactly what it is now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from console.operations.conditions import policy_of
from console.operations.plan import Check, Plan, Stamp
from store.bounded import write_toml
from store.errors import InputError
from store.records.approval import ENTERING, Approval, approval_path
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.snapshot import Snapshot
from store.workspace import Workspace

Give = Callable[[Stamp], Approval]
"""The approval that a record gives; signing takes place once."""


def plan(workspace: Workspace, release: str, environment: str) -> Plan:
    """What saying yes to `release` for `environment` would do.

    Raises InputError where nothing wants an approval, or for an own release.
    """
    return _plan(workspace, workspace.store.at(), release, environment)


def _plan(workspace: Workspace, snapshot: Snapshot, id: str, environment: str) -> Plan:
    policy, pointer = policy_of(snapshot, environment), snapshot.environment(environment)
    release = snapshot.release(id)
    if policy.approvals is None:
        raise InputError(
            f"{environment} wants no approvals; `[environments.approvals]` in lockgate.toml does."
        )
    if pointer.stable == release.id:
        raise InputError(f"{environment} serves {release.id} already.")
    give = giving(workspace, policy, release)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        return {approval_path(environment, release.id, stamp.id): write_toml(give(stamp))}

    return Plan(
        verb="approve",
        tip=snapshot.commit,
        title=f"Approve {release.id} for {environment}",
        summary=f"Approved {release.id} for {environment}",
        environment=environment,
        release=release.id,
        checks=checks(workspace, policy, release),
        effects=(
            f"counts for {release.id} as it is and for what lockgate.toml demands of {environment} now, for "
            f"{policy.approvals.days} days and one promotion",
        ),
        note_required=policy.note_required,
        write=write,
        approvals=lambda stamp: (give(stamp),),
        remake=lambda fresh: _plan(workspace, fresh, id, environment),
        command=f"lockgate approve {release.id} --to {environment}",
    )


def checks(workspace: Workspace, policy: EnvironmentPolicy, release: Release) -> tuple[Check, ...]:
    """Whether a yes of the person at this workspace would count."""
    demanded, person = policy.approvals, workspace.person
    if demanded is None:
        return ()
    made = f"{release.id} was made by {release.created_by.name}"
    author = Check("author", "ok", made)
    if person.email.casefold() == release.created_by.email.casefold():
        author = Check("author", "unmet", f"{made}: somebody else has to approve it.")
    return (
        author,
        _key_check(workspace, demanded.signed),
    )


def _key_check(workspace: Workspace, signed: bool) -> Check:
    if workspace.settings.signing_key is not None:
        return Check("key", "ok", "signed with this machine's key")
    if not signed:
        return Check("key", "ok", "no signature is wanted")
    return Check(
        "key",
        "unmet",
        "only a signature counts here: name your key as signing_key in settings.toml, for example "
        '`signing_key = "~/.ssh/id_ed25519"`.',
    )


def giving(
    workspace: Workspace,
    policy: EnvironmentPolicy,
    release: Release,
    step: int = ENTERING,
    attempt: str | None = None,
) -> Give:
    """What makes the approval, signed where this machine has a key. It raises SigningError."""

    @lru_cache(maxsize=4)
    def give(stamp: Stamp) -> Approval:
        bare = Approval(
            id=stamp.id,
            environment=policy.name,
            release=release.id,
            release_digest=release.digest,
            policy_digest=policy.digest,
            step=step,
            attempt=attempt,
            by=stamp.by,
            at=stamp.at,
        )
        if workspace.settings.signing_key is None:
            return bare
        from store.signing.ruling import APPROVALS
        from store.signing.settled import signing

        by = signing(workspace.settings, stamp.by)
        assert by is not None
        return bare.model_copy(update={"signature": by.sign(bare.signed, APPROVALS)})

    return give
