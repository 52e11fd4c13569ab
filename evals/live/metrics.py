"""From the tests of an attempt to a verdict for each metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from evals.live.attempt import P99, AttemptTests
from evals.live.evidence import HarmfulFlag
from evals.live.intervals import RATE, level, rate_interval
from evals.live.rates import FIRST_BET, Counted, RateWatch, ShareWatch
from evals.live.traffic import Traffic
from evals.live.verdict import BLOCK_ALPHA, PASS_ALPHA, MetricVerdict, Needs, percent
from store.records.rollout_policy import Triggers
from store.records.verdict import Outcome
from store.text import one_line

_NAMED = 3
"""Harmful answers that are named; of more it is told how many."""


def rate_verdicts(tests: AttemptTests, triggers: Triggers, traffic: Traffic) -> list[MetricVerdict]:
    """Errors, and p99 against what is promised and against stable; those that are asked for."""
    found = []
    if tests.errors is not None:
        found.append(_rate("error_rate", "failed", tests.errors, traffic))
    if tests.over_sla is not None:
        told = f"took longer than {triggers.sla_ms:,.0f} ms"
        found.append(_rate("p99_sla", told, tests.over_sla, traffic))
    if tests.slow is not None and tests.window is not None:
        limit = tests.window.stages[-1].slow_ms
        if limit is None and tests.slow.blocked_at is None:
            found.append(_unknown_p99(tests.slow))
        else:
            told = (
                "took longer than stable's p99 allowed"
                if limit is None
                else f"took longer than {limit:,.0f} ms"
            )
            found.append(_rate("p99_rise", told, tests.slow, traffic))
    return found


def enough_requests(threshold: float) -> int:
    """Requests from which on a rate under `threshold` lets a release on: as many as would hardly
    (chance .05) all be good if the rate were at it. 3,000 at 0.1 %."""
    return math.ceil(math.log(1 / PASS_ALPHA) / threshold)


def _rate(name: str, told: str, watch: RateWatch, traffic: Traffic) -> MetricVerdict:
    blocked = watch.blocked_at is not None
    counted, stable = watch.run if blocked else watch.settled
    weight = watch.run_weight if blocked else FIRST_BET
    low, high = rate_interval(counted.hits, counted.trials, BLOCK_ALPHA, weight)
    outcome, reason, needs = _judged(told, watch, counted, stable, traffic)
    difference = None if counted.rate is None or stable.rate is None else counted.rate - stable.rate
    return MetricVerdict(
        name=name,
        outcome=outcome,
        reason=reason,
        canary=counted.rate,
        control=stable.rate,
        difference=difference,
        low=low,
        high=high,
        interval=RATE.format(level(BLOCK_ALPHA)),
        threshold=watch.threshold,
        canary_samples=counted.trials,
        control_samples=stable.trials,
        e_value=watch.canary.peak,
        since=watch.run_since * 60.0 if blocked and watch.run_since is not None else None,
        blocked_at=None if watch.blocked_at is None else watch.blocked_at * 60.0,
        needs=needs,
    )


def _judged(
    told: str, watch: RateWatch, counted: Counted, stable: Counted, traffic: Traffic
) -> tuple[Outcome, str, Needs | None]:
    rate, limit = counted.rate or 0.0, percent(watch.threshold)
    share = f"{counted.hits:,} of {counted.trials:,} requests {told}"
    shown = percent(rate) if stable.rate is None else f"{percent(rate)}, stable's {percent(stable.rate)}"
    missing = enough_requests(watch.threshold) - counted.trials
    if watch.blocked_at is not None:
        return "block", f"{share}{since_words(watch.run_since)} ({shown}): certainly more than {limit}.", None
    if watch.is_in_trouble:
        reason = f"More than {limit} of stable's requests {told} as well: look at what both depend on."
        return "inconclusive", reason, None
    if missing > 0:
        needs = _requests(missing, traffic)
        return "inconclusive", f"{share}; to tell whether that is under {limit} needs {needs.words}.", needs
    if rate > watch.threshold:
        needs = _requests(math.ceil(counted.hits / watch.threshold) - counted.trials, traffic)
        reason = (
            f"{share} ({shown}), over {limit}, maybe by chance; to clear it takes {needs.words}, all good."
        )
        return "inconclusive", reason, needs
    return "pass", f"{share} ({shown}), no more than {limit}.", None


def _unknown_p99(watch: RateWatch) -> MetricVerdict:
    return MetricVerdict(
        name="p99_rise",
        outcome="inconclusive",
        reason=(
            "Stable's p99 is not known: in 24 hours it had fewer than 5,000 requests whose latency is known. "
            "Let it serve more; or abort, take p99_rise out of the policy and promote again."
        ),
        threshold=P99,
        e_value=watch.canary.peak,
    )


def _requests(missing: int, traffic: Traffic) -> Needs:
    pace = traffic.requests_per_minute
    return Needs(max(1, missing), "requests", max(1, missing) / pace if pace else None)


def since_words(minute: int | None) -> str:
    """ " since 2026-01-01 14:05 UTC"; nothing for None."""
    if minute is None:
        return ""
    return f" since {datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%d %H:%M} UTC"


def feedback_verdict(watch: ShareWatch) -> MetricVerdict:
    """Thumbs down. They can only speak against a release: where nobody votes nothing waits."""
    canary = watch.hits / watch.trials if watch.trials else None
    control = watch.control_hits / watch.control_trials if watch.control_trials else None
    both = watch.hits + watch.control_hits
    traffic = watch.trials + watch.control_trials
    expected = watch.trials / traffic if traffic else None
    blocked = watch.blocked_at is not None
    if not both or expected is None:
        reason = "There were no thumbs down."
    else:
        certainty = "certainly more than" if blocked else "not certainly more than"
        reason = (
            f"{watch.hits:,} of {both:,} thumbs down were the canary's, {certainty} its "
            f"{percent(expected)} of the requests explain."
        )
    low, high = rate_interval(watch.hits, watch.trials, BLOCK_ALPHA, FIRST_BET)
    return MetricVerdict(
        name="bad_feedback",
        outcome="block" if blocked else "pass",
        reason=reason,
        canary=canary,
        control=control,
        difference=None if canary is None or control is None else canary - control,
        low=low,
        high=high,
        interval=RATE.format(level(BLOCK_ALPHA)),
        threshold=control,
        canary_samples=watch.trials,
        control_samples=watch.control_trials,
        e_value=watch.test.peak,
        blocked_at=None if watch.blocked_at is None else watch.blocked_at * 60.0,
    )


def harmful_verdict(flags: Sequence[HarmfulFlag], requests: int) -> MetricVerdict:
    """No statistics: one that a second grader confirmed blocks, one that it has not seen yet freezes."""
    confirmed = [flag for flag in flags if flag.confirmed]
    waiting = [flag for flag in flags if flag.confirmed is None]
    outcome: Outcome = "pass"
    if confirmed:
        outcome, reason = "block", f"Harmful, and confirmed by a second grader: {_names(confirmed)}."
    elif waiting:
        outcome, reason = "inconclusive", f"Maybe harmful, a second grader has yet to say: {_names(waiting)}."
    elif flags:
        reason = f"{len(flags):,} answers were called harmful, and a second grader cleared them."
    else:
        reason = "No answer was called harmful."
    first = min((flag.at for flag in confirmed), default=None)
    return MetricVerdict(
        name="harmful",
        outcome=outcome,
        reason=reason,
        threshold=0.0,
        canary=len(confirmed) / requests if requests else None,
        canary_samples=requests,
        since=first,
        blocked_at=first,
    )


def _names(flags: Sequence[HarmfulFlag]) -> str:
    named = ", ".join(f"request {one_line(flag.request_id, 60)}" for flag in flags[:_NAMED])
    more = len(flags) - _NAMED
    return f"{named} and {more:,} more" if more > 0 else named
