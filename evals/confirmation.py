"""The gate's rules about single cases: what counts only once repeats agree on it.

A case passes with the full score. It passes or fails for certain once at least three scores were
taken and more than half agree; where a stored A/A run showed that nothing varies, one is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import median_high, median_low
from typing import Literal

from evals.graders.base import FULL
from evals.statistics import SLACK, Scores
from store.records.verdict import Outcome

CONFIRMATIONS = 3
"""Scores that a case needs before its majority counts."""

Standing = Literal["passes", "fails", "unsure"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not a pass."""

    outcome: Outcome
    """block or inconclusive."""
    reason: str
    """A sentence without its full stop."""


def is_settled(scores: Sequence[float], deterministic: bool) -> bool:
    """Whether there are enough scores for their majority to count."""
    return len(scores) >= CONFIRMATIONS or (deterministic and bool(scores))


def standing(scores: Sequence[float], deterministic: bool) -> Standing:
    """What the majority says, once it counts."""
    passed = sum(score >= FULL for score in scores)
    if is_settled(scores, deterministic) and passed * 2 != len(scores):
        return "passes" if passed * 2 > len(scores) else "fails"
    return "unsure"


def must_pass(
    cases: Collection[str],
    candidate: Scores,
    baseline: Scores | None,
    deterministic: bool,
    title: Callable[[str], str],
) -> tuple[Finding, ...]:
    """must_pass cases that fail for certain where the baseline passes (or where there is none)."""
    found = []
    for case in sorted(cases):
        scores = candidate.get(case, ())
        if all(score >= FULL for score in scores):
            continue
        ours = standing(scores, deterministic)
        before: Standing = "passes" if baseline is None else standing(baseline.get(case, ()), deterministic)
        if ours == "passes" or before == "fails":
            continue
        failed = f"the must_pass case {title(case)} failed {_times(scores)}"
        if ours == "fails" and before == "passes":
            found.append(Finding("block", failed + ("" if baseline is None else ", and passes before")))
        else:
            found.append(Finding("inconclusive", f"{failed}, which repeats have not confirmed"))
    return tuple(found)


def zero_tolerance(
    candidate: Scores, deterministic: bool, title: Callable[[str], str]
) -> tuple[Finding, ...]:
    """Cases that failed at all: a majority blocks, anything less holds."""
    found = []
    for case in sorted(candidate):
        scores = candidate[case]
        if all(score >= FULL for score in scores):
            continue
        failed = f"the case {title(case)} failed {_times(scores)} and none may"
        if standing(scores, deterministic) == "fails":
            found.append(Finding("block", failed))
        else:
            found.append(Finding("inconclusive", f"{failed}, which repeats have not confirmed"))
    return tuple(found)


def regressed(candidate: Scores, baseline: Scores, margin: float, deterministic: bool) -> tuple[str, ...]:
    """Cases that are lower by more than `margin` in the majority of repeats of both arms.

    For some score t, more than half of the baseline's are at least t and more than half of the
    candidate's are below: median_high(candidate) < median_low(baseline). For scores of 0 and 1 that
    is "fails now, passed before".
    """
    return tuple(
        case
        for case in sorted(candidate)
        if is_settled(candidate[case], deterministic)
        and is_settled(baseline.get(case, ()), deterministic)
        and median_low(baseline[case]) - median_high(candidate[case]) > margin + SLACK
    )


def _times(scores: Sequence[float]) -> str:
    failed = sum(score < FULL for score in scores)
    return "once" if failed == len(scores) == 1 else f"{failed} of {len(scores)} times"
