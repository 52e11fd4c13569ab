"""The grader `json_path`: what stands at a place of a JSON answer (JSONPath, RFC 9535)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints
from pydantic_core import PydanticCustomError

from evals.answer import Answer
from evals.graders import killable
from evals.graders.base import Grade, GradeContext, Spec
from evals.graders.json_answer import is_deep, json_answer
from store.errors import InputError
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

DEPTH = 100
"""How deep an answer may be nested."""


def _usable(path: str) -> str:
    import jsonpath

    try:
        jsonpath.compile(path, strict=True)
    except Exception as error:  # the library's errors have several bases
        trouble = " ".join(str(error).splitlines()[:2])  # what and where, without the drawing
        why = f"is not a JSONPath of RFC 9535: {one_line(trouble, 120)}"
        raise PydanticCustomError("bad_path", "{why}", {"why": why}) from None
    return path


class JsonPath(Spec):
    """The answer is JSON and its path finds something, or only accepted values.

    A single fenced block in the answer counts as the answer.
    """

    grader: Literal["json_path"]
    path: Annotated[
        str,
        StringConstraints(min_length=1, max_length=killable.PATH_LIMIT, pattern=r"^\$"),
        AfterValidator(_usable),
    ]
    """Such as `$.order.items[*].id`."""
    any: Annotated[tuple[JsonValue, ...], Field(max_length=200)] = ()
    """Accepted values; without them it is enough that the path finds something."""
    pick: Literal["all", "any"] = "all"
    """Whether all the values that the path finds have to be accepted ones, or one of them."""

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        try:
            value = json_answer(answer.text)
        except InputError as error:
            return Grade.of(False, error.message.rstrip("."))
        if is_deep(value, DEPTH):
            return Grade.of(False, f"is nested more than {DEPTH} times")
        found = await asyncio.to_thread(killable.at_path, self.path, value)
        shown = one_line(self.path, 80)
        if not found:
            return Grade.of(False, f"has nothing at {shown}")
        if len(found) > killable.MOST_FOUND:
            return Grade.of(False, f"has over {killable.MOST_FOUND:,} values at {shown}")
        if not self.any:
            return Grade.of(True, f"has something at {shown}")
        return self._accepted(found, shown)

    def _accepted(self, found: list[Any], shown: str) -> Grade:
        right = [any(same(one, wanted) for wanted in self.any) for one in found]
        if all(right) if self.pick == "all" else any(right):
            return Grade.of(True, f"has an accepted value at {shown}")
        return Grade.of(False, f"has {one_line(repr(found[right.index(False)]), 60)} at {shown}")


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: true is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)
