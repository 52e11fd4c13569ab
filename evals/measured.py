"""The answers and scores of one run, as they come in, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from evals.answer import Answer
from evals.case import Case
from evals.category import CategoryScores
from evals.confirmation import CONFIRMATIONS
from evals.runner import ArmName, Graded
from evals.statistics import SLACK
from evals.suite import Suite
from store.records.policy import Tier
from store.records.verdict import Flip
from store.text import safe_text

_SHOWN = 4_000
"""Characters of a question or an answer that a flip keeps."""


@dataclass(slots=True)
class Measured:
    """All answers of one suite's run, by arm and case."""

    suite: Suite
    name: str
    """`evals/name`."""
    tier: Tier
    compared: bool
    """Whether there is a baseline."""
    answers: int = 0
    errors: int = 0
    cached: int = 0
    _by_case: dict[tuple[ArmName, str], list[Graded]] = field(default_factory=dict)
    _errors: dict[str, int] = field(default_factory=dict)
    _running: dict[tuple[ArmName, str], tuple[float, int]] = field(default_factory=dict)

    def add(self, graded: Graded) -> None:
        """Takes one answer in."""
        self.answers += 1
        self.cached += graded.answer.cached
        if graded.score.score is None:
            self.errors += 1
            self._errors[graded.case.category] = self._errors.get(graded.case.category, 0) + 1
        else:
            total, count = self._running.get((graded.arm, graded.case.category), (0.0, 0))
            self._running[graded.arm, graded.case.category] = (total + graded.score.score, count + 1)
        self._by_case.setdefault((graded.arm, graded.case.content_hash), []).append(graded)

    def cases(self, category: str) -> tuple[Case, ...]:
        """The cases of `category` in this tier."""
        return tuple(case for case in self.suite.select(self.tier) if case.category == category)

    def category(self, name: str) -> CategoryScores:
        """What the gate judges of the category called `name`."""
        cases = self.cases(name)
        policy = next(one for one in self.suite.info.categories if one.name == name)
        return CategoryScores(
            name=name,
            suite=self.name,
            policy=policy,
            candidate=self._scores("candidate", cases),
            baseline=self._scores("baseline", cases) if self.compared else None,
            errors=self._errors.get(name, 0),
            expected=len(cases),
            must_pass=frozenset(case.content_hash for case in cases if case.must_pass),
            deterministic=self.is_deterministic(name),
            titles={case.content_hash: case.id for case in cases},
        )

    def is_deterministic(self, category: str) -> bool:
        """Whether every case was answered the same at least three times over, by every arm.

        The repeats are the A/A run: each was really asked for, or is kept from when it was.
        """
        arms: tuple[ArmName, ...] = ("candidate", "baseline") if self.compared else ("candidate",)
        return all(
            self._is_steady(self._by_case.get((arm, case.content_hash), []))
            for arm in arms
            for case in self.cases(category)
        )

    def mean(self, arm: ArmName, category: str) -> float | None:
        """The mean of the scores of `arm` so far, for watching; None before the first."""
        total, count = self._running.get((arm, category), (0.0, 0))
        return total / count if count else None

    def flips(self) -> tuple[Flip, ...]:
        """The cases whose mean score differs between the arms, the worst first."""
        if not self.compared:
            return ()
        found = [flip for case in self.suite.select(self.tier) if (flip := self._flip(case)) is not None]
        return tuple(sorted(found, key=lambda flip: flip.after - flip.before))

    def _scores(self, arm: ArmName, cases: Iterable[Case]) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for case in cases:
            graded = self._by_case.get((arm, case.content_hash), [])
            scores = [one.score.score for one in graded if one.score.score is not None]
            if scores:
                found[case.content_hash] = scores
        return found

    def _is_steady(self, graded: list[Graded]) -> bool:
        same = {_identity(one.answer) for one in graded}
        failed = any(one.score.score is None for one in graded)
        return len(graded) >= CONFIRMATIONS and len(same) == 1 and not failed

    def _flip(self, case: Case) -> Flip | None:
        before, after = self._scored("baseline", case), self._scored("candidate", case)
        if not before or not after:
            return None
        means = _mean(before), _mean(after)
        if abs(means[1] - means[0]) <= SLACK:
            return None
        repeats = [r for r in before if r in after and before[r].score.score != after[r].score.score]
        shown = before[min(repeats)] if repeats else before[min(before)]
        other = after[min(repeats)] if repeats else after[min(after)]
        return Flip(
            case=case.id,
            category=case.category,
            before=min(1.0, means[0]),
            after=min(1.0, means[1]),
            question=_cut(case.question),
            answer_before=_cut(shown.answer.text),
            answer_after=_cut(other.answer.text),
            reason=_cut("; ".join(other.score.reasons)),
        )

    def _scored(self, arm: ArmName, case: Case) -> dict[int, Graded]:
        graded = self._by_case.get((arm, case.content_hash), [])
        return {one.repeat: one for one in graded if one.score.score is not None}


def _mean(graded: Mapping[int, Graded]) -> float:
    return fmean(one.score.score for one in graded.values() if one.score.score is not None)


def _identity(answer: Answer) -> tuple[str, str | None, tuple[str, ...]]:
    return answer.text, answer.refused_by, tuple(passage.id for passage in answer.retrieved)


def _cut(text: str) -> str:
    shown = safe_text(text[:_SHOWN])
    return shown if len(text) <= _SHOWN else shown + "…"
