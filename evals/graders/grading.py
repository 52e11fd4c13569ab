"""Scores one answer to one case with all of the case's graders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals.answer import Answer
from evals.graders.base import FULL, Grade, GradeContext, Spec
from evals.graders.judge import Judged
from evals.judge.agreement import KAPPA, LABELLED_CASES
from evals.judge.asking import PROMPT_DIGEST
from evals.judge.canaries import BUILT_IN, MOST_ON_SCALE, VOTES
from evals.judge.judging import PROTOCOL, TRIES
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
    """The weighted mean of the graders that count, in [0, 1]; None where the answer or one of them failed."""
    passed: bool | None
    """Whether the score is full; None where there is none."""
    reasons: tuple[str, ...] = ()
    """One sentence per grader, in the case's order."""
    error: str | None = None
    """Why there is no score: machinery, never the answer's fault."""


async def grade(case: Case, answer: Answer, context: GradeContext) -> CaseScore:
    """The score of `answer`. An answer with an error, or one that a grader could not judge, has none.

    Graders that only warn are told but not counted, unless there are no others.
    """
    if answer.error is not None:
        return CaseScore(case.id, None, None, (), one_line(answer.error))
    grades = [await _one(spec, case, answer, context) for spec in case.expect]
    pairs = list(zip(case.expect, grades, strict=True))
    reasons = tuple(
        f"{spec.grader}{' (only warns)' if spec.only_warns(context) else ''}: {one_line(one.reason)}"
        for spec, one in pairs
    )
    counted = [pair for pair in pairs if not pair[0].only_warns(context)] or pairs
    error = next((one.error or "not graded" for _, one in counted if one.score is None), None)
    if error is not None:
        return CaseScore(case.id, None, None, reasons, one_line(error))
    total = math.fsum(spec.weight * one.score for spec, one in counted if one.score is not None)
    score = total / math.fsum(spec.weight for spec, _ in counted)
    return CaseScore(case.id, score, score >= FULL, reasons)


async def _one(spec: Spec, case: Case, answer: Answer, context: GradeContext) -> Grade:
    try:
        return await spec.grade(case, answer, context)
    except LockgateError as error:
        return Grade.ungraded(error.message)
    except Exception as error:  # an embedder or a schema may raise anything: no score, not a zero
        return Grade.ungraded(f"the grader failed: {type(error).__name__} {one_line(str(error), 100)}")


def graders_digest(suite: Suite) -> str:
    """`sha256:` over name, version and arguments of every grader that the suite uses, each once.

    Of a judge also over its model version, the words it is asked with and its planted answers.
    """
    judge = judge_digest(suite)
    used = {digest_of(_identity(spec, judge)) for case in suite.cases for spec in case.expect}
    return digest_of(sorted(used))


def judge_digest(suite: Suite) -> str | None:
    """`sha256:` over the suite's judge: pin, words, planted answers, rule; None where nothing is judged."""
    judged = any(isinstance(spec, Judged) for case in suite.cases for spec in case.expect)
    if not judged or suite.info.judge is None:
        return None
    planted = [one.model_dump(mode="json") for one in (*BUILT_IN, *suite.info.judge.canaries)]
    rule = [PROTOCOL, TRIES, KAPPA, LABELLED_CASES, VOTES, MOST_ON_SCALE]
    return digest_of(
        {"pin": suite.info.judge.model, "prompt": PROMPT_DIGEST, "canaries": planted, "rule": rule}
    )


def _identity(spec: Spec, judge: str | None) -> dict[str, Any]:
    plain = {"version": spec.version, **spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    return {**plain, "judge": judge} if isinstance(spec, Judged) else plain
