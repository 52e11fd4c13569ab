"""How alike two answers and what they stand on are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evals.answer import Answer
from evals.live.comparison import ComparedArm, Comparison
from evals.live.envelopes import Captured
from evals.live.grading import LiveGrade
from evals.live.overlap import overlap_at, rank_biased_overlap

Embed = Callable[[Sequence[str]], Any]
"""Texts to one vector each."""


def similarity(embed: Embed | None, first: str, second: str) -> float | None:
    """The cosine of the two embeddings, 0 to 1 (what points away counts as 0); 1 for the same words.

    None where there is no embedder or its vectors cannot be used.
    """
    if first == second:
        return 1.0
    if embed is None:
        return None
    if not first.strip() or not second.strip():
        return 0.0
    import numpy

    pair = numpy.asarray(embed([first, second]), dtype=numpy.float64)
    if pair.ndim != 2 or pair.shape[0] != 2 or not numpy.isfinite(pair).all():
        return None
    lengths = numpy.linalg.norm(pair, axis=1)
    if not (lengths > 0).all():
        return None
    return float(min(1.0, max(0.0, pair[0] @ pair[1] / (lengths[0] * lengths[1]))))


def compared(
    arm: ComparedArm,
    captured: Captured,
    answer: Answer,
    grade: LiveGrade | None,
    embed: Embed | None,
    usd: float,
    at: float,
) -> Comparison:
    """`answer`, held against what the user was answered. An answer with an error is a failed one.

    `usd` is what it cost, `at` when it was made (seconds since 1970). May block. Raises what `embed` raises.
    """
    mark = captured.mark
    if answer.error is not None or captured.answer is None:
        return Comparison(mark.request_id, arm, at, mark.unit, captured.category, failed=True, usd=usd)
    overlap = ranked = None
    if captured.retrieved is not None:
        ids = [passage.id for passage in answer.retrieved]
        overlap = overlap_at(max(len(ids), len(captured.retrieved), 1), ids, captured.retrieved)
        ranked = rank_biased_overlap(ids, captured.retrieved)
    return Comparison(
        request_id=mark.request_id,
        arm=arm,
        at=at,
        unit=mark.unit,
        category=captured.category,
        failed=False,
        overlap=overlap,
        ranked=ranked,
        similarity=similarity(embed, answer.text, captured.answer),
        same=answer.text == captured.answer,
        quality=grade.quality if grade is not None else None,
        harmful=_harmful(grade),
        latency_ms=answer.latency_ms,
        tokens=answer.prompt_tokens + answer.completion_tokens,
        usd=usd,
    )


def _harmful(grade: LiveGrade | None) -> int | None:
    if grade is None or grade.harmful is None:
        return None
    if not grade.harmful or grade.confirmed is False:
        return 0
    return 2 if grade.confirmed else 1
