"""What the comparison with the baseline says of one category, and the sentence for it."""

from __future__ import annotations

from dataclasses import dataclass

from evals.category import GATING_CASES, STATISTICAL_CASES, CategoryScores
from evals.confirmation import CONFIRMATIONS, is_settled, regressed
from evals.statistics import SLACK, Comparison, is_below, is_within, repeats_to_decide, z_score
from store.records.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Look:
    """One comparison and the circumstances it is seen in."""

    scores: CategoryScores
    comparison: Comparison
    surely_below: bool
    """Whether it is worse than the margin for certain, all categories taken together."""
    alpha: float
    family: int
    """How many categories were compared."""
    max_repeats: int

    @property
    def margin(self) -> float:
        """The regression that blocks."""
        return self.scores.policy.margin


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the comparison says."""

    outcome: Outcome
    sentence: str
    """Begins with the category's name and has no full stop."""
    needs_repeats: int | None = None


def rule(look: Look) -> Ruling:
    """The ruling of a category whose expected cases are all scored in both arms."""
    cases = look.scores.expected
    if cases < GATING_CASES:
        return Ruling("pass", f"{movement(look)}; under {GATING_CASES} cases cannot gate, this only informs")
    if cases < STATISTICAL_CASES:
        return _by_case(look) or _as_a_whole(look)
    return _as_a_whole(look)


def confirmed(scores: CategoryScores) -> Ruling | None:
    """A block for regressions of single cases, where the category is too small for statistics."""
    if scores.baseline is None or not GATING_CASES <= scores.expected < STATISTICAL_CASES:
        return None
    fallen = regressed(scores.candidate, scores.baseline, scores.policy.margin, scores.is_steady)
    if not fallen:
        return None
    named = ", ".join(scores.title(case) for case in fallen[:3]) + (", …" if len(fallen) > 3 else "")
    cases = "1 case that is" if len(fallen) == 1 else f"{len(fallen)} cases that are"
    return Ruling(
        "block",
        f"{scores.shown} has {cases} worse for certain ({named}), and under "
        f"{STATISTICAL_CASES} cases none may be",
    )


def movement(look: Look) -> str:
    """`relevance fell 10.0 points (90.0 → 80.0 over 60 cases, 1 repeat)`."""
    comparison = look.comparison
    moved = points(comparison.difference)
    way = "fell" if comparison.difference < 0 else "rose"
    verb = "did not change" if moved == "0.0" else f"{way} {moved} points"
    cases = "1 case" if comparison.cases == 1 else f"{comparison.cases} cases"
    repeats = "1 repeat" if comparison.repeats == 1 else f"{comparison.repeats} repeats"
    before, after = points(comparison.baseline), points(comparison.candidate)
    return f"{look.scores.shown} {verb} ({before} → {after} over {cases}, {repeats})"


def points(share: float) -> str:
    """A share as points without sign: 0.021 is 2.1."""
    return f"{abs(share) * 100:.1f}"


def _by_case(look: Look) -> Ruling | None:
    """The rule for 10 to 49 cases; None where the comparison as a whole has the word."""
    scores, comparison = look.scores, look.comparison
    found = confirmed(scores)
    if found is not None or look.surely_below:
        return found
    settled = all(
        is_settled(one, scores.is_steady)
        for arm in (scores.candidate, scores.baseline or {})
        for one in arm.values()
    )
    if settled:
        if comparison.difference < -look.margin - SLACK:
            return None
        return Ruling("pass", f"{movement(look)}, and no case is worse for certain")
    if _nothing_fell(scores) and is_within(comparison, look.margin, z_score(look.alpha)):
        return None
    return Ruling(
        "inconclusive",
        f"{movement(look)}; with under {STATISTICAL_CASES} cases it takes {CONFIRMATIONS} repeats to tell"
        + _no_more(look),
        CONFIRMATIONS,
    )


def _as_a_whole(look: Look) -> Ruling:
    comparison, z = look.comparison, z_score(look.alpha)
    allowed = points(look.margin)
    if look.surely_below:
        return Ruling("block", f"{movement(look)}, more than the {allowed} allowed")
    if is_within(comparison, look.margin, z):
        low = comparison.difference - z * comparison.standard_error
        worst = f"at worst {points(low)} points lower" if low < 0 else "for certain not lower"
        return Ruling("pass", f"{movement(look)}: {worst}, {allowed} are allowed")
    if is_below(comparison, look.margin, z):
        z = z_score(look.alpha / look.family)
        doubt = f"over the {allowed} allowed, but not for certain with {look.family} categories compared"
    else:
        spread = points(z * comparison.standard_error)
        doubt = f"give or take {spread}, so neither within the {allowed} allowed nor beyond for certain"
    needs = repeats_to_decide(comparison, look.margin, z)
    if needs is None:
        way_out = "; this close to the margin only more cases can tell"
    else:
        way_out = f"; about {needs} repeats would tell"
    return Ruling("inconclusive", f"{movement(look)}, {doubt}{way_out}{_no_more(look)}", needs)


def _nothing_fell(scores: CategoryScores) -> bool:
    baseline = scores.baseline or {}
    return all(min(one) >= max(baseline[case]) for case, one in scores.candidate.items())


def _no_more(look: Look) -> str:
    if look.comparison.repeats < look.max_repeats:
        return ""
    return f" (the suite allows {look.max_repeats})"
