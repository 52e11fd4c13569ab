"""Promote: move a release into an environment."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations import conditions
from console.operations.approval.counting import entering
from console.operations.describe import sentence
from console.operations.evidence import stale_verdicts
from console.operations.forward import forward, place
from console.operations.plan import Check, Plan, Stamp
from console.operations.rollout.begin import by_steps, effect, entered, ladder, rollout_check
from console.operations.rollout.observing import findings_now
from console.operations.rollout.outlook import outlook_checks
from console.operations.rollout.shadow_steps import shadow_checks
from console.operations.rollout.taking_back import taking_back_check
from store.bounded import write_toml
from store.records.release import Release
from store.rules import gate
from store.rules.rollout_pointer import ending, mark, superseded
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(
    workspace: Workspace,
    release: str,
    environment: str,
    *,
    override: str | None = None,
    supersede: bool = False,
) -> Plan:
    """What promoting `release` to `environment` would do, with every condition.

    Where the environment has steps, it begins a rollout; `supersede` takes the place of one that is
    on its way.
    """
    return _plan(workspace, workspace.store.at(), release, environment, override, supersede)


def _plan(
    workspace: Workspace,
    snapshot: Snapshot,
    release_id: str,
    environment: str,
    override: str | None,
    supersede: bool,
) -> Plan:
    to = place(snapshot, environment)
    release = snapshot.release(release_id)
    verdicts = snapshot.verdicts(release.id)
    ruling = gate.rule(to.policy, release, to.stable, verdicts, stale_verdicts(snapshot, release, verdicts))
    steps = ladder(to)
    yes = entering(workspace, snapshot, to.policy, to.pointer, release)
    extra = (
        conditions.hold_check(to.pointer),
        rollout_check(to, release, supersede),
        *taking_back_check(workspace, to.pointer),
        *(outlook_checks(workspace, environment, steps) if steps else ()),
        *(shadow_checks(workspace, snapshot, steps, release, to.stable) if steps and to.stable else ()),
        *yes.checks,
        *_order_check(snapshot, environment, release),
    )
    ended = superseded(to.pointer, findings_now(workspace, snapshot, to.pointer)) if supersede else None
    move = forward(workspace, snapshot, to, release, ruling, override=override, extra=extra)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        pointer = entered(to, release, stamp, yes.given)
        return {f"environments/{environment}.toml": write_toml(move.flagged(pointer, stamp))}

    return Plan(
        verb="promote",
        title=f"Promote {release.id} to {environment}",
        summary=sentence("Promoting" if by_steps(to) else "Deployed", move.changes, environment)
        + (f"; {ending(ended)}" if ended else ""),
        effects=(effect(to, release),),
        write=write,
        mark=lambda stamp: mark(entered(to, release, stamp)) if by_steps(to) else None,
        ended=ended,
        approvals=lambda _: yes.given,
        evidence=(ruling.verdict.id,) if ruling.verdict else (),
        remake=lambda fresh: _plan(workspace, fresh, release_id, environment, override, supersede),
        command=_command(release.id, environment, override) + (" --supersede" if supersede else ""),
        **move.fields() | ({"after": to.pointer.stable} if by_steps(to) else {}),
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
    return f"lockgate promote {release} --to {environment}{conditions.answer_flags(override)}"
