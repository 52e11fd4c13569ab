"""Scores one answer to one case with all of the case's graders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals.answer import Answer
from evals.graders.base import FULL, Grade, GradeContext, Spec
from store.canonical import digest_of
from store.errors import LockgateError
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case
    from evals.suite import Suite


@dataclass(frozen=True, slots=True)
class CaseScore:
    """The score of one answer."""

    case_id: str
    score: float | None
    """The weighted mean of all graders, in [0, 1]; None where the answer or a grader failed."""
    passed: bool | None
    """Whether the score is full; None where there is none."""
    reasons: tuple[str, ...] = ()
    """One sentence per grader, in the case's order."""
    error: str | None = None
    """Why there is no score: machinery, never the answer's fault."""


async def grade(case: Case, answer: Answer, context: GradeContext) -> CaseScore:
    """The score of `answer`. An answer with an error, or one that a grader could not judge, has none."""
    if answer.error is not None:
        return CaseScore(case.id, None, None, (), one_line(answer.error))
    grades = [await _one(spec, case, answer, context) for spec in case.expect]
    reasons = tuple(
        f"{spec.grader}: {one_line(one.reason)}" for spec, one in zip(case.expect, grades, strict=True)
    )
    error = next((one.error or "not graded" for one in grades if one.score is None), None)
    if error is not None:
        return CaseScore(case.id, None, None, reasons, one_line(error))
    weights = [spec.weight for spec in case.expect]
    total = math.fsum(
        weight * one.score for weight, one in zip(weights, grades, strict=True) if one.score is not None
    )
    score = min(1.0, max(0.0, total / math.fsum(weights)))
    return CaseScore(case.id, score, score >= FULL, reasons)


async def _one(spec: Spec, case: Case, answer: Answer, context: GradeContext) -> Grade:
    try:
        return await spec.grade(case, answer, context)
    except LockgateError as error:
        return Grade.ungraded(error.message)
    except Exception as error:  # an embedder or a schema may raise anything: no score, not a zero
        return Grade.ungraded(f"the grader failed: {type(error).__name__} {one_line(str(error), 100)}")


def graders_digest(suite: Suite) -> str:
    """`sha256:` over name, version and arguments of every grader that the suite uses, each once."""
    used = {
        digest_of(
            {"version": spec.version, **spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
        )
        for case in suite.cases
        for spec in case.expect
    }
    return digest_of(sorted(used))
