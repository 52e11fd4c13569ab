"""Promote: move a release into an environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import timedelta

from console.operations import conditions
from console.operations.describe import changes_between, sentence
from console.operations.evidence import stale_verdicts
from console.operations.plan import Check, Plan, Stamp
from console.operations.ready import index_checks, ready
from store.bounded import write_toml
from store.records.release import Release
from store.rules import gate, serving
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, release: str, environment: str, *, override: str | None = None) -> Plan:
    """What promoting `release` to `environment` would do, with every condition."""
    return _plan(workspace, workspace.store.at(), release, environment, override)


def _plan(
    workspace: Workspace, snapshot: Snapshot, release_id: str, environment: str, override: str | None
) -> Plan:
    policy = conditions.policy_of(snapshot, environment)
    pointer = snapshot.environment(environment)
    release = snapshot.release(release_id)
    stable = snapshot.release(pointer.stable) if pointer.stable else None
    verdicts = snapshot.verdicts(release.id)
    ruling = gate.rule(policy, release, stable, verdicts, stale_verdicts(snapshot, release, verdicts))
    checks: list[Check] = [
        conditions.gate_check(ruling, policy),
        conditions.rejected_check(snapshot, release, policy.gate.allow_override),
        conditions.freeze_check(pointer, workspace.clock.now(), policy.gate.allow_override),
        conditions.hold_check(pointer),
        *_order_check(snapshot, environment, release),
        *index_checks(workspace, snapshot, release),
    ]
    already = conditions.serves_already_check(pointer, release)
    if already:
        checks = [already]
    settled, overrides = conditions.overridden(checks, override)
    changes = changes_between(snapshot, stable, release)
    risk = conditions.forward_risk(policy, overrides)
    retention = timedelta(days=snapshot.policy.retention_days)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        moved = serving.serve(pointer, release.id, stamp.id, stamp.at, retention)
        return {f"environments/{environment}.toml": write_toml(moved)}

    return Plan(
        verb="promote",
        tip=snapshot.commit,
        title=f"Promote {release.id} to {environment}",
        summary=sentence("Deployed", changes, environment),
        environment=environment,
        release=release.id,
        before=pointer.stable,
        after=release.id,
        changes=changes,
        checks=settled,
        effects=(
            f"{environment} serves {release.id} instead of {pointer.stable or 'nothing'}; "
            "applications see it within a second",
        ),
        risk=risk,
        confirm=conditions.confirmation(risk, environment, release.id),
        note_required=policy.note_required,
        write=write,
        evidence=(ruling.verdict.id,) if ruling.verdict else (),
        gate="override" if any(one.condition == "gate" for one in overrides) else ruling.outcome,
        overrides=overrides,
        prepare=lambda: ready(workspace, snapshot, release),
        remake=lambda fresh: _plan(workspace, fresh, release_id, environment, override),
        command=_command(release.id, environment, override),
    )


def _order_check(snapshot: Snapshot, environment: str, release: Release) -> tuple[Check, ...]:
    """A release should have been in the environment before; skipping one is said, not refused."""
    names = snapshot.policy.names
    place = names.index(environment)
    if place == 0:
        return ()
    before = snapshot.environment(names[place - 1])
    if any(served.release == release.id for served in before.served):
        return (Check("order", "ok", f"{release.id} has served in {before.name}"),)
    return (Check("order", "warn", f"{release.id} has never served in {before.name}"),)


def _command(release: str, environment: str, override: str | None) -> str:
    extra = f" --override {shlex.quote(override)}" if override else ""
    return f"lockgate promote {release} --to {environment}{extra}"
