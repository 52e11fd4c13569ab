"""The conditions that every move into an environment is held against, all of them at once."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime

from console.operations.plan import Check, Risk, Stamp
from store.errors import Blocked, InputError
from store.records.component import Component
from store.records.environment import Environment, Review
from store.records.operation import Override
from store.records.policy import EnvironmentPolicy
from store.records.release import Release
from store.records.window import Window
from store.rules.gate import GateRuling
from store.rules.rejection import rejected_by
from store.rules.windows import frozen
from store.snapshot import Snapshot


class BreakGlass(str):
    """A reason for going ahead in an emergency: it answers for approvals, freezes and the gate too, and
    somebody else has to review it afterwards."""

    __slots__ = ()


_REASON_LIMIT = 2_000
"""Characters."""
_REVIEWS = 100


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
        breakable=True,
    )


def freeze_check(
    environment: Environment, windows: Sequence[Window], now: datetime, overridable: bool = False
) -> Check:
    """Whether a freeze or a window of lockgate.toml keeps it from moving forward, and until when."""
    found = frozen(environment.freezes, windows, now)
    if found is not None:
        text = f"{environment.name} is {found}."
        return Check("freeze", "unmet", text, overridable=overridable, breakable=True)
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
        breakable=True,
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
    glass = isinstance(reason, BreakGlass)
    reason = str(reason)
    if not reason.strip():
        raise InputError(f"{'--break-glass' if glass else '--override'} wants a reason: it is recorded.")
    if len(reason) > _REASON_LIMIT:
        raise InputError(f"the override's reason has {len(reason):,} characters; at most {_REASON_LIMIT:,}.")
    result: list[Check] = []
    overrides: list[Override] = []
    for check in checks:
        if check.verdict in ("unmet", "undecided") and (check.overridable or (glass and check.breakable)):
            overrides.append(Override(condition=check.name, reason=reason))
            how = "glass broken" if glass else "overridden"
            check = dataclasses.replace(check, verdict="warn", text=f"{how} ({reason}): {check.text}")
        elif check.verdict in ("unmet", "undecided") and check.name == "gate":
            check = dataclasses.replace(
                check, text=f"{check.text} This environment's policy allows no override."
            )
        result.append(check)
    return tuple(result), tuple(overrides)


def answer_flags(reason: str | None) -> str:
    """What a command says of `reason`: `--override` or `--break-glass`, from a space on."""
    if reason is None:
        return ""
    flag = "--break-glass" if isinstance(reason, BreakGlass) else "--override"
    return f" {flag} {shlex.quote(str(reason))}"


def demand_glass(policy: EnvironmentPolicy, reason: str | None) -> None:
    """Raises Blocked where `reason` breaks the glass and the environment has none."""
    if isinstance(reason, BreakGlass) and not policy.break_glass:
        raise Blocked(f"{policy.name} accepts no --break-glass (lockgate.toml says so); nothing was changed.")


def flagged(
    pointer: Environment, overrides: tuple[Override, ...], reason: str | None, stamp: Stamp
) -> Environment:
    """`pointer` with what is to be reviewed, where the glass was broken for it."""
    if not overrides or not isinstance(reason, BreakGlass):
        return pointer
    review = Review(record=stamp.id, by=stamp.by, at=stamp.at, reason=str(reason))
    return pointer.model_copy(update={"reviews": (*pointer.reviews, review)[-_REVIEWS:]})


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
