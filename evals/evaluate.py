"""Evaluates a release on one suite: both arms are run, judged, and run again where it is undecided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evals.case import Case
from evals.gate import carrying, decide
from evals.graders.base import GradeContext
from evals.graders.grading import graders_digest, judge_digest
from evals.judge.examination import examined
from evals.outcome import Evaluation, policy_digest
from evals.runner import ArmName, Graded, Job, run
from evals.running.budget import Purse
from evals.running.following import Course, State, summary
from evals.running.journal import Journal
from evals.running.lines import Entry, Key
from evals.running.noise import Noise, NoiseFloors, arm_key
from evals.running.watching import OnCategory, Watch
from evals.suite import Suite
from evals.target import Target
from store.clock import Clock, SystemClock
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.policy import Tier

__all__ = ["Arm", "OnCategory", "evaluate", "evaluation_of"]


@dataclass(frozen=True, slots=True)
class Arm:
    """A release and what answers for it."""

    release: str
    """rN."""
    digest: str
    """The release's digest."""
    target: Target
    identity: str | None = None
    """What serves it, where nothing else can change its answers: then its noise floor is kept."""


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
    journal: Journal | None = None,
    purse: Purse | None = None,
    noise: NoiseFloors | None = None,
    whole: Suite | None = None,
) -> Evaluation:
    """Runs `suite` (called `suite_pin`, `evals/name` or `evals/name@vN`) in `tier` on both arms.

    Categories that are undecided are run again along the suite's repeats, all of their cases, both
    arms. `context` is the same for both arms, so that both are measured with one embedder. What
    `journal` knows is not asked again. `whole` is the suite that `suite` was chosen from, by whose labels
    the judge is measured. Raises InputError (no cases in the tier), MachineryError
    (nothing answers), BudgetReached (of `purse`), Cancelled.
    """
    clock = clock or SystemClock()
    started = clock.now()
    name = suite_pin.partition("@")[0]
    if not suite.categories(tier):
        raise InputError(f"{name} has no cases in the tier {tier!r}: choose a larger one.")
    arms: dict[ArmName, Arm] = {"candidate": candidate}
    if baseline is not None:
        arms["baseline"] = baseline
    context, standing = await examined(whole or suite, tier, context or GradeContext(), stop)
    floors = _Floors(noise, arms, suite)
    course = Course(suite, name, tier, baseline is not None, standing, floors.known)
    watch = Watch({arm: one.release for arm, one in arms.items()}, report, on_category)
    answers = _Answers(course, journal, clock, tuple(sorted(standing.trusted)))
    while (state := answers.state()).wanted:
        seen = answers.watched(state, watch)
        await run(
            answers.jobs(state, arms),
            seen,
            concurrency=concurrency,
            context=context,
            stop=stop,
            halt=purse.is_spent if purse else never,
        )
        if purse is not None and (lacking := answers.lacking(state)):
            purse.demand(state.measured.answers, state.measured.answers + lacking)
    floors.keep(state)
    seconds = (clock.now() - started).total_seconds()
    return evaluation_of(state, course, candidate, baseline, seconds)


class _Answers:
    """The answers of one suite's run: what the journal knows, and what is asked now."""

    def __init__(
        self, course: Course, journal: Journal | None, clock: Clock, trusts: tuple[str, ...]
    ) -> None:
        self._course = course
        self._journal = journal
        self._clock = clock
        self._trusts = trusts
        self._cases = {case.content_hash: case for case in course.suite.select(course.tier)}
        self._entries: dict[Key, Entry] = {} if journal is None else journal.recall(course.name, trusts)

    def state(self) -> State:
        """Where the run stands."""
        return summary(self._entries, self._course)

    def lacking(self, state: State) -> int:
        """How many of the answers that `state` wanted did not come."""
        return sum(key not in self._entries for key in state.wanted)

    def jobs(self, state: State, arms: Mapping[ArmName, Arm]) -> list[Job]:
        """What `state` wants: the repeats of a case by one arm are one job."""
        repeats: dict[tuple[ArmName, str], list[int]] = {}
        for _, arm, case, repeat in state.wanted:
            repeats.setdefault((arm, case), []).append(repeat)
        return [
            Job(arm, arms[arm].target, self._cases[case], tuple(found))
            for (arm, case), found in repeats.items()
        ]

    def watched(self, state: State, watch: Watch) -> Callable[[Graded], None]:
        """What takes the answers of the next pass in."""
        watch.begin(state, [self._cases[key[2]].category for key in state.wanted])

        def seen(graded: Graded) -> None:
            case: Case = graded.case
            entry = Entry.of(self._course.name, graded, self._clock.now(), self._trusts)
            if self._journal is not None:
                self._journal.write(entry)
            self._entries[entry.key] = entry
            state.measured.add(entry.graded(case))
            watch.seen(state.measured, graded.arm, case.category)

        return seen


class _Floors:
    """The noise floors of the arms that have a fixed identity."""

    def __init__(self, kept: NoiseFloors | None, arms: Mapping[ArmName, Arm], suite: Suite) -> None:
        self._kept = kept
        graders = graders_digest(suite)
        self._keys = {
            name: arm_key(arm.digest, arm.identity, suite.digest, graders)
            for name, arm in arms.items()
            if arm.identity is not None
        }
        self.known: dict[ArmName, dict[str, Noise]] = (
            {} if kept is None else {name: kept.of(key) for name, key in self._keys.items()}
        )

    def keep(self, state: State) -> None:
        """Keeps what the run's repeats showed."""
        if self._kept is None:
            return
        measured = state.measured
        for arm, key in self._keys.items():
            found = {
                name: noise
                for name in measured.suite.categories(measured.tier)
                if (noise := measured.noise(arm, name)) is not None
            }
            self._kept.keep(key, found)


def evaluation_of(
    state: State, course: Course, candidate: Arm, baseline: Arm | None, seconds: float = 0.0
) -> Evaluation:
    """What a run that has come to its end is worth. Of the arms only the names and digests are read."""
    measured, suite, verdicts = state.measured, course.suite, state.verdicts
    able = carrying([measured.category(one.name) for one in verdicts if measured.counted(one.name)])
    required = [(measured.name, name) for name in suite.categories(measured.tier)]
    doubts = course.standing.doubts
    outcome, reasons = decide(
        verdicts, measured.errors, measured.answers, required=required, carrying=able, doubts=doubts
    )
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
        judge_digest=judge_digest(suite),
        doubts=doubts,
    )
