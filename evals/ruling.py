"""One category's ruling: the comparison, the rules that need none, and the sentences for them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from evals.category import CategoryScores
from evals.comparing import Look, confirmed, points, rule
from evals.confirmation import Finding, must_pass, zero_tolerance
from evals.statistics import SLACK, Comparison, case_means
from store.records.verdict import CategoryVerdict, Outcome


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome and the words for it."""

    outcome: Outcome
    reason: str
    needs_repeats: int | None = None


def judge(scores: CategoryScores, look: Look | None) -> Judged:
    """The worst of the comparison and of the rules that need none, with the sentences for it.

    `look` is None where there is no baseline or not every expected case was scored.
    """
    compared = rule(look) if look is not None else confirmed(scores)
    findings = _missing(scores) + _floor(scores)
    if scores.policy.zero_tolerance:
        findings += zero_tolerance(scores.candidate, scores.is_steady, scores.title)
    findings += must_pass(scores.must_pass, scores.candidate, scores.baseline, scores.is_steady, scores.title)
    outcomes = {one.outcome for one in findings} | ({compared.outcome} if compared else set())
    worst: Outcome = next((one for one in ("block", "inconclusive") if one in outcomes), "pass")
    reasons = [one.reason for one in findings if one.outcome == worst]
    if compared is None or compared.outcome != worst:
        return Judged(worst, f"{scores.shown}: {'; '.join(reasons) or _without_baseline(scores)}.")
    return Judged(worst, "; ".join([compared.sentence, *reasons]) + ".", compared.needs_repeats)


def _missing(scores: CategoryScores) -> tuple[Finding, ...]:
    if scores.is_complete and scores.expected:
        return ()
    if not scores.expected:
        return (Finding("inconclusive", "it has no cases here"),)
    errors = "1 answer" if scores.errors == 1 else f"{scores.errors} answers"
    if scores.scored >= scores.expected:
        reason = f"the arms hold other cases than the {scores.expected} expected"
    else:
        reason = (
            f"only {scores.scored} of {scores.expected} cases have a score in every arm ({errors} failed)"
        )
    return (Finding("inconclusive", reason),)


def _floor(scores: CategoryScores) -> tuple[Finding, ...]:
    """A block where the mean is under the floor even if every case without a score were right."""
    means = case_means(scores.candidate)
    if scores.policy.floor is None or not means:
        return ()
    best = (sum(means.values()) + max(0, scores.expected - len(means))) / max(scores.expected, len(means))
    if best >= scores.policy.floor - SLACK:
        return ()
    mean, floor = points(fmean(means.values())), points(scores.policy.floor)
    return (Finding("block", f"the mean score {mean} is under the floor of {floor}"),)


def _without_baseline(scores: CategoryScores) -> str:
    mean = points(fmean(case_means(scores.candidate).values()))
    policy = scores.policy
    checked = [
        word
        for word, holds in (
            (f"the floor of {points(policy.floor or 0)}", policy.floor is not None),
            ("zero tolerance", policy.zero_tolerance),
            ("must_pass", bool(scores.must_pass)),
        )
        if holds
    ]
    held = f"held {', '.join(checked)}" if checked else "no floor, zero tolerance or must_pass to hold"
    return f"nothing to compare with yet; mean score {mean} over {scores.scored} cases, {held}"


def verdict(
    scores: CategoryScores, comparison: Comparison | None, judged: Judged, z: float
) -> CategoryVerdict:
    """The record of it. Where nothing was scored, the candidate's mean stands at 0 and `cases` at 0."""
    means = case_means(scores.candidate)
    spread = 0.0 if comparison is None else z * comparison.standard_error
    return CategoryVerdict(
        name=scores.name,
        suite=scores.suite,
        outcome=judged.outcome,
        cases=scores.scored,
        repeats=scores.repeats,
        candidate=comparison.candidate if comparison else fmean(means.values()) if means else 0.0,
        baseline=None if comparison is None else comparison.baseline,
        difference=None if comparison is None else comparison.difference,
        standard_error=None if comparison is None else comparison.standard_error,
        low=None if comparison is None else comparison.difference - spread,
        high=None if comparison is None else comparison.difference + spread,
        margin=scores.policy.margin,
        needs_repeats=judged.needs_repeats,
        reason=judged.reason,
    )
