"""Scores of made-up categories, for the tests of the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.gate import CategoryScores, judge_category
from store.records.verdict import CategoryVerdict
from store.records.versions import CategoryPolicy

ALPHA = 0.05


def arm(*groups: tuple[int, Sequence[float]]) -> dict[str, Sequence[float]]:
    """`arm((58, [1]), (2, [0]))`: 58 cases scored [1], then 2 scored [0], named c000, c001, …"""
    rows = [scores for count, scores in groups for _ in range(count)]
    return {f"c{number:03}": scores for number, scores in enumerate(rows)}


def category(
    candidate: Mapping[str, Sequence[float]],
    baseline: Mapping[str, Sequence[float]] | None,
    *,
    name: str = "relevance",
    policy: dict[str, Any] | None = None,
    **more: Any,
) -> CategoryScores:
    """A category whose expected cases are the candidate's, unless `more` says otherwise."""
    more.setdefault("errors", 0)
    more.setdefault("expected", len(candidate))
    return CategoryScores(
        name=name,
        suite="evals/support",
        policy=CategoryPolicy(name=name, **(policy or {})),
        candidate=candidate,
        baseline=baseline,
        **more,
    )


def judged(
    candidate: Mapping[str, Sequence[float]], baseline: Mapping[str, Sequence[float]] | None, **more: Any
) -> CategoryVerdict:
    """The verdict on one category alone, at most ten repeats allowed."""
    return judge_category(category(candidate, baseline, **more), ALPHA, 10)
