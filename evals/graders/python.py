"""The grader `python`: a function of people's own, run in a process that can be killed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, StringConstraints

from evals.answer import Answer
from evals.graders import callables
from evals.graders.base import Grade, GradeContext, Spec
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

REASON_LIMIT = 400
"""Characters of the function's own reason that are kept."""


class Python(Spec):
    """What a function says of the answer: called with {case, answer, arguments}, it returns true or
    false, a number from 0 to 1, or {score, reason}. Anything else, an error or silence is no grade."""

    on_live: ClassVar[bool] = False
    grader: Literal["python"]
    callable: Annotated[str, StringConstraints(pattern=callables.NAME.pattern, max_length=200)]
    """`package.module:function`, or the name of an entry point of the group `lockgate.graders`."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict, max_length=50)
    """Handed to the function as they are."""
    revision: int = Field(default=1, ge=1)
    """Count it up when the function would score the same answer differently: its code is not hashed."""
    timeout_s: float = Field(default=10.0, gt=0, le=300)
    """Seconds after which it is killed."""

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:
        spec = callables.allowed(self.callable, context.allowed_callables)
        given = {"case": _case(case), "answer": _answer(answer), "arguments": self.arguments}
        said = await asyncio.to_thread(callables.call, spec, given, self.timeout_s)
        return grade_of(said)


def grade_of(said: Any) -> Grade:
    """The grade in what a function returned; ungraded where there is none in it."""
    score, reason = said, ""
    if isinstance(said, dict):
        if not {"score"} <= said.keys() <= {"score", "reason"} or not isinstance(said.get("reason", ""), str):
            return Grade.ungraded("the function returned an object other than {score, reason}")
        score, reason = said["score"], one_line(said.get("reason", ""), REASON_LIMIT)
    if isinstance(score, bool):
        return Grade.of(score, reason or ("says yes" if score else "says no"))
    if not isinstance(score, int | float) or not 0 <= score <= 1:  # nor NaN
        shown = one_line(repr(score), 40)
        return Grade.ungraded(f"the function returned {shown}, not true, false or a number from 0 to 1")
    return Grade(float(score), reason or f"says {score:g}")


def _case(case: Case) -> dict[str, Any]:
    return {**case.model_dump(mode="json", exclude={"expect"}), "question": case.question}


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "refused_by": answer.refused_by,
        "retrieved": [
            {"id": one.id, "source": one.source, "text": one.text, "distance": one.distance}
            for one in answer.retrieved
        ],
        "model": answer.model_returned,
        "latency_ms": answer.latency_ms,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
    }
