"""What an import finds: drafts of cases, what it cannot keep, and what it keeps in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from store.records.policy import Tier

Match = Literal["equals", "contains", "fuzzy", "judge"]
"""How an answer is held against an expected one where the file does not say."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about a place in a file."""

    where: str
    """ "tests.csv, line 12"."""
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Draft:
    """One case as it was found. Everything is as `Case` has it, but not validated yet."""

    where: str
    input: Any
    expect: tuple[dict[str, Any], ...]
    name: str = ""
    """What an id can be made of."""
    category: str = ""
    tier: Tier | str = ""
    reference: str | None = None
    context_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    must_pass: bool = False


@dataclass(slots=True)
class Found:
    """The whole of a file."""

    drafts: list[Draft] = field(default_factory=list)
    unsupported: list[Said] = field(default_factory=list)
    """What is left out, if a person agrees."""
    remarks: list[Said] = field(default_factory=list)
    """What is kept, but not quite as it was."""

    def cannot(self, where: str, text: str) -> None:
        """Notes something that is left out."""
        self.unsupported.append(Said(where, text))

    def remark(self, where: str, text: str) -> None:
        """Notes something that changes its meaning a little; each once."""
        said = Said(where, text)
        if said not in self.remarks:
            self.remarks.append(said)


def expected(texts: tuple[str, ...], match: Match) -> tuple[tuple[dict[str, Any], ...], str | None]:
    """The graders for "the answer is one of these", and the case's reference."""
    reference = texts[0]
    if match == "judge":
        rubric = "The answer says the same as the reference."
        return ({"grader": "judge", "rubric": rubric},), reference
    if match == "contains":
        return ({"grader": "contains", "any": list(texts)},), reference
    more = {"any": list(texts[1:])} if texts[1:] else {}
    return ({"grader": match, "value": reference, **more},), reference
