"""Grades one answer that a user was given: by the suite's live graders, or by those of the very case.

Nobody knows the right answer here. Graders that need one are asked only where the question is a
case's own, word for word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evals.answer import Answer
from evals.case import Case, Input
from evals.graders import GraderSpec
from evals.graders.base import FULL, Grade, GradeContext
from evals.graders.citations import Citations
from evals.graders.retrieval import Retrieval
from evals.graders.similarity import Similarity
from evals.graders.text import Contains
from evals.suite import Suite
from evals.suite_live import LiveSpecs
from store.canonical import canonical_json, sha256_hex
from store.errors import LockgateError
from store.text import one_line

ANY = Contains(grader="contains", any=("?",))
"""A case has to expect something; what a live answer is graded by is not in it."""
_REFERENCE_LIMIT = 200_000
"""Characters of the passages that an answer is held against."""


@dataclass(frozen=True, slots=True)
class LiveGrade:
    """What graders say of one answer."""

    quality: float | None = None
    """The weighted mean, 0 to 1; None where no grader had a say."""
    harmful: bool | None = None
    """None where nothing was asked about it."""
    confirmed: bool | None = None
    """By a second grader; None where the answer is not called harmful, or where there is none to ask."""
    reasons: tuple[str, ...] = ()
    """One sentence per grader."""
    errors: tuple[str, ...] = ()
    """What could not be graded: machinery, to be tried again."""


@dataclass(slots=True)
class LiveGrading:
    """The live graders of a release's suites."""

    suites: Sequence[Suite]
    context: GradeContext = field(default_factory=GradeContext)
    _cases: dict[str, Case] = field(default_factory=dict)
    """By the hash of its input: the first case that asks it."""

    def __post_init__(self) -> None:
        for suite in self.suites:
            for case in suite.cases:
                self._cases.setdefault(input_hash(case.input), case)

    @property
    def can_grade(self) -> bool:
        """Whether there is anything to grade with."""
        return bool(self._cases) or any(suite.live for suite in self.suites)

    def wants_passages(self, asked: Input) -> bool:
        """Whether grading an answer to `asked` looks at the text or source of what was retrieved."""
        own = self._cases.get(input_hash(asked))
        return any(_needs_passages(spec, own) for spec in self._quality(own))

    @property
    def wants_embedder(self) -> bool:
        """Whether any grader embeds texts."""
        specs = [spec for case in self._cases.values() for spec in case.expect]
        return any(isinstance(spec, Similarity) for spec in (*specs, *self._quality(None)))

    async def grade(self, asked: Input, answer: Answer, passages_known: bool = True) -> LiveGrade:
        """The grades of `answer` to `asked`. `passages_known` is False where the application did not say
        what it had retrieved: graders of passages are then not asked."""
        own = self._cases.get(input_hash(asked))
        case = own or Case(
            id="live", input=asked, expect=(ANY,), category="live", reference=_reference(answer)
        )
        usable = [spec for spec in self._quality(own) if passages_known or not _needs_passages(spec, own)]
        graded = [(spec, await _one(spec, case, answer, self.context)) for spec in usable]
        harmful, harms = await self._harmful(case, answer)
        confirmed, opinions = await self._confirmed(case, answer) if harmful else (None, [])
        told = [*graded, *harms, *opinions]
        return LiveGrade(
            quality=_mean(graded),
            harmful=harmful,
            confirmed=confirmed,
            reasons=tuple(f"{spec.grader}: {one_line(one.reason)}" for spec, one in told),
            errors=tuple(one_line(one.error) for _, one in told if one.error is not None),
        )

    async def _harmful(
        self, case: Case, answer: Answer
    ) -> tuple[bool | None, list[tuple[GraderSpec, Grade]]]:
        return await self._missed(self._specs(lambda live: live.harmful), case, answer)

    async def _confirmed(
        self, case: Case, answer: Answer
    ) -> tuple[bool | None, list[tuple[GraderSpec, Grade]]]:
        return await self._missed(self._specs(lambda live: live.confirm), case, answer)

    async def _missed(
        self, specs: Sequence[GraderSpec], case: Case, answer: Answer
    ) -> tuple[bool | None, list[tuple[GraderSpec, Grade]]]:
        """Whether the answer misses any of `specs`; None where none could say so or all of them not."""
        graded = [(spec, await _one(spec, case, answer, self.context)) for spec in specs]
        scores = [one.score for _, one in graded]
        if any(score is not None and score < FULL for score in scores):
            return True, graded
        return (None if not scores or None in scores else False), graded

    def _quality(self, own: Case | None) -> Sequence[GraderSpec]:
        if own is not None:
            return [spec for spec in own.expect if spec.on_live]
        return self._specs(lambda live: live.quality)

    def _specs(self, part: Callable[[LiveSpecs], tuple[GraderSpec, ...]]) -> list[GraderSpec]:
        return [spec for suite in self.suites if suite.live is not None for spec in part(suite.live)]


def input_hash(asked: Input) -> str:
    """64 hex digits over what was asked: equal for a live request and a case that ask the same."""
    plain: object = asked
    if isinstance(asked, tuple):
        plain = [{"role": turn.role, "content": turn.content} for turn in asked]
    elif isinstance(asked, Mapping):
        plain = dict(asked)
    return sha256_hex(canonical_json(plain))


def _needs_passages(spec: GraderSpec, own: Case | None) -> bool:
    return isinstance(spec, Retrieval | Citations) or (isinstance(spec, Similarity) and own is None)


def _reference(answer: Answer) -> str | None:
    text = "\n\n".join(passage.text for passage in answer.retrieved if passage.text.strip())
    return text[:_REFERENCE_LIMIT] or None


async def _one(spec: GraderSpec, case: Case, answer: Answer, context: GradeContext) -> Grade:
    try:
        return await spec.grade(case, answer, context)
    except LockgateError as error:
        return Grade.ungraded(error.message)
    except Exception as error:  # an embedder or a schema may raise anything: no score, not a zero
        return Grade.ungraded(f"the grader failed: {type(error).__name__} {one_line(str(error), 100)}")


def _mean(graded: Sequence[tuple[GraderSpec, Grade]]) -> float | None:
    """None where there is none, or where one of them could not be graded."""
    if not graded or any(one.score is None for _, one in graded):
        return None
    total = math.fsum(spec.weight * (one.score or 0.0) for spec, one in graded)
    return min(1.0, max(0.0, total / math.fsum(spec.weight for spec, _ in graded)))
