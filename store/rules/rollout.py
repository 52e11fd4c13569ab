"""The rollout's state machine: what a controller does next, given the pointer and what was observed.

Pure. A transition says what the pointer will be; who applies it commits it with its record, and the
pointer it started from must still be there.

    pending ─► (awaiting approval) ─► progressing ─► … ─► succeeded ─► settled
                                      │      ▲
                                      ▼      │
                                      paused ┘        anywhere: rolled back, aborted, failed, errored
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from store.records.environment import Environment
from store.records.finding import Finding
from store.records.operation import OperationKind
from store.records.rollout import PauseCause, Rollout, RolloutState, Stage
from store.records.rollout_policy import Step
from store.records.window import Window
from store.rules.windows import frozen

IDLE_MINUTES = 10.0
"""Without a canary request for so long, a rollout waits for traffic."""
BUSY_MINUTES = 3
"""So many of the last ten want a request before it goes on: a trickle would stop it again and again."""
FLAGGED = (
    "an answer was flagged as harmful and waits for its confirmation: a second grader's, or "
    "`client.amend(request_id, confirmed=…)`; `lockgate rollout abort` takes the release back"
)
"""The reason of a rollout that stopped moving at a first flag."""
SETTLE_MINUTES = 10.0
"""A watch ends when its time has been over for so long."""
TROUBLE_MINUTES = 15.0
"""When evidence cannot be had for so long, users go back to stable: nobody is watching."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the live analysis says of the attempt, in the terms that decide."""

    outcome: Literal["pass", "block", "inconclusive"] = "inconclusive"
    reason: str = ""
    """One sentence: what blocks, or what is missing for a decision."""
    healthy_minutes: int = 0
    """Of the current step: minutes with traffic and without alarm."""
    scored: int = 0
    """Scored answers of the canary in the current step."""
    scored_per_minute: float | None = None
    """Of the canary, of late; None without any."""
    idle_minutes: float | None = None
    """Since the canary's last request or since the step began; None where that cannot be said."""
    busy_minutes: int | None = None
    """Of the last IDLE_MINUTES, those in which the canary got a request; None where that cannot be said."""
    flagged: bool = False
    """A harmful answer waits for its confirmation."""
    trouble_minutes: float = 0.0
    """For how long evidence could not be read at all."""
    over_minutes: float | None = None
    """For how long looks have found the watch's time to be over; None where nobody keeps that."""
    given_up: bool = False
    """It was decided already that nobody can watch: `reason` says why."""
    killed: str | None = None
    """What a kill file that a person wrote says; users are on stable for as long as it is there."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of the state machine."""

    kind: OperationKind
    rollout: Rollout
    """As it will be."""
    serves: bool = False
    """The release becomes stable."""
    takes_away: bool = False
    """Users go back to stable; the release is rejected and a hold is left."""


def step_to(rollout: Rollout, generation: int, at: datetime, slow_ms: float | None) -> Rollout:
    """`rollout` in its next step, which is served from `generation` on.

    `slow_ms` is the latency in milliseconds that will count as a rise over stable's p99.
    """
    step = rollout.policy.steps[rollout.step + 1]
    stage = Stage(
        step=rollout.step + 1,
        generation=generation,
        percent=0 if step.shadow else step.percent,
        since=at,
        slow_ms=slow_ms,
    )
    final = _is_final(step)
    return rollout.model_copy(
        update={
            "state": "succeeded" if final else "progressing",
            "pause": None,
            "reason": "serves everybody" if final else f"step {stage.step + 1}: {told(step)}",
            "step": stage.step,
            "percent": 0.0 if final else stage.percent,
            "shadow_percent": step.percent if step.shadow else 0.0,
            "stages": (*rollout.stages, stage),
            "since": at,
            "ended_generation": generation if final else None,
            "watch_until": at + timedelta(days=rollout.policy.watch_days) if final else None,
        }
    )


def ended(rollout: Rollout, state: RolloutState, reason: str, generation: int, at: datetime) -> Rollout:
    """`rollout` over, with nobody on the canary from `generation` on."""
    return rollout.model_copy(
        update={
            "state": state,
            "pause": None,
            "reason": reason,
            "percent": 0.0,
            "shadow_percent": 0.0,
            "since": at,
            "ended_generation": rollout.ended_generation or generation,
            "watch_until": None,
        }
    )


def paused(rollout: Rollout, cause: PauseCause, reason: str, at: datetime) -> Rollout:
    """`rollout` where it is, moving no further."""
    return rollout.model_copy(update={"state": "paused", "pause": cause, "reason": reason, "since": at})


def resumed(rollout: Rollout, reason: str, at: datetime) -> Rollout:
    """`rollout` moving again, in the step and with the salt that it had."""
    state: RolloutState = "progressing" if rollout.step >= 0 else "pending"
    return rollout.model_copy(update={"state": state, "pause": None, "reason": reason, "since": at})


def decide(
    environment: Environment,
    seen: Observed,
    now: datetime,
    slow_ms: float | None = None,
    windows: Sequence[Window] = (),
) -> Transition | None:
    """What a controller does now, or None where there is nothing to do.

    Applied again to its own result with the same `seen`, it never does the same thing twice.
    """
    rollout = environment.rollout
    if rollout is None:
        return None
    if rollout.state == "succeeded":
        return _watch(environment, rollout, seen, now)
    if not rollout.active:
        return None
    over = _taken_back(environment, rollout, seen, now)
    if over is not None:
        return over
    if rollout.pause in ("manual", "step"):
        return None
    if slow_ms is not None and _lacks_baseline(rollout):
        return Transition("baseline", _with_baseline(rollout, slow_ms))
    cause = _cause(environment, rollout, seen, now, windows)
    if cause is not None:
        return _pause(rollout, *cause, now)
    trickles = seen.busy_minutes is not None and seen.busy_minutes < BUSY_MINUTES
    if rollout.pause == "no traffic" and trickles:
        return _forward(environment, rollout, seen, now, slow_ms)  # where it has all that the step wants
    if rollout.pause in ("freeze", "no traffic") or rollout.reason == FLAGGED:
        return Transition("resume", resumed(rollout, f"was paused: {rollout.reason}", now))
    return _forward(environment, rollout, seen, now, slow_ms)


def _watch(environment: Environment, rollout: Rollout, seen: Observed, now: datetime) -> Transition | None:
    if rollout.watch_until is None:
        return None
    if seen.outcome == "block":
        return _rolled_back(environment, rollout, seen, now)
    # A clock that jumped, and is set right again, must not end a watch.
    if now < rollout.watch_until or (seen.over_minutes is not None and seen.over_minutes < SETTLE_MINUTES):
        return None
    done = rollout.model_copy(update={"watch_until": None, "reason": "the watch is over", "since": now})
    return Transition("settle", done)


def _taken_back(
    environment: Environment, rollout: Rollout, seen: Observed, now: datetime
) -> Transition | None:
    """Triggers act in every state in which users or shadow requests reach the canary."""
    if rollout.step < 0:
        return None
    if seen.outcome == "block":
        if rollout.percent:
            return _rolled_back(environment, rollout, seen, now)
        generation = environment.generation + 1
        return Transition("fail", ended(rollout, "failed", seen.reason, generation, now))
    if seen.given_up or seen.trouble_minutes >= TROUBLE_MINUTES:
        unread = f"no evidence could be read for {seen.trouble_minutes:.0f} minutes: {seen.reason}"
        reason = seen.reason if seen.given_up else unread
        return Transition("error", ended(rollout, "errored", reason, environment.generation + 1, now))
    return None


def _rolled_back(environment: Environment, rollout: Rollout, seen: Observed, now: datetime) -> Transition:
    over = ended(rollout, "rolled back", seen.reason, environment.generation + 1, now)
    return Transition("rollback", over, takes_away=True)


def _lacks_baseline(rollout: Rollout) -> bool:
    """Whether the current step began before anybody knew how slow stable is."""
    wanted = rollout.policy.triggers.p99_rise is not None
    return wanted and bool(rollout.stages) and rollout.stages[-1].slow_ms is None


def _with_baseline(rollout: Rollout, slow_ms: float) -> Rollout:
    stage = rollout.stages[-1].model_copy(update={"slow_ms": slow_ms})
    return rollout.model_copy(update={"stages": (*rollout.stages[:-1], stage)})


def _pause(rollout: Rollout, cause: PauseCause, reason: str, now: datetime) -> Transition | None:
    if rollout.state in ("pending", "awaiting approval") or rollout.pause == cause:
        return None
    return Transition("pause", paused(rollout, cause, reason, now))


def _cause(
    environment: Environment,
    rollout: Rollout,
    seen: Observed,
    now: datetime,
    windows: Sequence[Window],
) -> tuple[PauseCause, str] | None:
    closed = frozen(environment.freezes, windows, now)
    if closed is not None:
        return "freeze", str(closed)
    if environment.holds:
        return "manual", f"a hold is on ({environment.holds[0].reason})"
    if seen.killed is not None:
        return "manual", f"a kill file that a person wrote keeps users on stable ({seen.killed})"
    if rollout.step < 0:
        return None
    if seen.flagged:
        return "inconclusive", FLAGGED
    # What does not decide will not decide without traffic either: that would only be one more record.
    waits = rollout.pause == "inconclusive"
    if not waits and seen.idle_minutes is not None and seen.idle_minutes >= IDLE_MINUTES:
        return "no traffic", f"the canary got no request for {seen.idle_minutes:.0f} minutes"
    return None


def _forward(
    environment: Environment, rollout: Rollout, seen: Observed, now: datetime, slow_ms: float | None
) -> Transition | None:
    step = rollout.current
    if step is not None:
        waiting = _not_ready(step, seen)
        if waiting is not None:
            return _still(rollout, step, seen, waiting, now)
        if step.pause:
            return Transition("pause", paused(rollout, "step", "waits for `lockgate rollout advance`", now))
    following = rollout.following
    if following is None:
        return None
    if not approved(rollout):
        if rollout.state == "awaiting approval":
            return None
        reason = f"step {rollout.step + 2} ({told(following)}) wants an approval"
        asks = rollout.model_copy(
            update={"state": "awaiting approval", "pause": None, "reason": reason, "since": now}
        )
        return Transition("pause", asks)
    moved = step_to(rollout, environment.generation + 1, now, slow_ms)
    return Transition("advance", moved, serves=moved.state == "succeeded")


def _still(rollout: Rollout, step: Step, seen: Observed, waiting: str, now: datetime) -> Transition | None:
    """A step whose time is up and whose evidence does not decide is inconclusive: it holds, and says so."""
    if seen.healthy_minutes < step.hold_minutes or rollout.state != "progressing":
        return None
    return Transition("pause", paused(rollout, "inconclusive", waiting, now))


def _not_ready(step: Step, seen: Observed) -> str | None:
    """What the step still waits for, as a sentence; None when it has all of it."""
    if seen.healthy_minutes < step.hold_minutes:
        return f"{step.hold_minutes - seen.healthy_minutes} more healthy minutes with traffic"
    if seen.scored < step.min_scored:
        missing = step.min_scored - seen.scored
        return f"{missing:,} more scored answers{_at_pace(missing, seen.scored_per_minute)}"
    if seen.outcome != "pass":
        return seen.reason or "the evidence does not decide yet"
    return None


def _at_pace(missing: int, per_minute: float | None) -> str:
    if not per_minute:
        return ""
    minutes = math.ceil(missing / per_minute)
    return (
        f", at today's traffic {minutes} min"
        if minutes < 120
        else f", at today's traffic {minutes / 60:.0f} h"
    )


def waits_for(rollout: Rollout, seen: Observed) -> str | None:
    """What the current step still waits for; None when it has all of it or has not begun."""
    return _not_ready(rollout.current, seen) if rollout.current is not None else None


def approved(rollout: Rollout, step: int | None = None) -> bool:
    """Whether the step at position `step`, the next one for None, has its approval or wants none."""
    wanted = rollout.step + 1 if step is None else step
    if wanted < len(rollout.policy.steps) and not rollout.policy.steps[wanted].approval:
        return True
    author = rollout.author.email.casefold() if rollout.author else None
    people = {one.by.email.casefold() for one in rollout.approvals if one.step == wanted} - {author}
    return len(people) >= rollout.approvals_wanted


def told(step: Step) -> str:
    """A step in words: "25 % of users", "shadow 10 % of requests"."""
    return f"shadow {step.percent:g} % of requests" if step.shadow else f"{step.percent:g} % of users"


def _is_final(step: Step) -> bool:
    return step.percent == 100 and not step.shadow
