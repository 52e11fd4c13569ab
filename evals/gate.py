"""The gate: whether a release's scores are good enough against its baseline's. Pure functions.

Three outcomes. Doubt is `inconclusive`, which holds a release and never lets it pass.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evals.category import GATING_CASES, STATISTICAL_CASES, CategoryScores
from evals.comparing import Look
from evals.confirmation import CONFIRMATIONS
from evals.ruling import judge, verdict
from evals.statistics import Comparison, check_scores, compare, surely_below, z_score
from store.errors import InputError
from store.records.verdict import ERROR_SHARE, CategoryVerdict, Outcome
from store.text import one_line

__all__ = [
    "CONFIRMATIONS",
    "ERROR_SHARE",
    "GATING_CASES",
    "STATISTICAL_CASES",
    "CategoryScores",
    "carrying",
    "decide",
    "judge_categories",
    "judge_category",
    "next_repeats",
    "undecided",
]


def judge_category(scores: CategoryScores, alpha: float, max_repeats: int) -> CategoryVerdict:
    """The verdict on one category, judged alone. Raises InputError for scores that are no scores."""
    return judge_categories((scores,), alpha, max_repeats)[0]


def judge_categories(
    categories: Sequence[CategoryScores], alpha: float, max_repeats: int
) -> tuple[CategoryVerdict, ...]:
    """The verdicts on the categories of one run, in their order.

    `alpha` is one-sided. A block by comparison is corrected for the number of categories (Holm), so
    that many of them do not block a harmless release by chance; a pass is not: every one must pass.
    Raises InputError for a score that is not a number from 0 to 1.
    """
    comparisons = [_comparison(one) for one in categories]
    family = {
        index: (comparison, one.policy.margin)
        for index, (one, comparison) in enumerate(zip(categories, comparisons, strict=True))
        if comparison is not None and one.is_complete and one.expected >= GATING_CASES
    }
    places = list(family)
    worse = {places[place] for place in surely_below(list(family.values()), alpha)}
    verdicts = []
    for index, (one, comparison) in enumerate(zip(categories, comparisons, strict=True)):
        look = None
        if comparison is not None and one.is_complete:
            look = Look(one, comparison, index in worse, alpha, len(family), max_repeats)
        verdicts.append(verdict(one, comparison, judge(one, look), z_score(alpha)))
    return tuple(verdicts)


def undecided(verdicts: Sequence[CategoryVerdict]) -> tuple[str, ...]:
    """The names of the categories to run again, all of their cases: only the flipped ones would be biased."""
    return tuple(one.name for one in verdicts if one.outcome == "inconclusive")


def next_repeats(current: int, schedule: Sequence[int]) -> int | None:
    """The number of repeats after `current` in `schedule`; None at its end."""
    return min((step for step in schedule if step > current), default=None)


def carrying(categories: Sequence[CategoryScores]) -> tuple[tuple[str, str], ...]:
    """(suite, name) of the categories that can hold a release back: by size, or by a rule of their own."""
    return tuple(
        one.key
        for one in categories
        if one.expected >= GATING_CASES
        or one.policy.zero_tolerance
        or one.policy.floor is not None
        or one.must_pass
    )


def decide(
    categories: Sequence[CategoryVerdict],
    errors: int,
    answers: int,
    *,
    required: Collection[tuple[str, str]] = (),
    carrying: Collection[tuple[str, str]] | None = None,
    doubts: Collection[str] = (),
) -> tuple[Outcome, tuple[str, ...]]:
    """The outcome of the whole run, with one sentence for each thing that is not a pass.

    `errors` of `answers` (both arms, all repeats) failed. `required` are the (suite, name) that must
    have a verdict; `carrying` those that can hold a release back (by default: with enough cases).
    `doubts` are sentences on why the whole run cannot be believed.
    Any block blocks; else any doubt is inconclusive. Raises InputError for negative counts.
    """
    if errors < 0 or answers < 0:
        raise InputError(f"{errors} errors of {answers} answers cannot be; run the evals again.")
    blocks = [one.reason for one in categories if one.outcome == "block"]
    held = [one.reason for one in categories if one.outcome == "inconclusive"]
    held += doubts
    judged = {(one.suite, one.name) for one in categories}
    unjudged = sorted(set(required) - judged)
    held += [f"{one_line(name, 100)} of {suite} was not judged." for suite, name in unjudged]
    if errors > ERROR_SHARE * answers:
        held.append(
            f"{errors} of {answers} answers failed, more than {ERROR_SHARE:.0%}: "
            "that is the machinery, not the release; run again once it works."
        )
    if answers == 0:
        held.append("No answer was graded.")
    able = {(one.suite, one.name) for one in categories if one.cases >= GATING_CASES}
    if not judged & (able if carrying is None else set(carrying)):
        held.append(
            f"No category can gate: each has under {GATING_CASES} cases and no floor, zero tolerance "
            "or must_pass, or nothing but a judge that only warns; add cases."
        )
        held += [one.reason for one in categories if one.outcome == "pass"]
    outcome: Outcome = "block" if blocks else "inconclusive" if held else "pass"
    return outcome, (*blocks, *held)


def _comparison(scores: CategoryScores) -> Comparison | None:
    check_scores(scores.candidate, f"{scores.suite} {scores.shown}, candidate")
    if scores.baseline is None:
        return None
    check_scores(scores.baseline, f"{scores.suite} {scores.shown}, baseline")
    return compare(scores.candidate, scores.baseline, deterministic=scores.is_steady)
