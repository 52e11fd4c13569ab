"""Which release answers for the log only, and what a live document says of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.records.environment import Environment
from store.records.rollout import Rollout
from store.records.shadow import Shadow, ShadowPolicy


@dataclass(frozen=True, slots=True)
class Running:
    """A shadow that is on, whoever began it."""

    attempt: str
    release: str
    stable: str
    """What it is compared with."""
    percent: float
    policy: ShadowPolicy
    generation: int
    """The first generation of the live document that carried this stretch of it."""
    since: datetime
    """When that began."""
    until: datetime | None = None
    """None for a step of a rollout."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a live document says besides stable."""

    release: str | None = None
    """The canary arm's; None where there is none."""
    percent: float = 0.0
    salt: str = ""
    shadow_percent: float = 0.0
    captured_percent: float = 0.0
    rollout: Rollout | None = None
    """The rollout that the arm belongs to; None for a shadow of its own."""


def running(environment: Environment) -> Running | None:
    """The shadow that is on in `environment`: a rollout's shadow step, or one of its own.

    One of its own rests while a rollout serves or shadows somebody, and while its release is the stable one.
    """
    rollout, stable = environment.rollout, environment.stable
    if rollout is not None and rollout.active and rollout.shadow_percent:
        return Running(
            attempt=rollout.attempt,
            release=rollout.release,
            stable=rollout.stable,
            percent=rollout.shadow_percent,
            policy=rollout.policy.shadow,
            generation=rollout.stages[-1].generation,
            since=rollout.stages[-1].since,
        )
    shadow = environment.shadow
    if shadow is None or stable is None or rests(environment) is not None:
        return None
    return Running(
        attempt=shadow.attempt,
        release=shadow.release,
        stable=stable,
        percent=shadow.percent,
        policy=shadow.policy,
        generation=shadow.generation,
        since=shadow.since,
        until=shadow.until,
    )


def rests(environment: Environment) -> str | None:
    """Why the environment's own shadow does nothing now; None where it works or there is none."""
    shadow, rollout = environment.shadow, environment.rollout
    if shadow is None:
        return None
    if rollout is not None and (rollout.percent or rollout.shadow_percent):
        return f"a rollout of {rollout.release} is on its way"
    if shadow.release == environment.stable:
        return f"{shadow.release} serves everybody by now"
    return None


def carried(environment: Environment) -> Carried:
    """What the live document of `environment` says besides stable."""
    rollout = environment.rollout
    if rollout is not None and (rollout.percent or rollout.shadow_percent):
        return Carried(
            release=rollout.release,
            percent=rollout.percent,
            salt=rollout.salt,
            shadow_percent=rollout.shadow_percent,
            captured_percent=rollout.policy.graded_percent if rollout.percent else 0.0,
            rollout=rollout,
        )
    watched = rollout is not None and rollout.watch_until is not None
    graded = rollout.policy.graded_percent if rollout is not None and watched else 0.0
    on = running(environment)
    if on is None:
        return Carried(captured_percent=graded)
    return Carried(on.release, 0.0, on.attempt, on.percent, graded)


def started(environment: Environment, shadow: Shadow, record: str) -> Environment:
    """`environment` with `shadow` on."""
    return _moved(environment, shadow, record)


def stopped(environment: Environment, record: str) -> Environment:
    """`environment` without a shadow of its own."""
    return _moved(environment, None, record)


def _moved(environment: Environment, shadow: Shadow | None, record: str) -> Environment:
    return environment.model_copy(
        update={"shadow": shadow, "generation": environment.generation + 1, "record": record}
    )
