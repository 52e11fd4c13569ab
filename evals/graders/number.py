"""The grader `number`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from evals.answer import Answer
from evals.graders.base import Grade, GradeContext, Spec

if TYPE_CHECKING:
    from evals.case import Case

# A sign counts only where no word or number ends before it ("3-5 days" is 3 and 5); digits inside a
# word or a dotted version are no number; commas only between groups of three.
_NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)?(?:(?<=[0-9])(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:[eE][-+]?[0-9]{1,3})?(?!\.?[0-9])"
)


def numbers(text: str) -> tuple[float, ...]:
    """The finite numbers written in `text`, in order."""
    found = (float(match.group().replace(",", "").replace("−", "-")) for match in _NUMBER.finditer(text))
    return tuple(one for one in found if math.isfinite(one))


class Number(Spec):
    """A number in the answer is the wanted one, within a tolerance."""

    grader: Literal["number"]
    value: float
    abs: float = Field(default=0.0, ge=0)
    """How far off it may be, in its own unit."""
    rel: float = Field(default=0.0, ge=0, le=1)
    """How far off it may be, as a share of `value`. The larger tolerance holds."""
    pick: Literal["last", "first", "any"] = "last"
    """Which of the answer's numbers counts."""

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        found = numbers(answer.text)
        if not found:
            return Grade.of(False, f"holds no number, {self.value:g} was wanted")
        tried = {"last": found[-1:], "first": found[:1], "any": found}[self.pick]
        allowed = max(self.abs, self.rel * abs(self.value))
        good = any(math.isclose(one, self.value, rel_tol=1e-12, abs_tol=allowed) for one in tried)
        shown = ", ".join(f"{one:g}" for one in tried[:5]) + (", …" if len(tried) > 5 else "")
        return Grade.of(good, f"gives {shown}; {self.value:g} ± {allowed:g} was wanted")
