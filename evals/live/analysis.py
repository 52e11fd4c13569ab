"""Is the canary good enough, as far as one can tell now: pass, block (take it back), or inconclusive (hold).

Sequential: it may be asked at every moment, and what it says of each metric is wrong with the chance
that is written beside it, over all the asking in one attempt. False blocks have a chance of 1 % per
metric: errors, p99 against the promise and against stable, quality (of the whole and, shared between
them, of the categories) and feedback; a release that is worse by the margin passes with 5 % at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evals.live.attempt import AttemptTests
from evals.live.evidence import Evidence, Window
from evals.live.metrics import feedback_verdict, harmful_verdict, rate_verdicts
from evals.live.quality_verdict import lower_alone, quality_verdicts
from evals.live.rates import RateWatch
from evals.live.traffic import Traffic, traffic_of
from evals.live.verdict import MetricVerdict, Needs, span
from store.records.rollout_policy import Triggers
from store.records.verdict import Outcome
from store.text import one_line

STALE_MINUTES = 10.0
"""Without news for longer than that nothing moves forward."""

HoldKind = Literal["no_traffic", "stale", "clock", "too_few", "undecided", "provider", "harmful"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a rollout does not go on by itself."""

    kind: HoldKind
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of an attempt at one moment."""

    at: float
    """Seconds since 1970."""
    outcome: Outcome
    """block if any metric blocks; pass if none does and nothing holds."""
    metrics: tuple[MetricVerdict, ...]
    holds: tuple[Hold, ...]
    traffic: Traffic
    """The canary's in the stage that is served now."""
    alerts: tuple[str, ...] = ()
    """What somebody should look at: sentences."""
    notes: tuple[str, ...] = ()
    """What the evidence lacks: sentences."""

    @property
    def blocking(self) -> tuple[MetricVerdict, ...]:
        """The metrics that say block."""
        return tuple(metric for metric in self.metrics if metric.outcome == "block")

    @property
    def is_frozen(self) -> bool:
        """Whether nobody new may be let in until a second grader has spoken."""
        return any(hold.kind == "harmful" for hold in self.holds)


def analyse(
    evidence: Evidence,
    window: Window,
    triggers: Triggers,
    now: float,
    *,
    tests: AttemptTests | None = None,
    min_scored: int = 0,
    stale_minutes: float = STALE_MINUTES,
) -> Analysis:
    """The analysis of `window` at `now` (seconds since 1970) on all the `evidence` there is.

    `tests` remembers an attempt from tick to tick; without it all is counted again, with the same
    result. `min_scored` is what the step asks for. Raises MachineryError for evidence that does not fit
    the window.
    """
    tests = AttemptTests() if tests is None else tests
    tests.feed(evidence, window, triggers, now)
    traffic = traffic_of(evidence, len(window.stages) - 1)
    metrics = rate_verdicts(tests, triggers, traffic)
    metrics += quality_verdicts(tests, traffic)
    if tests.feedback is not None:
        metrics.append(feedback_verdict(tests.feedback))
    if triggers.harmful:
        requests = sum(row.requests for row in evidence.minutes if row.arm == "canary")
        metrics.append(harmful_verdict(evidence.flags, requests))
    troubled = _troubled(tests)
    holds = [
        *_traffic_holds(evidence, traffic, now, stale_minutes),
        *_scored_holds(traffic, min_scored),
        *(
            _hold(metric, troubled)
            for metric in metrics
            if metric.gating and metric.outcome == "inconclusive"
        ),
    ]
    blocked = any(metric.outcome == "block" for metric in metrics)
    return Analysis(
        at=now,
        outcome="block" if blocked else "inconclusive" if holds else "pass",
        metrics=tuple(metrics),
        holds=tuple(holds),
        traffic=traffic,
        alerts=(
            *(metric.reason for metric in metrics if metric.name in troubled),
            *filter(None, (lower_alone(tests),)),
        ),
        notes=_notes(evidence, tests, now),
    )


def _troubled(tests: AttemptTests) -> frozenset[str]:
    """The metrics on which stable is over the threshold as well, and the canary is not to blame."""
    watches: dict[str, RateWatch | None] = {
        "error_rate": tests.errors,
        "p99_sla": tests.over_sla,
        "p99_rise": tests.slow,
    }
    return frozenset(
        name for name, one in watches.items() if one and one.is_in_trouble and one.blocked_at is None
    )


def _hold(metric: MetricVerdict, troubled: frozenset[str]) -> Hold:
    if metric.name == "harmful":
        return Hold("harmful", metric.reason)
    if metric.name in troubled:
        return Hold("provider", metric.reason)
    return Hold("too_few" if metric.needs is not None else "undecided", metric.reason)


def _traffic_holds(evidence: Evidence, traffic: Traffic, now: float, stale_minutes: float) -> list[Hold]:
    newest = evidence.newest
    age = None if newest is None else (now - newest) / 60
    if evidence.ahead is not None and (age is None or age > stale_minutes):
        return [Hold("clock", f"{_ahead(evidence.ahead, now)}: check the clock of this machine.")]
    if age is None:
        return [Hold("no_traffic", "No observation has come in yet.")]
    if age > stale_minutes:
        return [Hold("stale", f"The newest observation is {span(age)} old: is the application reporting?")]
    if traffic.last_minute is None:
        return [Hold("no_traffic", "No request has reached the canary in this step.")]
    quiet = now / 60 - (traffic.last_minute + 1)
    if quiet > stale_minutes:
        return [Hold("no_traffic", f"The canary had its last request {span(quiet)} ago.")]
    return []


def _ahead(at: float, now: float) -> str:
    return f"Observations come from up to {span((at - now) / 60)} in the future"


def _scored_holds(traffic: Traffic, min_scored: int) -> list[Hold]:
    missing = min_scored - traffic.scored
    if missing <= 0:
        return []
    pace = traffic.scored_per_minute
    needs = Needs(missing, "scored answers", missing / pace if pace else None)
    return [
        Hold("too_few", f"This step asks for {min_scored:,} scored answers of the canary: {needs.words}.")
    ]


def _notes(evidence: Evidence, tests: AttemptTests, now: float) -> tuple[str, ...]:
    notes = [one_line(note) for note in evidence.notes]
    if evidence.ahead is not None:
        notes.append(
            f"{_ahead(evidence.ahead, now)} and do not count until then: check the clocks of the hosts that "
            "report."
        )
    if evidence.dropped:
        notes.append(f"{evidence.dropped:,} observations were dropped before they could be stored.")
    if tests.unusable:
        notes.append(f"{tests.unusable:,} scores are no number from 0 to 1 and count for nothing.")
    return tuple(notes)
