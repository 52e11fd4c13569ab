"""The conditions that every move into an environment is held against, all of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime

from console.operations.plan import Check, Risk
from store.errors import Blocked, InputError
from store.records.environment import Environment
from store.records.operation import Override
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.rules.gate import GateRuling
from store.snapshot import Snapshot


def policy_of(snapshot: Snapshot, environment: str) -> EnvironmentPolicy:
    """The policy of `environment`. Raises InputError when lockgate.toml has no such environment."""
    found = snapshot.policy.environment(environment)
    if found is None:
        snapshot.environment(environment)  # raises the sentence that names the environments there are
        raise InputError(f"there is no environment {environment!r}.")
    return found


def rejected_check(snapshot: Snapshot, release: Release, overridable: bool = False) -> Check:
    """Whether `release` was rolled back somewhere and not cleared since."""
    for environment in snapshot.environments():
        for one in environment.rejected:
            if one.release == release.id:
                why = one.reason or "no reason given"
                return Check(
                    "rejected",
                    "unmet",
                    f"{release.id} was rolled back in {environment.name} ({why}); "
                    f"`lockgate clear {release.id} -m WHY` lets it be promoted again.",
                    overridable=overridable,
                )
    return Check("rejected", "ok", f"{release.id} was never rolled back")


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


def hold_check(environment: Environment) -> Check:
    """A hold keeps automation off, not people: they are told, and moving lifts it."""
    if not environment.holds:
        return Check("hold", "ok", "no hold")
    one = environment.holds[0]
    return Check(
        "hold", "warn", f"a hold is on since {one.at:%Y-%m-%d %H:%M} UTC ({one.reason}); this lifts it"
    )


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
