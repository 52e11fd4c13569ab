"""The grader `fuzzy`: nearly the right words, by edit distance (rapidfuzz)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from evals.answer import Answer
from evals.graders import killable
from evals.graders.base import Grade, GradeContext, Spec, normalised
from evals.graders.text import Phrase, Phrases
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

TEXT_LIMIT = 100_000
"""Characters of an answer that can be compared."""


class Fuzzy(Spec):
    """The answer is one of the accepted texts, but for a few characters."""

    grader: Literal["fuzzy"]
    value: Phrase | None = None
    """The accepted text; without it and `any`, the case's `reference`."""
    any: Phrases = ()
    """More accepted texts."""
    threshold: float = Field(default=0.9, gt=0, le=1)
    """The likeness from which on the answer is right; 1 is equal."""
    method: killable.FuzzyMethod = "ratio"
    """ratio compares the whole, partial looks for the accepted text inside the answer, token_sort
    ignores the order of words."""
    normalise: bool = True
    """Whether case, spaces and typographic quotes are ignored."""

    def lacks(self, case: Case) -> tuple[str, str] | None:
        if self.value is None and not self.any and case.reference is None:
            return "value", "give fuzzy a value or any, or the case a reference"
        return None

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        if len(answer.text) > TEXT_LIMIT:
            return Grade.of(False, f"has {len(answer.text):,} characters, {TEXT_LIMIT:,} can be compared")
        accepted = [one for one in (self.value, *self.any) if one is not None]
        if not accepted and case.reference is not None:
            accepted = [case.reference]
        given = self._comparable(answer.text)
        if not given.strip():
            return Grade.of(False, "is empty")
        best, nearest = 0.0, ""
        for one in accepted:
            likeness = await asyncio.to_thread(self._likeness, given, self._comparable(one))
            if likeness >= best:
                best, nearest = likeness, one
        reason = f"is {best:.3f} like {one_line(nearest, 60)!r}, {self.threshold:g} was wanted"
        return Grade.of(best >= self.threshold - 1e-9, reason)

    def _likeness(self, given: str, wanted: str) -> float:
        # Inside the shorter one rapidfuzz looks either way: "3" would be found in "30 days".
        whole = self.method == "partial" and len(given) < len(wanted)
        return killable.likeness("ratio" if whole else self.method, given, wanted)

    def _comparable(self, text: str) -> str:
        return normalised(text) if self.normalise else text
