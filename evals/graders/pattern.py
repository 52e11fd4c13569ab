"""The grader `regex`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from evals.answer import Answer
from evals.graders import killable
from evals.graders.base import Grade, GradeContext, Spec
from store.errors import InputError
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case


def _compiles(pattern: str) -> str:
    try:
        killable.check_pattern(pattern)
    except InputError as error:
        raise PydanticCustomError("bad_pattern", "{why}", {"why": error.message}) from None
    return pattern


Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=killable.PATTERN_LIMIT), AfterValidator(_compiles)
]
"""A regular expression of Python's `re` that compiles."""


class Regex(Spec):
    """The pattern is found somewhere in the answer. Case is ignored with `(?i)` in front."""

    grader: Literal["regex"]
    pattern: Pattern

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        found = await asyncio.to_thread(killable.search, self.pattern, answer.text)
        shown = one_line(self.pattern, 80)
        return Grade.of(found, f"{'matches' if found else 'does not match'} {shown!r}")
