"""The grader `retrieval`: did the passages that answer the question come back, and how far up?

Definitions with binary relevance as in Manning, Raghavan and Schütze, Introduction to Information
Retrieval, chapter 8 (precision, recall, reciprocal rank), and Järvelin and Kekäläinen, ACM TOIS 20(4), 2002
(cumulated gain with log2(rank + 1) discount, as trec_eval's ndcg_cut computes it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from evals.answer import Answer, Retrieved
from evals.graders.base import Grade, GradeContext, Spec

if TYPE_CHECKING:
    from evals.case import Case


def new_hits(passages: Sequence[Retrieved], wanted: Collection[str]) -> tuple[int, ...]:
    """By rank: how many wanted ids the passage is the first to bring (0 where it brings none).

    A passage brings its own id and that of its source document, so a wanted document counts once
    however many of its passages came back.
    """
    left = set(wanted)
    hits = []
    for passage in passages:
        brought = left & {passage.id, passage.source}
        left -= brought
        hits.append(len(brought))
    return tuple(hits)


def hit(hits: Sequence[int], wanted: int) -> float:  # noqa: ARG001
    """1 if any wanted id came back."""
    return 1.0 if any(hits) else 0.0


def recall(hits: Sequence[int], wanted: int) -> float:
    """The share of the wanted ids that came back."""
    return sum(hits) / wanted


def reciprocal_rank(hits: Sequence[int], wanted: int) -> float:  # noqa: ARG001
    """1 / rank of the first wanted passage, 0 without one. Its mean over cases is the MRR."""
    return next((1 / rank for rank, new in enumerate(hits, 1) if new), 0.0)


def ndcg(hits: Sequence[int], wanted: int) -> float:
    """Σ gain/log2(rank + 1) over the same sum of the best possible order, gains 0 or 1, cut at len(hits)."""
    gained = sum(1 / math.log2(rank + 1) for rank, new in enumerate(hits, 1) if new)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(hits), wanted) + 1))
    return gained / best if best else 0.0


METRICS: dict[str, Callable[[Sequence[int], int], float]] = {
    "hit": hit,
    "recall": recall,
    "mrr": reciprocal_rank,
    "ndcg": ndcg,
}


def precision(passages: Sequence[Retrieved], wanted: Collection[str], k: int) -> float:
    """The share of the first k places that hold a passage with a wanted id or from a wanted document.

    Fewer passages than k leave places empty, and the same passage counts once, as trec_eval has it.
    """
    good = {one.id for one in passages[:k] if one.id in wanted or one.source in wanted}
    return len(good) / k


class Retrieval(Spec):
    """A metric over the first k passages, against the case's `context_ids`."""

    grader: Literal["retrieval"]
    metric: Literal["hit", "recall", "precision", "mrr", "ndcg"] = "recall"
    k: int = Field(default=3, ge=1, le=100)
    """How many passages count."""
    at_least: float | None = Field(default=None, gt=0, le=1)
    """With it the score is 1 or 0: whether the metric reached this."""

    def lacks(self, case: Case) -> tuple[str, str] | None:
        return None if case.context_ids else ("context_ids", "retrieval needs the case to have context_ids")

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        wanted = frozenset(case.context_ids)
        if not wanted:
            return Grade.ungraded("retrieval needs the case to have context_ids")
        value = self._value(answer.retrieved, wanted)
        reason = f"{self.metric}@{self.k} is {value:.3f}"
        if self.at_least is None:
            return Grade(value, reason)
        return Grade.of(value >= self.at_least - 1e-9, f"{reason}, {self.at_least:g} was wanted")

    def _value(self, passages: Sequence[Retrieved], wanted: frozenset[str]) -> float:
        if self.metric == "precision":
            return precision(passages, wanted, self.k)
        hits = new_hits(passages[: self.k], wanted)
        # Fewer passages than k are a shorter list of the same cut: the best order still has k places.
        return METRICS[self.metric](hits + (0,) * (self.k - len(hits)), len(wanted))
