"""The answers and scores of one run, as they come in, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, variance

from evals.answer import Answer
from evals.case import Case
from evals.category import CategoryScores
from evals.confirmation import CONFIRMATIONS
from evals.runner import ArmName, Graded
from evals.running.noise import Noise, spread
from evals.statistics import SLACK
from evals.suite import Suite
from store.canonical import canonical_json, sha256_hex
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
    only_warn: frozenset[str] = frozenset()
    """Content hashes of cases whose score is told but does not count."""
    floors: Mapping[ArmName, Mapping[str, Noise]] = field(default_factory=dict)
    """The noise floors that earlier runs measured, by arm and category."""
    answers: int = 0
    errors: int = 0
    cached: int = 0
    _by_case: dict[tuple[ArmName, str], list[Graded]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _errors: dict[str, int] = field(default_factory=dict)
    _running: dict[tuple[ArmName, str], tuple[float, int]] = field(default_factory=dict)

    def add(self, graded: Graded) -> None:
        """Takes one answer in."""
        self.answers += 1
        self._counts[graded.case.category] = self._counts.get(graded.case.category, 0) + 1
        self.cached += graded.answer.cached
        if graded.score.score is None and not self._is_spared(graded):
            self.errors += 1
            self._errors[graded.case.category] = self._errors.get(graded.case.category, 0) + 1
        elif graded.score.score is not None:
            total, count = self._running.get((graded.arm, graded.case.category), (0.0, 0))
            self._running[graded.arm, graded.case.category] = (total + graded.score.score, count + 1)
        self._by_case.setdefault((graded.arm, graded.case.content_hash), []).append(graded)

    def cases(self, category: str) -> tuple[Case, ...]:
        """The cases of `category` in this tier."""
        return tuple(case for case in self.suite.select(self.tier) if case.category == category)

    def counted(self, category: str) -> tuple[Case, ...]:
        """The cases of `category` whose score counts."""
        return tuple(case for case in self.cases(category) if case.content_hash not in self.only_warn)

    def category(self, name: str) -> CategoryScores:
        """What the gate judges of the category called `name`: cases that count, or all where none does."""
        cases = self.counted(name) or self.cases(name)
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
            deterministic=self._is_deterministic(name, cases),
            titles={case.content_hash: case.id for case in cases},
        )

    def noise(self, arm: ArmName, name: str) -> Noise | None:
        """The noise floor of `arm` in the category called `name`; None before it was asked three times."""
        cases = self.counted(name) or self.cases(name)
        scores = self._scores(arm, cases)
        repeats = min((len(one) for one in scores.values()), default=0)
        if repeats < CONFIRMATIONS or len(scores) < len(cases):
            return None
        varies = spread([variance(one) for one in scores.values()])
        same = self._answered(arm, cases) if varies <= SLACK else ""
        return Noise(cases=len(cases), repeats=repeats, spread=varies, answers=same)

    def count(self, category: str) -> int:
        """Answers in `category` so far, by all arms."""
        return self._counts.get(category, 0)

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

    def _is_deterministic(self, name: str, cases: Sequence[Case]) -> bool:
        """Whether each of `cases` was answered the same at least three times over, by every arm.

        The repeats are the A/A run: each was really asked for, or is kept from when it was. Those of an
        earlier run count for an arm that now gives the very answers that it gave then.
        """
        arms: tuple[ArmName, ...] = ("candidate", "baseline") if self.compared else ("candidate",)
        return all(self._never_varies(arm, name, cases) for arm in arms)

    def _never_varies(self, arm: ArmName, name: str, cases: Sequence[Case]) -> bool:
        if all(self._is_steady(self._by_case.get((arm, case.content_hash), [])) for case in cases):
            return True
        known = self.floors.get(arm, {}).get(name)
        return known is not None and known.is_none and known.answers == self._answered(arm, cases)

    def _answered(self, arm: ArmName, cases: Sequence[Case]) -> str:
        """A hash of what `arm` answered and scored; empty where a case failed, varies or is missing."""
        found = []
        for case in cases:
            graded = self._by_case.get((arm, case.content_hash), [])
            same = {(*_identity(one.answer), one.score.score) for one in graded}
            if len(same) != 1 or any(one.score.score is None for one in graded):
                return ""
            found.append([case.content_hash, *next(iter(same))])
        return sha256_hex(canonical_json(sorted(found, key=lambda one: str(one[0]))))

    def _is_spared(self, graded: Graded) -> bool:
        """Whether only a grader failed whose word would not have counted."""
        return graded.answer.error is None and graded.case.content_hash in self.only_warn

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
