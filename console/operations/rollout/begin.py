"""How a promotion begins: at once where the environment has no steps, else as a rollout."""

from __future__ import annotations

from console.operations.forward import Place
from console.operations.plan import Check, Stamp
from store.errors import InputError
from store.records.approval import Approval
from store.records.environment import Environment
from store.records.release import Release
from store.records.rollout_policy import RolloutPolicy
from store.rules import serving
from store.rules.rollout import told
from store.rules.rollout_pointer import begun, displaced

_USED = 200


def by_steps(to: Place) -> bool:
    """Whether a promotion to `to` takes steps: only where there is something to compare with."""
    return ladder(to) is not None


def ladder(to: Place) -> RolloutPolicy | None:
    """The steps that a promotion to `to` takes; None where it serves everybody at once."""
    return to.policy.rollout if to.stable is not None else None


def entered(to: Place, release: Release, stamp: Stamp, approvals: tuple[Approval, ...] = ()) -> Environment:
    """The pointer of `to` once `release` is promoted there, carried by `approvals`."""
    used = (*(one.id for one in approvals), *to.pointer.used)[:_USED]
    return _entered(to, release, stamp).model_copy(update={"used": used})


def _entered(to: Place, release: Release, stamp: Stamp) -> Environment:
    policy = ladder(to)
    if policy is not None:
        moved = begun(to.pointer, release.id, policy, stamp.id, stamp.at, stamp.by)
        demanded = to.policy.approvals
        if demanded is None or moved.rollout is None:
            return moved
        wants = {"approvals_wanted": demanded.count, "author": release.created_by}
        return moved.model_copy(update={"rollout": moved.rollout.model_copy(update=wants)})
    before = displaced(to.pointer, f"{release.id} took its place", stamp.at)
    moved = serving.serve(before, release.id, stamp.id, stamp.at, to.retention)
    return serving.lifted(moved)


def effect(to: Place, release: Release) -> str:
    """What users will notice."""
    policy = ladder(to)
    if policy is not None:
        steps = ", ".join(told(step) for step in policy.steps)
        return (
            f"a rollout of {release.id} waits for `lockgate watch` (or `lockgate rollout advance "
            f"--env {to.name}`); its steps: {steps}"
        )
    return (
        f"{to.name} serves {release.id} instead of {to.pointer.stable or 'nothing'}; "
        "applications see it within a second"
    )


def rollout_check(to: Place, release: Release, supersede: bool) -> Check:
    """Whether another rollout is in the way; `supersede` takes its place."""
    rollout = to.pointer.rollout
    if rollout is None or not rollout.active:
        if supersede:
            raise InputError(f"no rollout is on its way in {to.name}: leave --supersede out.")
        return _watch_check(to)
    where = f"{rollout.release} is {rollout.state} at {rollout.percent:g} % in {to.name}"
    if rollout.release == release.id:
        return Check("change", "unmet", f"{where} already.")
    if supersede:
        return Check(
            "rollout", "warn", f"{where}; {release.id} takes its place, {rollout.stable} stays stable"
        )
    return Check(
        "rollout",
        "unmet",
        f"{where}: wait for it, `lockgate rollout abort --env {to.name}`, or promote with --supersede.",
    )


def _watch_check(to: Place) -> Check:
    """No rollout is on its way; a watch after the last one may be."""
    rollout = to.pointer.rollout
    if rollout is None or rollout.watch_until is None:
        return Check("rollout", "ok", "no rollout is on its way")
    return Check(
        "rollout",
        "warn",
        f"{rollout.release} is watched in {to.name} until {rollout.watch_until:%Y-%m-%d %H:%M} UTC: this "
        "ends the watch, and its triggers take it back no more",
    )


def no_rollout_check(to: Place) -> Check:
    """For changes that act on stable at once: what a rollout is measured against must not move under it."""
    rollout = to.pointer.rollout
    if rollout is None or not rollout.active:
        return _watch_check(to)
    return Check(
        "rollout",
        "unmet",
        f"a rollout of {rollout.release} is {rollout.state} at {rollout.percent:g} % in {to.name}: "
        f"`lockgate rollout abort --env {to.name}` first, or roll back, which ends it.",
    )
