"""A release on its way into an environment: what stage, promote and switch all look at first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console.operations import conditions
from console.operations.describe import changes_between
from console.operations.index.depot import send_release
from console.operations.plan import Check, GateWord, Risk, Stamp
from console.operations.ready import index_checks, ready
from store.progress import Report
from store.records.environment import Environment
from store.records.operation import Change, Override
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.rules.gate import GateRuling
from store.snapshot import Snapshot
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Place:
    """An environment as it is."""

    name: str
    policy: EnvironmentPolicy
    pointer: Environment
    stable: Release | None
    """What it serves."""
    retention: timedelta
    """How long what it stops serving stays ready."""


def place(snapshot: Snapshot, environment: str) -> Place:
    """`environment` in `snapshot`. Raises InputError when there is none of that name."""
    policy = conditions.policy_of(snapshot, environment)
    pointer = snapshot.environment(environment)
    stable = snapshot.release(pointer.stable) if pointer.stable else None
    return Place(environment, policy, pointer, stable, snapshot.policy.longest_retention)


@dataclass(frozen=True, slots=True)
class Forward:
    """The release, the place and every condition between them."""

    workspace: Workspace
    snapshot: Snapshot
    place: Place
    release: Release
    ruling: GateRuling
    checks: tuple[Check, ...]
    overrides: tuple[Override, ...]
    changes: tuple[Change, ...]
    risk: Risk
    reason: str | None = None
    """Of what it overrides."""

    @property
    def emergency(self) -> bool:
        """Whether the glass is broken."""
        return bool(self.overrides) and isinstance(self.reason, conditions.BreakGlass)

    def flagged(self, pointer: Environment, stamp: Stamp) -> Environment:
        """`pointer` with what somebody else has to review."""
        return conditions.flagged(pointer, self.overrides, self.reason, stamp)

    @property
    def gate(self) -> GateWord:
        """How it got past the gate."""
        return "override" if any(one.condition == "gate" for one in self.overrides) else self.ruling.outcome

    def fields(self) -> dict[str, Any]:
        """What the Plan of every forward move says alike."""
        return {
            "tip": self.snapshot.commit,
            "environment": self.place.name,
            "release": self.release.id,
            "before": self.place.pointer.stable,
            "after": self.release.id,
            "changes": self.changes,
            "checks": self.checks,
            "risk": self.risk,
            "confirm": conditions.confirmation(self.risk, self.place.name, self.release.id),
            "note_required": self.place.policy.note_required,
            "gate": self.gate,
            "overrides": self.overrides,
            "emergency": self.emergency,
            "prepare": self._prepare,
        }

    def _prepare(self, report: Report) -> None:
        ready(self.workspace, self.snapshot, self.release, report)
        send_release(self.workspace, self.snapshot, self.release, report=report)


def forward(
    workspace: Workspace,
    snapshot: Snapshot,
    to: Place,
    release: Release,
    ruling: GateRuling,
    *,
    override: str | None,
    gate: Check | None = None,
    extra: tuple[Check, ...] = (),
) -> Forward:
    """Every condition for `release` to be served in `to`, with what `override` answers for.

    `gate` words the ruling where the verb has words of its own; `extra` are the verb's own conditions.
    Where the environment serves the release already, that is the only condition told.
    """
    policy, pointer = to.policy, to.pointer
    conditions.demand_glass(policy, override)
    already = conditions.serves_already_check(pointer, release)
    checks = (
        (already,)
        if already
        else (
            gate or conditions.gate_check(ruling, policy),
            conditions.rejected_check(snapshot, release, policy.gate.allow_override),
            conditions.freeze_check(
                pointer, policy.windows, workspace.clock.now(), policy.gate.allow_override
            ),
            *extra,
            *index_checks(workspace, snapshot, release),
        )
    )
    settled, overrides = conditions.overridden(checks, override)
    return Forward(
        workspace=workspace,
        snapshot=snapshot,
        place=to,
        release=release,
        ruling=ruling,
        checks=settled,
        overrides=overrides,
        changes=changes_between(snapshot, to.stable, release),
        risk=conditions.forward_risk(policy, overrides),
        reason=override,
    )
