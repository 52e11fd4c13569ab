"""What all graders share: their arguments, what they are given, what they return."""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from evals.answer import Answer
from store.records.base import Strict

if TYPE_CHECKING:
    from evals.case import Case

FULL = 1.0 - 1e-9
"""A score from here on is full: weighted means of ones are inexact in binary."""


@dataclass(frozen=True, slots=True)
class Grade:
    """One grader's word on one answer."""

    score: float | None
    """In [0, 1]; None where it could not be graded, which is never a zero."""
    reason: str
    """One sentence for people."""
    error: str | None = None
    """What failed, where `score` is None."""

    def __post_init__(self) -> None:
        if self.score is not None and not (math.isfinite(self.score) and 0 <= self.score <= 1):
            raise ValueError(f"a score is a number from 0 to 1, not {self.score!r}")

    @classmethod
    def ungraded(cls, error: str) -> Grade:
        """The grade of an answer that could not be graded."""
        return cls(None, error, error)

    @classmethod
    def of(cls, good: bool, reason: str) -> Grade:
        """1 or 0."""
        return cls(1.0 if good else 0.0, reason)


@dataclass(frozen=True, slots=True)
class GradeContext:
    """What graders may use besides the case and its answer."""

    embed: Callable[[Sequence[str]], Any] | None = None
    """Texts to an array of one vector each, by the embedder of the release's index. May block."""


class Spec(Strict, ABC):
    """A grader with its arguments, as one entry of a case's `expect`. Each grader is a subclass."""

    version: ClassVar[int] = 1
    """Counts up when the same arguments would score the same answer differently."""
    weight: float = Field(default=1.0, gt=0, le=1000)
    """Its share in the case's weighted mean."""

    def lacks(self, case: Case) -> tuple[str, str] | None:  # noqa: ARG002
        """(field, sentence) for what the case must carry for this grader and does not; None when fine."""
        return None

    @abstractmethod
    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:
        """The grade of `answer`, which has no error. May raise LockgateError: then it is ungraded."""


def normalised(text: str) -> str:
    """`text` for comparing words: compatible forms, straight quotes, lower case, single spaces."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    return " ".join(plain.casefold().split())
