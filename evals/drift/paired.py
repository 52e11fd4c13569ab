"""Did the scores of a suite move? Case by case, then against now, never by how much a mean differs.

"More than 2 points" on one run is reached by chance in one week of five. H0: for every case, the answers
from before and those of now are exchangeable. Then the labels may be permuted within each case, and the
statistic Σ |mean now − mean before| over cases has a p-value that needs no model of the noise (after
Fisher 1935; one answer on each side makes it the randomised McNemar test).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evals.statistics import Scores, compare

Categories = Mapping[tuple[str, str], Scores]
"""By suite and category."""
DRAWS = 9_999
ALPHA = 0.05
"""For all categories together."""
_Z = 1.96
_EVEN = 1e-9


@dataclass(frozen=True, slots=True)
class Moved:
    """One category, then and now."""

    suite: str
    """`evals/name@vN`."""
    name: str
    """Of the category."""
    cases: int
    before: float
    now: float
    difference: float
    low: float
    high: float
    p_value: float
    moved: bool
    """By Holm's step-down over all categories, at ALPHA."""


def movements(before: Categories, now: Categories, seed: int = 1) -> tuple[Moved, ...]:
    """Every category, over the cases that were scored on both sides; without such a case it is left out."""
    found = []
    for suite, name in sorted(before.keys() & now.keys()):
        old, new = before[suite, name], now[suite, name]
        comparison = compare(new, old)
        if comparison is None:
            continue
        half = _Z * comparison.standard_error
        found.append(
            Moved(
                suite,
                name,
                comparison.cases,
                comparison.baseline,
                comparison.candidate,
                comparison.difference,
                max(-1.0, comparison.difference - half),
                min(1.0, comparison.difference + half),
                paired_p_value(old, new, seed),
                moved=False,
            )
        )
    return _holm(found)


def paired_p_value(before: Scores, now: Scores, seed: int = 1) -> float:
    """The p-value over the cases that both have; 1 where there is none. Two-sided."""
    import numpy

    pairs = [(before[case], now[case]) for case in sorted(before) if before[case] and now.get(case)]
    random = numpy.random.default_rng(seed)
    seen = 0.0
    drawn = numpy.zeros(DRAWS)
    for old, new in pairs:
        scores = numpy.asarray([*old, *new], dtype=float)
        seen += abs(float(scores[len(old) :].mean() - scores[: len(old)].mean()))
        if scores.min() == scores.max():
            continue
        shuffled = random.permuted(numpy.tile(scores, (DRAWS, 1)), axis=1)
        drawn += numpy.abs(shuffled[:, len(old) :].mean(axis=1) - shuffled[:, : len(old)].mean(axis=1))
    return float((1 + (drawn >= seen - _EVEN).sum()) / (1 + DRAWS))


def _holm(found: Sequence[Moved]) -> tuple[Moved, ...]:
    certain: set[tuple[str, str]] = set()
    for rank, one in enumerate(sorted(found, key=lambda each: each.p_value)):
        if one.p_value > ALPHA / (len(found) - rank):
            break
        certain.add((one.suite, one.name))
    return tuple(replace(one, moved=(one.suite, one.name) in certain) for one in found)
