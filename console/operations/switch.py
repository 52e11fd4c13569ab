"""Switch: change one component of an environment now."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from datetime import timedelta

from console.operations import conditions
from console.operations.compose import composed, same_release
from console.operations.describe import changes_between, sentence
from console.operations.evidence import stale_verdicts
from console.operations.plan import Check, GateWord, Plan, Risk, Stamp
from console.operations.ready import index_checks, ready
from store.bounded import write_toml
from store.errors import InputError
from store.records.component import Pin
from store.records.environment import Environment
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.rules import gate, serving
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, pin: str, environment: str, *, override: str | None = None) -> Plan:
    """What serving `pin` (`kind/name@vN`) in `environment` would do, with every condition."""
    return _plan(workspace, workspace.store.at(), pin, environment, override)


def _plan(
    workspace: Workspace, snapshot: Snapshot, text: str, environment: str, override: str | None
) -> Plan:
    policy = conditions.policy_of(snapshot, environment)
    pointer = snapshot.environment(environment)
    current = snapshot.release(conditions.require_stable(pointer))
    pin = snapshot.pin(text)
    if current.version_of(pin.component) == pin.version:
        raise InputError(f"{environment} serves {pin} already.")
    draft = composed(workspace, snapshot, current, [pin])
    known = same_release(snapshot, draft)
    release = known or draft
    ruling = _gate(workspace, snapshot, policy, pointer, current, release, pin)
    checks = [
        ruling,
        conditions.freeze_check(pointer, workspace.clock.now(), policy.gate.allow_override),
        conditions.hold_check(pointer),
        *index_checks(workspace, snapshot, release),
    ]
    if known:
        checks.append(_rejected(snapshot, pointer, known, pin))
    settled, overrides = conditions.overridden(checks, override)
    served = _served_at(snapshot, pointer, pin) is not None
    changes = changes_between(snapshot, current, release)
    risk = conditions.forward_risk(policy, overrides)
    if served and risk is Risk.FORWARD:
        risk = Risk.ROLLBACK  # to what is known to be good: the plan and Enter are enough
    retention = timedelta(days=snapshot.policy.retention_days)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        moved = serving.serve(pointer, release.id, stamp.id, stamp.at, retention)
        files = {f"environments/{environment}.toml": write_toml(moved)}
        if known is None:
            files[f"releases/{release.id}.toml"] = write_toml(
                release.model_copy(update={"created_at": stamp.at, "created_by": stamp.by})
            )
        return files

    return Plan(
        verb="switch",
        tip=snapshot.commit,
        title=f"Switch {pin.component} in {environment}: "
        f"{current.version_of(pin.component) or 'none'} → {pin.version}",
        summary=sentence("Switched to", changes, environment),
        environment=environment,
        release=release.id,
        before=current.id,
        after=release.id,
        changes=changes,
        checks=settled,
        effects=(
            f"{current.id} becomes {release.id}; only {pin.component} differs",
            "applications see it within a second",
        ),
        risk=risk,
        confirm=conditions.confirmation(risk, environment, release.id),
        note_required=policy.note_required,
        write=write,
        gate=_outcome(settled, served, overrides != () and any(o.condition == "gate" for o in overrides)),
        overrides=overrides,
        prepare=lambda: ready(workspace, snapshot, release),
        remake=lambda fresh: _plan(workspace, fresh, text, environment, override),
        command=f"lockgate switch {pin} --env {environment}"
        + (f" --override {shlex.quote(override)}" if override else ""),
    )


def _rejected(snapshot: Snapshot, pointer: Environment, known: Release, pin: Pin) -> Check:
    """Going back to a version that served is a person's decision: a rejection is told, not enforced."""
    check = conditions.rejected_check(snapshot, known)
    if check.verdict == "unmet" and _served_at(snapshot, pointer, pin) is not None:
        return dataclasses.replace(check, verdict="warn")
    return check


def _outcome(checks: tuple[Check, ...], served: bool, overridden: bool) -> GateWord:
    if overridden:
        return "override"
    if served:
        return "served before"
    return "pass" if checks[0].text.startswith("passed") else "none"


def _served_at(snapshot: Snapshot, pointer: Environment, pin: Pin) -> object:
    releases = {
        served.release: found for served in pointer.served if (found := snapshot.find_release(served.release))
    }
    return serving.has_served(pointer, pin.component, pin.version, releases)


def _gate(
    workspace: Workspace,
    snapshot: Snapshot,
    policy: EnvironmentPolicy,
    pointer: Environment,
    current: Release,
    release: Release,
    pin: Pin,
) -> Check:
    """A version that served here is known; a new one needs evidence like any release."""
    releases = {
        served.release: found for served in pointer.served if (found := snapshot.find_release(served.release))
    }
    at = serving.has_served(pointer, pin.component, pin.version, releases)
    if at is not None:
        days = max(0, (workspace.clock.now() - at).days)
        when = "today" if days == 0 else f"{days} days ago"
        return Check("gate", "ok", f"{pin} served here until {when}; no evals needed")
    verdicts = snapshot.verdicts(release.id)
    ruling = gate.rule(policy, release, current, verdicts, stale_verdicts(snapshot, release, verdicts))
    if ruling.met:
        return Check("gate", "ok", ruling.text)
    return Check(
        "gate",
        "undecided" if ruling.outcome == "inconclusive" else "unmet",
        f"{pin} has never served in {policy.name} and has no passing verdict there: "
        f"`lockgate stage --set {pin} --base {policy.name}` evaluates it.",
        overridable=policy.gate.allow_override,
    )
