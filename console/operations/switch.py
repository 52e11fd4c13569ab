"""Switch: change one component of an environment now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from console.operations import conditions
from console.operations.approval.counting import entering
from console.operations.compose import composed, same_release, served_releases
from console.operations.describe import noticed, sentence
from console.operations.evidence import stale_verdicts
from console.operations.forward import Forward, Place, forward, place
from console.operations.plan import Check, Plan, Risk, Stamp
from console.operations.rollout.begin import no_rollout_check
from store.bounded import write_toml
from store.errors import InputError
from store.records.component import Pin
from store.records.release import Release
from store.rules import gate, serving
from store.rules.gate import GateRuling
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, pin: str, environment: str, *, override: str | None = None) -> Plan:
    """What serving `pin` (`kind/name@vN`) in `environment` would do, with every condition."""
    return _plan(workspace, workspace.store.at(), pin, environment, override)


def _plan(
    workspace: Workspace, snapshot: Snapshot, text: str, environment: str, override: str | None
) -> Plan:
    to = place(snapshot, environment)
    current = snapshot.release(conditions.require_stable(to.pointer))
    pin = snapshot.pin(text)
    if current.version_of(pin.component) == pin.version:
        raise InputError(f"{environment} serves {pin} already.")
    draft = composed(workspace, snapshot, current, [pin])
    known = same_release(snapshot, draft)
    release = known or draft
    served = serving.has_served(to.pointer, pin.component, pin.version, served_releases(snapshot, to.pointer))
    move, ruling = _moved(workspace, snapshot, to, release, pin, served, override)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        moved = serving.serve(to.pointer, release.id, stamp.id, stamp.at, to.retention)
        lifted = move.flagged(serving.lifted(moved, pin.component), stamp)
        files = {f"environments/{environment}.toml": write_toml(lifted)}
        if known is None:
            files[f"releases/{release.id}.toml"] = write_toml(
                release.model_copy(update={"created_at": stamp.at, "created_by": stamp.by})
            )
        return files

    fields = move.fields()
    if served is not None:
        fields["gate"] = "served before"
        if move.risk is Risk.FORWARD:  # to what is known to be good: the plan and Enter are enough
            fields |= {"risk": Risk.ROLLBACK, "confirm": None}
    return Plan(
        verb="switch",
        title=f"Switch {pin.component} in {environment}: "
        f"{current.version_of(pin.component) or 'none'} → {pin.version}",
        summary=sentence("Switched to", move.changes, environment),
        effects=(
            f"{current.id} becomes {release.id}; only {pin.component} differs",
            *noticed(snapshot, move.changes),
            "applications see it within a second",
        ),
        write=write,
        evidence=(ruling.verdict.id,) if ruling and ruling.verdict else (),
        remake=lambda fresh: _plan(workspace, fresh, text, environment, override),
        command=f"lockgate switch {pin} --env {environment}" + conditions.answer_flags(override),
        **fields,
    )


def _moved(
    workspace: Workspace,
    snapshot: Snapshot,
    to: Place,
    release: Release,
    pin: Pin,
    served: datetime | None,
    override: str | None,
) -> tuple[Forward, GateRuling | None]:
    """Every condition; a version that served here is known, a new one needs evidence like any release."""
    extra: tuple[Check, ...] = (conditions.hold_check(to.pointer, pin.component), no_rollout_check(to))
    if served is not None:
        known = GateRuling("none", _served_text(pin, served, workspace.clock.now()), True)
        return forward(workspace, snapshot, to, release, known, override=override, extra=extra), None
    verdicts = snapshot.verdicts(release.id)
    ruling = gate.rule(to.policy, release, to.stable, verdicts, stale_verdicts(snapshot, release, verdicts))
    extra = (*extra, *entering(workspace, snapshot, to.policy, to.pointer, release).checks)
    check = _never_served(conditions.gate_check(ruling, to.policy), pin, to.name)
    move = forward(workspace, snapshot, to, release, ruling, override=override, gate=check, extra=extra)
    return move, ruling


def _served_text(pin: Pin, at: datetime, now: datetime) -> str:
    days = max(0, (now - at).days)
    when = "today" if days == 0 else "1 day ago" if days == 1 else f"{days} days ago"
    return f"{pin} served here until {when}; no evals needed"


def _never_served(check: Check, pin: Pin, environment: str) -> Check:
    if check.verdict == "ok":
        return check
    way_out = f"`lockgate stage --set {pin} --base {environment}` evaluates it."
    text = f"{pin} has never served well in {environment} and has no passing verdict there: {way_out}"
    return replace(check, text=text)
