"""The conditions that every move into an environment is held against, all of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime

from console.operations.plan import Check, Risk
from store.errors import Blocked, InputError
from store.records.component import Component
from store.records.environment import Environment
from store.records.operation import Override
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.rules.gate import GateRuling
from store.rules.rejection import rejected_by
from store.snapshot import Snapshot

_REASON_LIMIT = 2_000
"""Characters."""


def policy_of(snapshot: Snapshot, environment: str) -> EnvironmentPolicy:
    """The policy of `environment`. Raises InputError when lockgate.toml has no such environment."""
    found = snapshot.policy.environment(environment)
    if found is None:
        snapshot.environment(environment)  # raises the sentence that names the environments there are
        raise InputError(f"there is no environment {environment!r}.")
    return found


def rejected_check(snapshot: Snapshot, release: Release, overridable: bool = False) -> Check:
    """Whether `release`, or what it holds, was rolled back somewhere and not cleared since."""
    found = rejected_by(snapshot.environments(), release)
    if found is None:
        return Check("rejected", "ok", f"nothing in {release.id} was rolled back")
    environment, one = found
    if one.release == release.id:
        what = f"{release.id} was rolled back in {environment}"
    else:
        what = (
            f"{release.id} holds {' with '.join(one.pins)}, rolled back in {environment} with {one.release}"
        )
    return Check(
        "rejected",
        "unmet",
        f"{what} ({one.reason or 'no reason given'}); "
        f"`lockgate clear {one.release} -m WHY` lets it be promoted again.",
        overridable=overridable,
    )


def freeze_check(environment: Environment, now: datetime, overridable: bool = False) -> Check:
    """Whether a freeze is on."""
    for freeze in environment.freezes:
        if freeze.since <= now < freeze.until:
            return Check(
                "freeze",
                "unmet",
                f"{environment.name} is frozen until {freeze.until:%Y-%m-%d %H:%M} UTC ({freeze.reason}).",
                overridable=overridable,
            )
    return Check("freeze", "ok", "no freeze is on")


def hold_check(environment: Environment, component: Component | None = None) -> Check:
    """A hold keeps automation off, not people: they are told, and moving forward lifts it.

    `component` is the only one that moves, so only its own hold is lifted.
    """
    if not environment.holds:
        return Check("hold", "ok", "no hold")
    told: list[str] = []
    for one in environment.holds:
        what = "everything" if one.component == "*" else one.component
        lifts = component is None or one.component == str(component)
        told.append(
            f"a hold on {what} is on since {one.at:%Y-%m-%d %H:%M} UTC ({one.reason}); "
            + ("this lifts it" if lifts else "this leaves it")
        )
    return Check("hold", "warn", "; ".join(told))


def gate_check(ruling: GateRuling, policy: EnvironmentPolicy) -> Check:
    """The gate's ruling as a condition."""
    if ruling.met:
        return Check("gate", "ok", ruling.text)
    undecided = ruling.outcome == "inconclusive"
    return Check(
        "gate",
        "undecided" if undecided else "unmet",
        f"{ruling.text}.",
        overridable=policy.gate.allow_override,
    )


def serves_already_check(environment: Environment, release: Release) -> Check | None:
    """Unmet when `environment` serves `release` now."""
    if environment.stable != release.id:
        return None
    return Check("change", "unmet", f"{environment.name} serves {release.id} already.")


def overridden(checks: Iterable[Check], reason: str | None) -> tuple[tuple[Check, ...], tuple[Override, ...]]:
    """`checks` with what `reason` may override turned into warnings, and what was overridden."""
    if reason is None:
        return tuple(checks), ()
    if not reason.strip():
        raise InputError("--override wants a reason: it is recorded.")
    if len(reason) > _REASON_LIMIT:
        raise InputError(f"the override's reason has {len(reason):,} characters; at most {_REASON_LIMIT:,}.")
    result: list[Check] = []
    overrides: list[Override] = []
    for check in checks:
        if check.verdict in ("unmet", "undecided") and check.overridable:
            overrides.append(Override(condition=check.name, reason=reason))
            check = dataclasses.replace(check, verdict="warn", text=f"overridden ({reason}): {check.text}")
        elif check.verdict in ("unmet", "undecided") and check.name == "gate":
            check = dataclasses.replace(
                check, text=f"{check.text} This environment's policy allows no override."
            )
        result.append(check)
    return tuple(result), tuple(overrides)


def forward_risk(policy: EnvironmentPolicy, overrides: tuple[Override, ...]) -> Risk:
    """How dangerous a forward change is."""
    if overrides and policy.production:
        return Risk.DANGEROUS
    return Risk.FORWARD if policy.production else Risk.REVERSIBLE


def confirmation(risk: Risk, environment: str, release: str | None) -> str | None:
    """What a person types before a change of `risk` happens."""
    if risk is Risk.DANGEROUS:
        return f"{environment}/{release}"
    return environment if risk is Risk.FORWARD else None


def require_stable(environment: Environment) -> str:
    """The release that `environment` serves. Raises Blocked when it serves nothing."""
    if environment.stable is None:
        raise Blocked(
            f"{environment.name} serves nothing yet; "
            f"`lockgate promote rN --to {environment.name}` puts a release there."
        )
    return environment.stable
