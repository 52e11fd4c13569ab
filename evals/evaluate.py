"""Evaluates a release on one suite: both arms are run, judged, and run again where it is undecided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.gate import carrying, decide, judge_categories, next_repeats, undecided
from evals.graders.base import GradeContext
from evals.graders.grading import graders_digest
from evals.measured import Measured
from evals.outcome import Evaluation, policy_digest
from evals.runner import Graded, Job, run
from evals.suite import Suite
from evals.target import Target
from store.clock import Clock, SystemClock
from store.errors import InputError
from store.progress import Progress, Report, Stop, never, silent
from store.records.policy import Tier
from store.records.verdict import CategoryVerdict

OnCategory = Callable[[str, float | None, float | None, int, int], None]
"""Called as answers come: category, the candidate's mean so far, the baseline's, answers done, of so many."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A release and what answers for it."""

    release: str
    """rN."""
    digest: str
    """The release's digest."""
    target: Target


async def evaluate(
    candidate: Arm,
    baseline: Arm | None,
    suite: Suite,
    suite_pin: str,
    tier: Tier,
    *,
    concurrency: int = 4,
    context: GradeContext | None = None,
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
    clock: Clock | None = None,
) -> Evaluation:
    """Runs `suite` (called `suite_pin`, `evals/name` or `evals/name@vN`) in `tier` on both arms.

    Categories that are undecided are run again along the suite's repeats, all of their cases, both
    arms. `context` is the same for both arms, so that both are measured with one embedder.
    Raises InputError (no cases in the tier), MachineryError (nothing answers), Cancelled.
    """
    clock = clock or SystemClock()
    started = clock.now()
    measured = Measured(suite, suite_pin.partition("@")[0], tier, baseline is not None)
    names = suite.categories(tier)
    if not names:
        raise InputError(f"{measured.name} has no cases in the tier {tier!r}: choose a larger one.")
    course = _Course(candidate, baseline, measured, report, on_category or _nobody)
    schedule = suite.info.repeats
    done = 0
    again: Sequence[str] = names
    repeats: int | None = schedule[0]
    while repeats is not None and again:
        jobs = course.jobs(again, tuple(range(done + 1, repeats + 1)))
        await run(jobs, course.seen, concurrency=concurrency, context=context, stop=stop)
        done = repeats
        verdicts = _judge(measured, names)
        again = undecided(verdicts)
        repeats = next_repeats(done, schedule)
    return _evaluation(measured, verdicts, candidate, baseline, (clock.now() - started).total_seconds())


class _Course:
    """Makes the jobs of each pass and tells how far it is."""

    def __init__(
        self, candidate: Arm, baseline: Arm | None, measured: Measured, report: Report, tell: OnCategory
    ) -> None:
        self._candidate = candidate
        self._baseline = baseline
        self._measured = measured
        self._report = report
        self._tell = tell
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._stage = ""

    def jobs(self, categories: Sequence[str], repeats: tuple[int, ...]) -> list[Job]:
        """Both arms of a case stand next to each other, so that the world is the same for both."""
        jobs: list[Job] = []
        for category in categories:
            for case in self._measured.cases(category):
                jobs.append(Job("candidate", self._candidate.target, case, repeats))
                if self._baseline is not None:
                    jobs.append(Job("baseline", self._baseline.target, case, repeats))
        for job in jobs:
            category = job.case.category
            self._total[category] = self._total.get(category, 0) + len(repeats)
        again = "" if repeats[0] == 1 else f", repeat {repeats[0]} to {repeats[-1]}"
        self._stage = f"{self._measured.name}{again}"
        return jobs

    def seen(self, graded: Graded) -> None:
        self._measured.add(graded)
        category = graded.case.category
        self._done[category] = self._done.get(category, 0) + 1
        done, total = sum(self._done.values()), sum(self._total.values())
        arm = self._candidate if graded.arm == "candidate" else self._baseline
        note = f"{category} {arm.release}" if arm else category
        self._report(Progress(self._stage, done, total, note))
        means = self._measured.mean("candidate", category), self._measured.mean("baseline", category)
        self._tell(category, *means, self._done[category], self._total[category])


def _judge(measured: Measured, names: Sequence[str]) -> tuple[CategoryVerdict, ...]:
    info = measured.suite.info
    scores = [measured.category(name) for name in names]
    return judge_categories(scores, info.alpha, max(info.repeats))


def _nobody(*_: object) -> None:
    pass


def _evaluation(
    measured: Measured,
    verdicts: tuple[CategoryVerdict, ...],
    candidate: Arm,
    baseline: Arm | None,
    seconds: float,
) -> Evaluation:
    suite = measured.suite
    able = carrying([measured.category(one.name) for one in verdicts])
    required = [(measured.name, name) for name in suite.categories(measured.tier)]
    outcome, reasons = decide(verdicts, measured.errors, measured.answers, required=required, carrying=able)
    return Evaluation(
        suite=measured.name,
        suite_digest=suite.digest,
        graders_digest=graders_digest(suite),
        policy_digest=policy_digest(suite.info, measured.tier),
        tier=measured.tier,
        release=candidate.release,
        release_digest=candidate.digest,
        baseline=baseline.release if baseline else None,
        baseline_digest=baseline.digest if baseline else None,
        outcome=outcome,
        reasons=reasons,
        categories=verdicts,
        carrying=able,
        flips=measured.flips(),
        cases=len(suite.select(measured.tier)),
        answers=measured.answers,
        errors=measured.errors,
        cached=measured.cached,
        took_seconds=max(0.0, seconds),
    )
