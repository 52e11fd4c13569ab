"""Promote: move a release into an environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from console.operations import conditions
from console.operations.describe import sentence
from console.operations.evidence import stale_verdicts
from console.operations.forward import forward, place
from console.operations.plan import Check, Plan, Stamp
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
    to = place(snapshot, environment)
    release = snapshot.release(release_id)
    verdicts = snapshot.verdicts(release.id)
    ruling = gate.rule(to.policy, release, to.stable, verdicts, stale_verdicts(snapshot, release, verdicts))
    extra = (conditions.hold_check(to.pointer), *_order_check(snapshot, environment, release))
    move = forward(workspace, snapshot, to, release, ruling, override=override, extra=extra)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        moved = serving.serve(to.pointer, release.id, stamp.id, stamp.at, to.retention)
        return {f"environments/{environment}.toml": write_toml(serving.lifted(moved))}

    return Plan(
        verb="promote",
        title=f"Promote {release.id} to {environment}",
        summary=sentence("Deployed", move.changes, environment),
        effects=(
            f"{environment} serves {release.id} instead of {to.pointer.stable or 'nothing'}; "
            "applications see it within a second",
        ),
        write=write,
        evidence=(ruling.verdict.id,) if ruling.verdict else (),
        remake=lambda fresh: _plan(workspace, fresh, release_id, environment, override),
        command=_command(release.id, environment, override),
        **move.fields(),
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
