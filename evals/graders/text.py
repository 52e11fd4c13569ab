"""Graders that compare words: equals, contains, not_contains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from evals.answer import Answer
from evals.graders.base import Grade, GradeContext, Spec, normalised
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=200)]


class Equals(Spec):
    """The whole answer is one of the accepted ones."""

    grader: Literal["equals"]
    value: Phrase | None = None
    """The accepted answer; without it and `any`, the case's `reference`."""
    any: Phrases = ()
    """More accepted answers."""
    normalise: bool = True
    """Whether case, spaces and typographic quotes are ignored."""

    def lacks(self, case: Case) -> tuple[str, str] | None:
        if self.value is None and not self.any and case.reference is None:
            return "value", "give equals a value or any, or the case a reference"
        return None

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        accepted = [one for one in (self.value, *self.any) if one is not None]
        if not accepted and case.reference is not None:
            accepted = [case.reference]
        given = _comparable(answer.text, self.normalise)
        found = next((one for one in accepted if given == _comparable(one, self.normalise)), None)
        if found is not None:
            return Grade.of(True, f"is {one_line(found, 60)!r}")
        return Grade.of(False, f"is not {_listed(accepted, ' or ')}")


class Contains(Spec):
    """The answer holds all of `all` and at least one of `any`."""

    grader: Literal["contains"]
    any: Phrases = ()
    all: Phrases = ()
    normalise: bool = True
    """Whether case, spaces and typographic quotes are ignored."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.any and not self.all:
            raise PydanticCustomError("nothing_to_look_for", "give contains a list: any, all or both")
        return self

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        text = _comparable(answer.text, self.normalise)
        missing = [one for one in self.all if _comparable(one, self.normalise) not in text]
        if missing:
            return Grade.of(False, f"does not contain {one_line(missing[0], 60)!r}")
        if self.any and not any(_comparable(one, self.normalise) in text for one in self.any):
            return Grade.of(False, f"contains none of {_listed(self.any, ', ')}")
        return Grade.of(True, "contains what it should")


class NotContains(Spec):
    """The answer holds none of `any`."""

    grader: Literal["not_contains"]
    any: Annotated[Phrases, Field(min_length=1)]
    normalise: bool = True
    """Whether case, spaces and typographic quotes are ignored."""

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        text = _comparable(answer.text, self.normalise)
        found = next((one for one in self.any if _comparable(one, self.normalise) in text), None)
        if found is not None:
            return Grade.of(False, f"contains {one_line(found, 60)!r}")
        return Grade.of(True, "contains nothing that it should not")


def _listed(phrases: Sequence[str], between: str) -> str:
    """The first three, and whether there are more."""
    first = between.join(repr(one_line(one, 60)) for one in phrases[:3])
    return first if len(phrases) <= 3 else f"{first}{between}…"


def _comparable(text: str, normalise: bool) -> str:
    return normalised(text) if normalise else text
