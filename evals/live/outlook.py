"""Before a rollout: how long each of its steps needs, at the traffic seen, to notice what it is there for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evals.live.attempt import COMPARED_UP_TO, P99
from evals.live.metrics import enough_requests
from evals.live.power import answers_to_reject
from evals.live.rates import FIRST_BET
from evals.live.verdict import BLOCK_ALPHA, PASS_ALPHA, points, span
from store.errors import InputError
from store.records.rollout_policy import RolloutPolicy, Step, Triggers

USUAL_SD = 0.238
"""Standard deviation of judged answers, where none of one's own is known."""


@dataclass(frozen=True, slots=True)
class StepOutlook:
    """What one step can tell."""

    number: int
    """From 1, as in the policy."""
    percent: float
    hold_minutes: int
    canary_per_minute: float
    """Requests."""
    scored_per_minute: float
    """Of them, those whose answers get a score."""
    detect_minutes: float | None
    """Until a drop of the policy's size is certain, on average; None where it never is."""
    pass_minutes: float | None
    """Until a release without any drop may go on, on average: scores, and requests for the
    rates. None where it never may."""
    warnings: tuple[str, ...] = ()
    """Sentences: what the step cannot do, and what would let it."""


def outlook(
    policy: RolloutPolicy, requests_per_minute: float, scored_share: float, score_sd: float = USUAL_SD
) -> tuple[StepOutlook, ...]:
    """One for each step of `policy` that serves users.

    `requests_per_minute` is the environment's, of all users; `scored_share` (0 to 1) the part of the
    answers of canary and control that get a score; `score_sd` the standard deviation of a score. Each
    step is taken alone, as if it were the first. Raises InputError for anything that is no such number.
    """
    if not (math.isfinite(requests_per_minute) and requests_per_minute >= 0):
        raise InputError(f"{requests_per_minute!r} requests a minute is no traffic; give a number from 0 up.")
    if not 0 <= scored_share <= 1:
        raise InputError(f"the scored share is {scored_share!r}; give a number from 0 to 1.")
    if not 0 < score_sd <= 0.5:
        raise InputError(f"the spread of scores is {score_sd!r}; scores from 0 to 1 have one up to 0.5.")
    return tuple(
        _step(number, step, policy.triggers, requests_per_minute, scored_share, score_sd**2)
        for number, step in enumerate(policy.steps, 1)
        if not step.shadow
    )


def _step(
    number: int, step: Step, triggers: Triggers, per_minute: float, scored_share: float, variance: float
) -> StepOutlook:
    canary = per_minute * step.percent / 100
    scored = canary * scored_share
    drop = triggers.quality_drop
    detect = passes = None
    if drop is not None and step.percent <= COMPARED_UP_TO:
        detect = _minutes(answers_to_reject(drop, variance, BLOCK_ALPHA, 1.0, FIRST_BET), scored)
        passes = _minutes(answers_to_reject(drop, variance, PASS_ALPHA, 1.0, 1.0), scored)
    requests = _minutes(_requests(triggers), canary)
    both = max(passes or 0.0, requests)
    warnings = _warnings(number, step, triggers, detect, both, canary)
    return StepOutlook(
        number=number,
        percent=step.percent,
        hold_minutes=step.hold_minutes,
        canary_per_minute=canary,
        scored_per_minute=scored,
        detect_minutes=_known(detect),
        pass_minutes=_known(both),
        warnings=warnings,
    )


def _requests(triggers: Triggers) -> int:
    limits = [triggers.error_rate]
    limits += [P99] if triggers.sla_ms is not None or triggers.p99_rise is not None else []
    return max((enough_requests(limit) for limit in limits if limit is not None), default=0)


def _known(minutes: float | None) -> float | None:
    return minutes if minutes is not None and math.isfinite(minutes) else None


def _minutes(samples: float, pace: float) -> float:
    if samples == 0:
        return 0.0
    return samples / pace if pace > 0 else math.inf


def _warnings(
    number: int, step: Step, triggers: Triggers, detect: float | None, passes: float, canary: float
) -> tuple[str, ...]:
    name = f"Step {number} ({step.percent:g} %)"
    if canary <= 0:
        return (f"{name} sees no traffic: nothing can be told.",)
    if step.percent > COMPARED_UP_TO:
        return ()
    drop = triggers.quality_drop
    found = []
    if drop is not None and detect is not None:
        if not math.isfinite(detect):
            found.append(f"{name} scores no answers: it cannot notice a drop of quality.")
        elif detect > step.hold_minutes:
            found.append(
                f"{name} holds {_held(step)}, and a drop of {points(drop)} takes about {span(detect)} "
                f"to notice: hold it for {span(detect)}, give it a larger share, or score more answers."
            )
    if math.isfinite(passes) and passes > max(step.hold_minutes, 1) * 2:
        found.append(f"{name} will wait about {span(passes)} before it can tell that all is well.")
    return tuple(found)


def _held(step: Step) -> str:
    return f"for {span(step.hold_minutes)}" if step.hold_minutes else "for no time"
