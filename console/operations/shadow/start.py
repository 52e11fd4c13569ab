"""Shadow start: a release answers a share of real requests once more, for the log only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from console.operations import conditions
from console.operations.describe import changes_between
from console.operations.plan import Check, Plan, Stamp
from console.operations.ready import index_checks, ready
from console.operations.shadow.replays import demand_replayable, suites_of
from store.bounded import write_toml
from store.errors import InputError
from store.records.environment import Environment
from store.records.release import Release
from store.records.shadow import Shadow, ShadowPolicy
from store.rules.shadow import started
from store.snapshot import Snapshot
from store.workspace import Workspace

USUAL_DAYS = 7.0
MOST_DAYS = 30.0


def plan(
    workspace: Workspace,
    release: str,
    environment: str,
    *,
    percent: float,
    policy: ShadowPolicy | None = None,
    days: float = USUAL_DAYS,
) -> Plan:
    """What shadowing `percent` of the requests in `environment` with `release` for `days` would do.

    Raises InputError where the release cannot be replayed, or the figures are out of range.
    """
    if not 0 < percent <= 100:
        raise InputError(f"--percent is {percent:g}: give more than 0 and at most 100.")
    if not 0 < days <= MOST_DAYS:
        raise InputError(f"a shadow lasts more than 0 and at most {MOST_DAYS:g} days, not {days:g}.")
    return _plan(
        workspace, workspace.store.at(), release, environment, percent, policy or ShadowPolicy(), days
    )


def _plan(
    workspace: Workspace,
    snapshot: Snapshot,
    release: str,
    environment: str,
    percent: float,
    policy: ShadowPolicy,
    days: float,
) -> Plan:
    conditions.policy_of(snapshot, environment)
    pointer = snapshot.environment(environment)
    stable = snapshot.release(conditions.require_stable(pointer))
    candidate = snapshot.release(release)
    if candidate.id == stable.id:
        raise InputError(f"{environment} serves {stable.id}: a shadow is another release.")
    for one in (candidate, stable):
        demand_replayable(workspace, snapshot, one)

    def shadowed(stamp: Stamp) -> Environment:
        shadow = Shadow(
            attempt=stamp.id,
            release=candidate.id,
            percent=percent,
            policy=policy,
            generation=pointer.generation + 1,
            since=stamp.at,
            until=stamp.at + timedelta(days=days),
            by=stamp.by,
        )
        return started(pointer, shadow, stamp.id)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        return {f"environments/{environment}.toml": write_toml(shadowed(stamp))}

    return Plan(
        verb="shadow",
        tip=snapshot.commit,
        title=f"Shadow {percent:g} % of {environment} with {candidate.id}",
        summary=f"{candidate.id} answers {percent:g} % of the requests in {environment} for the log only, "
        f"beside {stable.id}, for {days:g} days",
        environment=environment,
        release=candidate.id,
        before=stable.id,
        after=stable.id,
        changes=changes_between(snapshot, stable, candidate),
        checks=_checks(workspace, snapshot, pointer, candidate),
        effects=_effects(environment, percent, policy),
        write=write,
        goal=("shadow", candidate.id, percent),
        prepare=lambda report: ready(workspace, snapshot, candidate, report),
        remake=lambda fresh: _plan(workspace, fresh, release, environment, percent, policy, days),
        command=f"lockgate shadow start {release} --env {environment} --percent {percent:g} "
        f"--cap-usd-per-day {policy.cap_usd_per_day:g} --cap-rpm {policy.cap_rpm} --until {days:g}d",
    )


def _effects(environment: str, percent: float, policy: ShadowPolicy) -> tuple[str, ...]:
    return (
        f"applications keep {percent:g} % of what is asked and answered in {environment}, on this machine",
        f"at most {policy.cap_rpm} calls a minute and ${policy.cap_usd_per_day:g} a day, seen by no user",
        "`lockgate watch` answers them; `lockgate shadow status` tells the verdict",
    )


def _checks(
    workspace: Workspace, snapshot: Snapshot, pointer: Environment, candidate: Release
) -> tuple[Check, ...]:
    return (
        _free_check(pointer),
        _rejected_check(pointer, candidate),
        _graders_check(snapshot, candidate),
        *index_checks(workspace, snapshot, candidate),
    )


def _free_check(pointer: Environment) -> Check:
    shadow, rollout = pointer.shadow, pointer.rollout
    if shadow is not None:
        return Check(
            "shadow",
            "unmet",
            f"{shadow.release} is in the shadow of {pointer.name} until {shadow.until:%Y-%m-%d %H:%M} UTC: "
            f"`lockgate shadow stop --env {pointer.name}` first.",
        )
    if rollout is not None and rollout.active:
        return Check(
            "shadow",
            "warn",
            f"a rollout of {rollout.release} is {rollout.state}: the shadow rests while that serves somebody",
        )
    return Check("shadow", "ok", "no other shadow is on")


def _rejected_check(pointer: Environment, candidate: Release) -> Check:
    """A release that was rolled back may be looked at: nobody is served by it."""
    if any(one.release == candidate.id for one in pointer.rejected):
        return Check("rejected", "warn", f"{candidate.id} was rolled back in {pointer.name}")
    return Check("rejected", "ok", f"{candidate.id} was not rolled back in {pointer.name}")


def _graders_check(snapshot: Snapshot, candidate: Release) -> Check:
    suites = suites_of(snapshot, candidate)
    if any(suite.live and (suite.live.quality or suite.live.harmful) for suite in suites):
        return Check("graders", "ok", "its suites have graders for live answers")
    return Check(
        "graders",
        "warn",
        "its suites have no [live] graders: only passages and likeness are compared, and questions of cases",
    )
