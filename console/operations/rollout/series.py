"""One metric of a rollout over time, canary and control beside each other, to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from console.operations.rollout.observing import source_of, window_of
from store.errors import InputError
from store.records.rollout import Rollout
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.live.evidence import Arm, Evidence, Minute

BINS = 60
"""Points of one arm at most."""
_HITS = {"error_rate": "errors", "p99_sla": "over_sla", "p99_rise": "slow", "bad_feedback": "thumbs_down"}
_TRIALS = {"p99_sla": "timed", "p99_rise": "timed"}


@dataclass(frozen=True, slots=True)
class Point:
    """One stretch of time."""

    minutes: float
    """From the beginning of the first step to the middle of the stretch."""
    value: float
    """A share of requests or a mean score, 0 to 1."""
    samples: int


@dataclass(frozen=True, slots=True)
class Series:
    """One metric."""

    metric: str
    began: datetime
    canary: tuple[Point, ...] = ()
    control: tuple[Point, ...] = ()
    steps: tuple[float, ...] = ()
    """Minutes after the beginning at which a step began."""


@dataclass(slots=True)
class _Bin:
    hits: float = 0.0
    trials: int = 0


@dataclass(slots=True)
class _Bins:
    """Sums by stretch and arm."""

    first: float
    """Minutes since 1970."""
    width: float
    found: dict[tuple[Arm, int], _Bin] = field(default_factory=dict)

    def add(self, minute: float, arm: Arm, hits: float, trials: int) -> None:
        if trials and minute >= self.first - 1:
            one = self.found.setdefault((arm, int((minute - self.first) // self.width)), _Bin())
            one.hits += hits
            one.trials += trials

    def points(self, arm: Arm) -> tuple[Point, ...]:
        return tuple(
            Point((place + 0.5) * self.width, one.hits / one.trials, one.trials)
            for (whose, place), one in sorted(self.found.items())
            if whose == arm
        )


def series(workspace: Workspace, environment: str, metric: str) -> Series:
    """`metric` (as a finding names it) of the rollout in `environment`, in at most BINS stretches.

    Raises InputError where there is no rollout or the metric has no course, MachineryError when the
    source of observations cannot be read.
    """
    rollout = workspace.store.at().environment(environment).rollout
    if rollout is None or not rollout.stages:
        raise InputError(f"no step of a rollout has begun in {environment}.")
    if metric not in _HITS and metric != "quality" and not metric.startswith("quality/"):
        raise InputError(f"{metric} has no course over time that could be drawn.")
    evidence = source_of(workspace, rollout).evidence(
        window_of(environment, rollout), workspace.clock.now().timestamp()
    )
    return binned(evidence, rollout, metric)


def binned(evidence: Evidence, rollout: Rollout, metric: str) -> Series:
    """`evidence` in stretches of equal length from the first step to the newest observation."""
    began = rollout.stages[0].since
    first = began.timestamp() / 60
    newest = max((evidence.newest or 0.0) / 60, first + 1)
    bins = _Bins(first, max(1.0, (newest - first) / BINS))
    if metric in _HITS:
        _count(bins, evidence.minutes, _HITS[metric], _TRIALS.get(metric, "requests"))
    else:
        category = metric.partition("/")[2]
        for score in evidence.scores:
            if not category or score.category == category:
                bins.add(score.at / 60, score.arm, score.value * score.count, score.count)
    return Series(
        metric,
        began.astimezone(UTC),
        bins.points("canary"),
        bins.points("control"),
        tuple((stage.since - began).total_seconds() / 60 for stage in rollout.stages),
    )


def _count(bins: _Bins, minutes: Iterable[Minute], hits: str, trials: str) -> None:
    for row in minutes:
        bins.add(row.minute, row.arm, getattr(row, hits), getattr(row, trials))
