"""How much of a run a report tells, so that no answer makes it endless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from evals.reports.report import Answered, Category, FlippedCase, Passage, Report

FLIPS = 200
TEXT = 8_000
"""Characters of a question or an answer."""
PASSAGES = 10
PASSAGE = 800
REASONS = 100
REASON = 1_000
NAME = 200
CATEGORIES = 1_000
_COMPONENTS = 200
_TAGS = 50
_SCORES = 100
Item = TypeVar("Item")


def bounded(report: Report) -> Report:
    """`report` with everything cut to what is told; what was left out is said where it was."""
    return replace(
        report,
        reasons=_cut_all(report.reasons, REASONS, REASON),
        categories=tuple(_category(one) for one in report.categories[:CATEGORIES]),
        flips=tuple(_flip(one) for one in report.flips[:FLIPS]),
        more_flips=report.more_flips + max(0, len(report.flips) - FLIPS),
        noise=report.noise[: 2 * CATEGORIES],
        digests=report.digests[:_COMPONENTS],
        candidate=replace(report.candidate, components=report.candidate.components[:_COMPONENTS]),
        baseline=report.baseline
        and replace(report.baseline, components=report.baseline.components[:_COMPONENTS]),
    )


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def left_out(count: int, what: str) -> str:
    """ "… and 3 more flipped cases"."""
    return f"… and {count:,} more {what}{'' if count == 1 else 's'}"


def _cut_all(texts: Sequence[str], most: int, limit: int) -> tuple[str, ...]:
    more = len(texts) - most
    told = tuple(cut(one, limit) for one in texts[:most])
    return (*told, left_out(more, "reason")) if more > 0 else told


def _category(one: Category) -> Category:
    return replace(one, suite=cut(one.suite, NAME), name=cut(one.name, NAME), reason=cut(one.reason, REASON))


def _flip(one: FlippedCase) -> FlippedCase:
    return replace(
        one,
        suite=cut(one.suite, NAME),
        case=cut(one.case, NAME),
        category=cut(one.category, NAME),
        tags=tuple(cut(tag, NAME) for tag in one.tags[:_TAGS]),
        question=cut(one.question, TEXT),
        before=_answered(one.before),
        after=_answered(one.after),
    )


def _answered(one: Answered) -> Answered:
    return replace(
        one,
        scores=one.scores[:_SCORES],
        text=cut(one.text, TEXT),
        reasons=_cut_all(one.reasons, REASONS, REASON),
        passages=tuple(_passage(passage) for passage in one.passages[:PASSAGES]),
        refused_by=None if one.refused_by is None else cut(one.refused_by, NAME),
    )


def _passage(one: Passage) -> Passage:
    return Passage(cut(one.id, NAME), cut(one.source, NAME), cut(one.text, PASSAGE))
