"""What a transition of a rollout does to the pointer of its environment."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.records.base import Person
from store.records.environment import Environment
from store.records.finding import Finding
from store.records.operation import RolloutMark
from store.records.rollout import Rollout, RolloutState
from store.records.rollout_policy import RolloutPolicy
from store.rules import serving
from store.rules.rollout import Transition, ended


def begun(
    environment: Environment, release: str, policy: RolloutPolicy, record: str, at: datetime, by: Person
) -> Environment:
    """`environment` with a rollout of `release` that has not served anybody yet.

    A retry of what did not get through keeps its salt, so that users meet the arm they met before.
    """
    last = environment.rollout
    again = last is not None and last.release == release and last.state != "succeeded"
    rollout = Rollout(
        attempt=record,
        release=release,
        stable=str(environment.stable),
        policy=policy,
        salt=last.salt if last is not None and again else record,
        reason="waits for a controller (`lockgate watch`) or for `lockgate rollout advance`",
        by=by,
        started_at=at,
        since=at,
    )
    return _moved(serving.lifted(environment), rollout, record)


def applied(
    environment: Environment,
    transition: Transition,
    *,
    record: str,
    at: datetime,
    by: Person,
    retention: timedelta,
    reason: str = "",
    held: tuple[str, ...] = (),
    taken_away: tuple[tuple[str, ...], ...] = (),
) -> Environment:
    """`environment` after `transition`, which was decided on it.

    For a rollback: `reason` in a person's words, `held` the components that automation keeps off (empty
    for all), `taken_away` the pins of each rejection that it leaves (see store.rules.rejection).
    """
    rollout = transition.rollout
    if transition.serves:
        served = serving.serve(environment, rollout.release, record, at, retention)
        return served.model_copy(update={"rollout": rollout})
    if not transition.takes_away:
        return _moved(environment, rollout, record)
    moved = _moved(environment, rollout, record)
    if environment.stable == rollout.release:
        served = serving.serve(environment, rollout.stable, record, at, retention)
        moved = served.model_copy(update={"rollout": rollout})
    said = reason or rollout.reason
    moved = serving.hold(moved, held, said, by, at, record)
    for pins in taken_away:
        moved = serving.reject(moved, rollout.release, pins, said, by, at, record)
    return moved


def without_rollout(environment: Environment, reason: str, at: datetime) -> Environment:
    """`environment` whose rollout or watch is over because a person goes back to something else.

    The generation stays: whoever moves adds it.
    """
    rollout = environment.rollout
    if rollout is None or not (rollout.active or rollout.watch_until):
        return environment
    state: RolloutState = "aborted" if rollout.active else "rolled back"
    over = ended(rollout, state, reason, environment.generation + 1, at)
    return environment.model_copy(update={"rollout": over})


def mark(
    environment: Environment, findings: tuple[Finding, ...] = (), seconds_to_detect: float | None = None
) -> RolloutMark | None:
    """Where the rollout of `environment` stands, for the record; None where there is none."""
    rollout = environment.rollout
    if rollout is None:
        return None
    return RolloutMark(
        attempt=rollout.attempt,
        release=rollout.release,
        state=rollout.state,
        step=rollout.step,
        percent=rollout.percent,
        generation=environment.generation,
        findings=findings,
        seconds_to_detect=seconds_to_detect,
    )


def displaced(environment: Environment, reason: str, at: datetime) -> Environment:
    """`environment` whose rollout or watch is over because another release serves everybody at once.

    The generation stays: whoever moves adds it.
    """
    rollout = environment.rollout
    if rollout is None or not (rollout.active or rollout.watch_until):
        return environment
    state: RolloutState = "superseded" if rollout.active else rollout.state
    over = ended(rollout, state, reason, environment.generation + 1, at)
    return environment.model_copy(update={"rollout": over})


def superseded(environment: Environment, findings: tuple[Finding, ...] = ()) -> RolloutMark | None:
    """How the rollout of `environment` ends when another takes its place; None where none is on its way."""
    rollout = environment.rollout
    if rollout is None or not rollout.active:
        return None
    return RolloutMark(
        attempt=rollout.attempt,
        release=rollout.release,
        state="superseded",
        step=rollout.step,
        percent=rollout.percent,
        generation=environment.generation + 1,
        findings=findings,
    )


def ending(mark: RolloutMark) -> str:
    """How an attempt ended, in words: "r2 is superseded at 25 %"."""
    return f"{mark.release} is {mark.state} at {mark.percent:g} %"


def _moved(environment: Environment, rollout: Rollout, record: str) -> Environment:
    return environment.model_copy(
        update={"rollout": rollout, "generation": environment.generation + 1, "record": record}
    )
