"""What two versions of an index find for the same questions: pure, from the passages of both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from evals.answer import Retrieved
from evals.graders.retrieval import new_hits, recall
from evals.live.overlap import overlap_at, rank_biased_overlap


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of both versions. Foreign text."""

    id: str
    """The case's id, or the line of the file."""
    text: str
    wanted: tuple[str, ...] = ()
    """Ids of the rows or source documents that answer it; empty where nobody said."""


@dataclass(frozen=True, slots=True)
class Refound:
    """One question with what both versions found for it, nearest first."""

    question: Question
    before: tuple[Retrieved, ...]
    after: tuple[Retrieved, ...]
    overlap: float
    """The share of the passages that both found, 0 to 1."""
    ranked: float
    """Rank-biased overlap, 0 to 1."""
    is_same: bool
    """Whether both found the same passages in the same order."""
    has_new_top: bool
    """Whether another passage comes first, or none any more."""
    recall_before: float | None = None
    """The share of what was wanted that was found, 0 to 1; None where nobody said what is wanted."""
    recall_after: float | None = None

    @property
    def recall_change(self) -> float:
        """After minus before; 0 where it is not known."""
        return (self.recall_after or 0.0) - (self.recall_before or 0.0)


@dataclass(frozen=True, slots=True)
class RetrievalChange:
    """All questions, worst first: the most recall lost, then the least alike."""

    k: int
    """Passages of each answer, at most."""
    questions: tuple[Refound, ...]

    @property
    def overlap(self) -> float | None:
        """The mean of the questions; None without any."""
        return _mean(self.questions, lambda one: one.overlap)

    @property
    def ranked(self) -> float | None:
        """The mean rank-biased overlap; None without any question."""
        return _mean(self.questions, lambda one: one.ranked)

    @property
    def new_tops(self) -> tuple[Refound, ...]:
        """The questions for which another passage comes first now."""
        return tuple(one for one in self.questions if one.has_new_top)

    @property
    def judged(self) -> int:
        """Questions of which it is known what is wanted."""
        return sum(one.recall_before is not None for one in self.questions)

    @property
    def recall_before(self) -> float | None:
        """The mean over the judged questions; None without any."""
        return _mean(self.questions, lambda one: one.recall_before)

    @property
    def recall_after(self) -> float | None:
        """The mean over the judged questions; None without any."""
        return _mean(self.questions, lambda one: one.recall_after)


def refound(question: Question, before: Sequence[Retrieved], after: Sequence[Retrieved], k: int) -> Refound:
    """Both answers to one question, compared in their first `k` passages.

    A passage is the same where id and words are: under an id that was kept, other words are another passage.
    Recall is that of the grader `retrieval`, against `question.wanted`.
    """
    ours, theirs = tuple(before[:k]), tuple(after[:k])
    old, new = [_same(one) for one in ours], [_same(one) for one in theirs]
    return Refound(
        question=question,
        before=ours,
        after=theirs,
        overlap=overlap_at(k, old, new),
        ranked=rank_biased_overlap(old, new),
        is_same=old == new,
        has_new_top=old[:1] != new[:1],
        recall_before=_recall(ours, question.wanted),
        recall_after=_recall(theirs, question.wanted),
    )


def retrieval_change(found: Iterable[Refound], k: int) -> RetrievalChange:
    """All of them in order, worst first; equally bad ones stay as they came."""
    return RetrievalChange(k, tuple(sorted(found, key=lambda one: (one.recall_change, one.ranked))))


def _same(passage: Retrieved) -> str:
    return f"{passage.id}\0{hashlib.sha256(passage.text.encode()).hexdigest()}"


def _recall(passages: Sequence[Retrieved], wanted: Sequence[str]) -> float | None:
    once = frozenset(wanted)
    return recall(new_hits(passages, once), len(once)) if once else None


def _mean(questions: Sequence[Refound], of: Callable[[Refound], float | None]) -> float | None:
    values = [value for one in questions if (value := of(one)) is not None]
    return fmean(values) if values else None
