"""The comparison of two arms on the same cases, and which comparisons are certain enough to block.

The estimand is the mean over the committed cases of (expected score of the candidate − that of the
baseline): the suite is what the release is held to, so only run-to-run noise counts, and repeats buy
it down. Pairing as in Miller, "Adding error bars to evals" (arXiv 2411.00640); r = 1 is McNemar-like:
any flip may be noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

from store.errors import InputError
from store.text import one_line

SLACK = 1e-9
"""Sums of decimal scores are inexact in binary: differences below this are none."""
_WIDEST_VARIANCE = 0.25
"""The largest variance of a score in [0, 1]; stands in where a case was scored only once."""

Scores = Mapping[str, Sequence[float]]
"""The scores of every repeat, by the content hash of the case."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate against baseline over the cases that both have. Scores are shares of 1."""

    cases: int
    repeats: int
    """Of the arm with fewer."""
    candidate: float
    baseline: float
    difference: float
    """candidate − baseline, the mean over cases."""
    standard_error: float
    """Of `difference`, from run to run."""


def check_scores(scores: Scores, what: str) -> None:
    """Raises InputError unless every score is a number from 0 to 1."""
    for case, repeats in scores.items():
        for score in repeats:
            if not (math.isfinite(score) and 0 <= score <= 1):
                raise InputError(
                    f"{what}: case {one_line(case, 80)} has the score {score!r}; "
                    "a score is a number from 0 to 1, so this run cannot be judged. Run it again."
                )


def repeats_of(scores: Scores) -> int:
    """How often the arm was run: the most scores that any of its cases has."""
    return max((len(one) for one in scores.values()), default=0)


def case_means(scores: Scores) -> dict[str, float]:
    """The mean score of each case that has any."""
    return {case: fmean(one) for case, one in scores.items() if one}


def compare(candidate: Scores, baseline: Scores, *, deterministic: bool = False) -> Comparison | None:
    """The comparison over the cases that both arms scored; None where there is none.

    r ≥ 2: SE² = [Σ(s²_ci/r_ci + s²_bi/r_bi) + .25/r_c + .25/r_b] / n², one pseudo-noisy case per arm;
    r = 1 in either arm: SE² = (Σd_i² + 1)/n². `deterministic` (shown by a stored A/A run of both arms)
    makes it 0, unless the repeats here contradict it.
    """
    cases = sorted(case for case in candidate if candidate[case] and baseline.get(case))
    if not cases:
        return None
    ours = {case: candidate[case] for case in cases}
    theirs = {case: baseline[case] for case in cases}
    differences = [fmean(ours[case]) - fmean(theirs[case]) for case in cases]
    repeats = min(repeats_of(ours), repeats_of(theirs))
    if deterministic and _steady(ours) and _steady(theirs):
        squared = 0.0
    elif repeats == 1:
        squared = math.fsum(d * d for d in differences) + 1
    else:
        squared = _run_variance(ours) + _run_variance(theirs)
    return Comparison(
        cases=len(cases),
        repeats=repeats,
        candidate=fmean(fmean(one) for one in ours.values()),
        baseline=fmean(fmean(one) for one in theirs.values()),
        difference=fmean(differences),
        standard_error=math.sqrt(squared) / len(cases),
    )


def z_score(alpha: float) -> float:
    """The one-sided normal quantile: 1.645 for alpha .05. Raises InputError unless 0 < alpha < .5."""
    if not 0 < alpha < 0.5:
        raise InputError(f"alpha is {alpha!r}; give an error rate between 0 and 0.5.")
    return NormalDist().inv_cdf(1 - alpha)


def is_below(comparison: Comparison, margin: float, z: float) -> bool:
    """Whether the candidate is worse by more than `margin`, with certainty z."""
    return comparison.difference + z * comparison.standard_error < -margin - SLACK


def is_within(comparison: Comparison, margin: float, z: float) -> bool:
    """Whether the candidate is not worse by more than `margin`, with certainty z."""
    return comparison.difference - z * comparison.standard_error >= -margin - SLACK


def surely_below(comparisons: Sequence[tuple[Comparison, float]], alpha: float) -> frozenset[int]:
    """Which of the (comparison, margin) are worse by more than their margin, all taken together.

    Holm's step-down (Scandinavian Journal of Statistics 6, 1979): the chance of even one false entry
    is at most `alpha`. With one comparison it is `is_below` at `alpha`.
    """
    order = sorted(range(len(comparisons)), key=lambda i: _standing(*comparisons[i]))
    found = []
    for rank, index in enumerate(order):
        if not is_below(*comparisons[index], z_score(alpha / (len(order) - rank))):
            break
        found.append(index)
    return frozenset(found)


def repeats_to_decide(comparison: Comparison, margin: float, z: float) -> int | None:
    """ceil(r·(z·SE/|D + margin|)²): the repeats at which the difference seen would be decided.

    None within half a case of the margin: there only more cases help.
    """
    distance = abs(comparison.difference + margin)
    if distance <= 0.5 / comparison.cases + SLACK:
        return None
    return math.ceil(comparison.repeats * (z * comparison.standard_error / distance) ** 2 - SLACK)


def _standing(comparison: Comparison, margin: float) -> float:
    """How far above the margin, in standard errors: the smaller, the surer a block."""
    distance = comparison.difference + margin
    if comparison.standard_error == 0:
        return math.copysign(math.inf, distance)
    return distance / comparison.standard_error


def _steady(scores: Scores) -> bool:
    return all(max(one) - min(one) <= SLACK for one in scores.values())


def _run_variance(scores: Scores) -> float:
    within = math.fsum(
        (_variance(one) if len(one) > 1 else _WIDEST_VARIANCE) / len(one) for one in scores.values()
    )
    return within + _WIDEST_VARIANCE / min(len(one) for one in scores.values())


def _variance(scores: Sequence[float]) -> float:
    """The sample variance. statistics.variance is exact and 40 times slower."""
    if min(scores) == max(scores):
        return 0.0
    mean = fmean(scores)
    return math.fsum((one - mean) ** 2 for one in scores) / (len(scores) - 1)
