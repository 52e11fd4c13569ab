"""How a comparison of what two index versions find reads. Everything in it is foreign text."""

from __future__ import annotations

from collections.abc import Iterator

from console.operations.counted import counted
from evals.answer import Retrieved
from evals.retrieval_change import Refound, RetrievalChange
from store.text import one_line

_WORST = 20
"""Questions that are told."""


def change_lines(change: RetrievalChange) -> Iterator[str]:
    """The figures over all questions, then the worst ones."""
    count, k = len(change.questions), change.k
    new = len(change.new_tops)
    yield ""
    yield f"{counted(count, 'question')}, {counted(k, 'passage')} each"
    yield f"  same first passage   {count - new:,} of {count:,}"
    yield f"  overlap@{k:<12} {_share(change.overlap)}"
    yield f"  rank-biased overlap  {_share(change.ranked)}"
    if change.judged:
        recall = f"{_share(change.recall_before)} → {_share(change.recall_after)}"
        yield f"  recall@{k:<13} {recall} over {counted(change.judged, 'question')} with context_ids"
    differing = [one for one in change.questions if not one.is_same]
    if not differing:
        yield "Both find the same passages in the same order."
        return
    yield f"{counted(len(differing), 'question')} with another answer, worst first:"
    for one in differing[:_WORST]:
        yield from _question(one)
    if len(differing) > _WORST:
        yield f"  … and {len(differing) - _WORST:,} more: --json or --format csv has them all"


def _question(one: Refound) -> Iterator[str]:
    recall = ""
    if one.recall_before is not None:
        recall = f", recall {_share(one.recall_before)} → {_share(one.recall_after)}"
    yield f"  ? {one_line(one.question.text, 160)}"
    shares = f"overlap {_share(one.overlap)}, ranked {_share(one.ranked)}{recall}"
    yield f"    {one_line(one.question.id, 60)}: {shares}"
    if one.has_new_top:
        yield f"    first: {_top(one.before)} → {_top(one.after)}"


def _top(found: tuple[Retrieved, ...]) -> str:
    return one_line(found[0].id, 80) if found else "nothing"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
