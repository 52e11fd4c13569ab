"""A comparison of what two versions find as plain data: for `--json`, and a line each for exports."""

from __future__ import annotations

from typing import Any

from evals.answer import Retrieved
from evals.retrieval_change import Refound, RetrievalChange


def change_as_data(change: RetrievalChange) -> dict[str, Any]:
    """All of it, with every passage. Shares are 0 to 1; None where nothing is known."""
    return {
        "k": change.k,
        "count": len(change.questions),
        "overlap": change.overlap,
        "ranked_overlap": change.ranked,
        "top_changed": [one.question.id for one in change.new_tops],
        "judged": change.judged,
        "recall_before": change.recall_before,
        "recall_after": change.recall_after,
        "questions": [_as_data(one) for one in change.questions],
    }


def refound_as_row(one: Refound) -> dict[str, object]:
    """One question as a line of an export: what was found by id."""
    return {
        "id": one.question.id,
        "question": one.question.text,
        "overlap": one.overlap,
        "ranked_overlap": one.ranked,
        "top_changed": one.has_new_top,
        "recall_before": one.recall_before,
        "recall_after": one.recall_after,
        "wanted": list(one.question.wanted),
        "before": [passage.id for passage in one.before],
        "after": [passage.id for passage in one.after],
    }


def _as_data(one: Refound) -> dict[str, Any]:
    return {
        **refound_as_row(one),
        "before": [_passage(passage) for passage in one.before],
        "after": [_passage(passage) for passage in one.after],
    }


def _passage(passage: Retrieved) -> dict[str, Any]:
    return {
        "id": passage.id,
        "source": passage.source,
        "distance": passage.distance,
        "text": passage.text,
    }
