"""The grader `similarity`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from evals.answer import Answer
from evals.graders.base import Grade, GradeContext, Spec

if TYPE_CHECKING:
    from evals.case import Case


class Similarity(Spec):
    """The answer means about the same as the case's `reference`: cosine of the two embeddings."""

    grader: Literal["similarity"]
    threshold: float = Field(default=0.8, gt=0, le=1)
    """The cosine from which on the answer is right."""

    def lacks(self, case: Case) -> tuple[str, str] | None:
        if case.reference is None or not case.reference.strip():
            return "reference", "similarity needs the case to have a reference"
        return None

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:
        if context.embed is None:
            return Grade.ungraded("similarity needs an embedder, which only a release with an index has")
        if case.reference is None:
            return Grade.ungraded("similarity needs the case to have a reference")
        if not answer.text.strip():
            return Grade.of(False, "is empty")
        vectors = await asyncio.to_thread(context.embed, [answer.text, case.reference])
        cosine = _cosine(vectors)
        if cosine is None:
            return Grade.ungraded("the embedder gave no usable vectors")
        return Grade.of(cosine >= self.threshold, f"similarity {cosine:.3f}, {self.threshold:g} was wanted")


def _cosine(vectors: object) -> float | None:
    import numpy

    pair = numpy.asarray(vectors, dtype=numpy.float64)
    if pair.ndim != 2 or pair.shape[0] != 2 or not numpy.isfinite(pair).all():
        return None
    lengths = numpy.linalg.norm(pair, axis=1)
    if not (lengths > 0).all():
        return None
    # Rounding can carry the cosine of equal vectors past 1, or just under a threshold of 1.
    return round(float(pair[0] @ pair[1] / (lengths[0] * lengths[1])), 6)
