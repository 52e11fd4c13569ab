"""The grader `citations`: what the answer cites was really retrieved."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from evals.answer import Answer
from evals.graders import killable
from evals.graders.base import Grade, GradeContext, Spec
from evals.graders.pattern import Pattern
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

BRACKETS = r"\[([^\[\]\n]{1,200})\](?!\()"
"""`[id]`, but not the text of a Markdown link."""
_SEPARATOR = re.compile(r"\s*[,;]\s*")


class Citations(Spec):
    """Everything that the answer cites is among the passages it was given, and it cites enough."""

    grader: Literal["citations"]
    pattern: Pattern = BRACKETS
    """What a citation looks like; its first group is the id."""
    by: Literal["id", "place"] = "id"
    """What an id is: that of a passage or of its source document, or the passage's place, from 1."""
    at_least: int = Field(default=1, ge=0, le=100)
    """How many different passages or documents have to be cited."""

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        hits = await asyncio.to_thread(killable.find_all, self.pattern, answer.text)
        if len(hits) > killable.MOST_FOUND:
            return Grade.of(False, f"cites over {killable.MOST_FOUND:,} times")
        known = self._known(answer)
        cited = [one for hit in hits for one in _ids(hit, known)]
        stranger = next((one for one in cited if one not in known), None)
        if stranger is not None:
            return Grade.of(False, f"cites {one_line(stranger, 60)!r}, which was not retrieved")
        count = len(set(cited))
        return Grade.of(count >= self.at_least, f"cites {count}, at least {self.at_least} was wanted")

    def _known(self, answer: Answer) -> frozenset[str]:
        if self.by == "place":
            return frozenset(str(number) for number in range(1, len(answer.retrieved) + 1))
        return frozenset(
            one.strip() for passage in answer.retrieved for one in (passage.id, passage.source)
        ) - {""}


def _ids(hit: str, known: frozenset[str]) -> list[str]:
    """The ids of one citation: the whole of it, or (`[1, 2]`) what commas and semicolons part."""
    whole = hit.strip()
    return [whole] if whole in known else [one for one in _SEPARATOR.split(whole) if one]
