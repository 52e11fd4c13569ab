"""The grader `judge`: a model's word on an answer, by a rubric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from evals.answer import Answer
from evals.graders.base import Grade, GradeContext, Spec, Yields
from evals.judge.asking import Asked
from evals.judge.scale import HIGHEST, LOWEST, Scale
from store.canonical import digest_of
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case


class Judged(Spec):
    """The suite's judge finds that the answer fulfils the rubric."""

    on_live: ClassVar[bool] = False
    grader: Literal["judge"]
    rubric: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
    """What makes an answer good, in words."""
    scale: Scale = "boolean"
    """Yes or no, or 1 to 5."""
    votes: Literal[1, 3, 5, 7, 9] = 3
    """How often the judge is asked; the majority holds, on 1-5 the median."""
    at_least: int | None = Field(default=None, ge=LOWEST + 1, le=HIGHEST)
    """On 1-5: the score is 1 from here on and 0 below; without it 1 to 5 are 0 to 1."""
    passages: bool = False
    """Whether the judge sees the passages that were retrieved."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.at_least is not None and self.scale != "1-5":
            raise PydanticCustomError("no_scale", 'at_least needs the scale "1-5"')
        return self

    @property
    def yields(self) -> Yields:
        """verdict where the grade is 1 or 0, score where it lies between."""
        return "score" if self.scale == "1-5" and self.at_least is None else "verdict"

    def settled(self, value: int) -> int:
        """What `value` on the scale comes to: the same, or with `at_least` 1 or 0."""
        return value if self.at_least is None else int(value >= self.at_least)

    def only_warns(self, context: GradeContext) -> bool:
        return self.yields not in context.trusted

    def asked(self, case: Case, answer: Answer) -> Asked:
        """What the judge is shown."""
        seen = tuple(passage.text for passage in answer.retrieved) if self.passages else ()
        return Asked(self.rubric, case.question, answer.text, case.reference, seen, self.scale)

    def about(self, case: Case) -> str:
        """`sha256:` over all that the judge is asked about an answer to `case`, but the answer."""
        return digest_of(
            {
                "rubric": self.rubric,
                "question": case.question,
                "reference": case.reference,
                "scale": self.scale,
                "at_least": self.at_least,
                "passages": self.passages,
            }
        )

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:
        if context.judge is None:
            return Grade.ungraded("no judge is open: the suite's [judge] names its model")
        found = await context.judge.judge(self.asked(case, answer), self.votes, context.repeat)
        if found.value is None:
            return Grade.ungraded(found.reason)
        value = self.settled(found.value)
        reason = f"{found.told}: {one_line(found.reason, 200)}"
        if self.yields == "verdict":
            return Grade.of(value == 1, reason)
        return Grade((value - LOWEST) / (HIGHEST - LOWEST), reason)
