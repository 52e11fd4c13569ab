"""What all graders share: their arguments, what they are given, what they return."""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from evals.answer import Answer
from store.records.base import Strict

if TYPE_CHECKING:
    from evals.case import Case
    from evals.judge.judging import Judge
    from store.settings import Price

Yields = Literal["verdict", "score"]
"""What a judge is asked for in the end: yes or no, or a number from 1 to 5."""
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
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By model id as it is pinned."""
    allowed_callables: tuple[str, ...] = ()
    """`module` or `module:function`: what this machine's settings let graders of people's own run."""
    judge: Judge | None = None
    """What answers the grader `judge`; None where no suite needs it, or nobody opened it."""
    trusted: frozenset[Yields] = frozenset()
    """What the judge was shown to agree with people on: only there may its word hold a release back."""
    repeat: int = 1
    """The how-manieth answer to the case this is, from 1: a judge votes anew on each."""


class Spec(Strict, ABC):
    """A grader with its arguments, as one entry of a case's `expect`. Each grader is a subclass."""

    version: ClassVar[int] = 1
    """Counts up when the same arguments would score the same answer differently."""
    weight: float = Field(default=1.0, gt=0, le=1000)
    """Its share in the case's weighted mean."""
    on_live: ClassVar[bool] = True
    """Whether it can be asked about an answer to a user."""

    def lacks(self, case: Case) -> tuple[str, str] | None:  # noqa: ARG002
        """(field, sentence) for what the case must carry for this grader and does not; None when fine."""
        return None

    def only_warns(self, context: GradeContext) -> bool:  # noqa: ARG002
        """Whether its grade is told but not counted."""
        return False

    @abstractmethod
    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:
        """The grade of `answer`, which has no error. May raise LockgateError: then it is ungraded."""


def normalised(text: str) -> str:
    """`text` for comparing words: compatible forms, straight quotes, lower case, single spaces."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    return " ".join(plain.casefold().split())
