"""What a run says of each category: from its verdict, or from the answers that its journal has so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from console.operations.evals.journals import answers_of
from console.operations.evals.shelf import Run
from evals.graders.judge import Judged
from evals.measured import Measured
from evals.running.lines import Entry
from evals.statistics import SLACK, case_means, compare, z_score
from evals.suite import Suite, parse_suite
from store.errors import LockgateError
from store.records.component import Pin
from store.records.verdict import CategoryVerdict
from store.snapshot import Snapshot

Word = Literal["pass", "block", "inconclusive", "only warns", "too few", "so far"]
"""A category's outcome as people read it. `only warns`: its judge may not block yet. `too few`: fell, but
cannot gate. `so far`: the run has not come to its end, or nobody kept its verdict."""


@dataclass(frozen=True, slots=True)
class CategoryResult:
    """One category. Scores are means in [0, 1], differences are shares."""

    suite: str
    name: str
    word: Word
    candidate: float | None
    baseline: float | None
    cases: int
    repeats: int
    difference: float | None
    low: float | None
    high: float | None
    margin: float
    reason: str


def results_of(snapshot: Snapshot, run: Run) -> tuple[CategoryResult, ...]:
    """Every category of `run`: of its verdict if there is one, else of its journal.

    Of a journal whose suites are not in the store, or are damaged, there are none.
    """
    if run.verdict is not None:
        return tuple(_judged(one) for one in run.verdict.categories)
    if run.journal is None:
        return ()
    entries = list(answers_of(run.journal))
    suites = suites_of(snapshot, run.suites)
    return tuple(one for name, suite in suites.items() for one in _so_far(name, suite, run, entries))


def suites_of(snapshot: Snapshot, pins: Sequence[str]) -> dict[str, Suite]:
    """The suites called `evals/name@vN`, by `evals/name`; those that cannot be read are left out."""
    found: dict[str, Suite] = {}
    for text in pins:
        try:
            pin = Pin.parse(text)
            found[str(pin.component)] = parse_suite(snapshot.files(pin), text)
        except LockgateError:
            continue
    return found


def word_of(one: CategoryVerdict) -> Word:
    """How a category of a verdict is called."""
    if one.only_warns:
        return "only warns"
    return "too few" if one.only_informs else one.outcome


def _judged(one: CategoryVerdict) -> CategoryResult:
    return CategoryResult(
        suite=one.suite,
        name=one.name,
        word=word_of(one),
        candidate=one.candidate if one.cases else None,
        baseline=one.baseline,
        cases=one.cases,
        repeats=one.repeats,
        difference=one.difference,
        low=one.low,
        high=one.high,
        margin=one.margin,
        reason=one.reason,
    )


def measured_of(name: str, suite: Suite, run: Run, entries: Iterable[Entry]) -> Measured:
    """What the answers of `run` to `suite` (called `name`) come to."""
    tier = run.cases_of
    own = [entry for entry in entries if entry.suite == name]
    by_hash = {case.content_hash: case for case in suite.select(tier)}
    trusts = {kind for entry in own for kind in entry.trusts}
    warning = frozenset(
        key
        for key, case in by_hash.items()
        if all(isinstance(spec, Judged) and spec.yields not in trusts for spec in case.expect)
    )
    measured = Measured(suite, name, tier, run.baseline is not None, warning)
    for entry in own:
        if entry.case in by_hash:
            measured.add(entry.graded(by_hash[entry.case]))
    return measured


def _so_far(name: str, suite: Suite, run: Run, entries: Iterable[Entry]) -> Iterable[CategoryResult]:
    measured = measured_of(name, suite, run, entries)
    z = z_score(suite.info.alpha)
    return [_partial(measured, category, z) for category in suite.categories(measured.tier)]


def _partial(measured: Measured, name: str, z: float) -> CategoryResult:
    """The interval is told once every case has an answer of both arms: before, it would be of other cases."""
    scores = measured.category(name)
    found = compare(scores.candidate, scores.baseline or {}, deterministic=scores.is_steady)
    means = case_means(scores.candidate)
    spread = z * found.standard_error if found is not None and scores.is_complete else None
    only_warns = not measured.counted(name)
    return CategoryResult(
        suite=measured.name,
        name=name,
        word="only warns" if only_warns else "so far",
        candidate=sum(means.values()) / len(means) if means else None,
        baseline=found.baseline if found else None,
        cases=scores.scored,
        repeats=scores.repeats,
        difference=found.difference if found else None,
        low=found.difference - spread if found and spread is not None else None,
        high=found.difference + spread if found and spread is not None else None,
        margin=scores.policy.margin,
        reason=f"{scores.shown}: {scores.scored} of {scores.expected} cases have answers",
    )


def moved(before: float, after: float) -> bool:
    """Whether two mean scores differ by more than rounding."""
    return abs(after - before) > SLACK
