"""A comparison as plain data, for `--json` and for what the console exports. Foreign text, as it came."""

from __future__ import annotations

from typing import Any

from console.operations.compare import Compared, Side


def compared_as_data(one: Compared) -> dict[str, Any]:
    """One question with both sides."""
    return {
        "request_id": one.asked.request_id,
        "question": one.asked.question,
        "served": one.asked.served,
        "served_by": one.asked.served_by,
        "same_words": one.same,
        "similarity": one.similarity,
        "overlap": one.overlap,
        "ranked_overlap": one.ranked,
        "sides": [_side(side) for side in (one.first, one.second)],
    }


def _side(side: Side) -> dict[str, Any]:
    answer = side.answer
    return {
        "release": side.release,
        "answer": answer.text,
        "error": answer.error,
        "refused_by": answer.refused_by,
        "latency_ms": answer.latency_ms,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "usd": side.usd,
        "passages": [
            {"id": one.id, "source": one.source, "text": one.text, "distance": one.distance}
            for one in answer.retrieved
        ],
    }
