"""What the answers of a run come to so far, and which are wanted next. Pure: the journal is all it reads.

A run asks for what is wanted until nothing is; a run that was killed does the same with what its
journal kept; and whoever reads the journal afterwards arrives at the same verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evals.gate import judge_categories, next_repeats, undecided
from evals.judge.examination import Standing
from evals.measured import Measured
from evals.runner import ArmName
from evals.running.lines import Entry, Key
from evals.running.noise import Noise
from evals.suite import Suite
from store.records.policy import Tier
from store.records.verdict import ONLY_WARNS, CategoryVerdict
from store.text import one_line


@dataclass(frozen=True, slots=True)
class Course:
    """What is run, and what is known beforehand."""

    suite: Suite
    name: str
    """`evals/name`."""
    tier: Tier
    compared: bool
    """Whether there is a baseline."""
    standing: Standing = field(default_factory=Standing)
    """What the judge's word is worth."""
    floors: Mapping[ArmName, Mapping[str, Noise]] = field(default_factory=dict)
    """What earlier runs measured of the arms' noise, by category."""

    @property
    def arms(self) -> tuple[ArmName, ...]:
        """Those that answer."""
        return ("candidate", "baseline") if self.compared else ("candidate",)

    def measured(self) -> Measured:
        """Nothing measured yet."""
        cases = self.suite.select(self.tier)
        warning = frozenset(case.content_hash for case in cases if self.standing.only_warns(case))
        return Measured(self.suite, self.name, self.tier, self.compared, warning, self.floors)


@dataclass(frozen=True, slots=True)
class State:
    """How far a run is."""

    measured: Measured
    """What counts so far."""
    verdicts: tuple[CategoryVerdict, ...]
    """Of every category, after the last whole pass; empty before the first."""
    wanted: tuple[Key, ...]
    """The answers that the pass under way still lacks, in the order to ask in; empty at the end."""
    repeats: tuple[int, int]
    """The first and the last repeat of that pass."""


def summary(entries: Mapping[Key, Entry], course: Course) -> State:
    """Where `entries` bring the run: every pass that they complete is judged, as the suite's schedule says.

    Categories that are undecided are run again, all of their cases, all arms. Answers beyond what is
    wanted change nothing.
    """
    schedule = course.suite.info.repeats
    names = course.suite.categories(course.tier)
    measured = course.measured()
    verdicts: tuple[CategoryVerdict, ...] = ()
    again: Sequence[str] = names
    done, until = 0, schedule[0]
    while True:
        wanted = _add(measured, entries, course, again, range(done + 1, until + 1))
        if wanted:
            return State(measured, verdicts, wanted, (done + 1, until))
        verdicts = _judge(measured, names, course.standing)
        again = undecided(verdicts)
        following = next_repeats(until, schedule)
        if following is None or not again:
            return State(measured, verdicts, (), (done + 1, until))
        done, until = until, following


def _add(
    measured: Measured,
    entries: Mapping[Key, Entry],
    course: Course,
    categories: Sequence[str],
    repeats: Sequence[int],
) -> tuple[Key, ...]:
    """Adds one pass and returns what it lacks. Both arms of a case stand next to each other, so that
    the world is the same for both."""
    wanted: list[Key] = []
    for category in categories:
        for case in measured.cases(category):
            for arm in course.arms:
                for repeat in repeats:
                    key: Key = (course.name, arm, case.content_hash, repeat)
                    entry = entries.get(key)
                    if entry is None:
                        wanted.append(key)
                    else:
                        measured.add(entry.graded(case))
    return tuple(wanted)


def _judge(measured: Measured, names: Sequence[str], standing: Standing) -> tuple[CategoryVerdict, ...]:
    """The verdicts by name. Categories that only a judge grades are judged apart, and only warn."""
    info = measured.suite.info
    counts = [name for name in names if measured.counted(name)]
    verdicts: dict[str, CategoryVerdict] = {}
    for group in (counts, [name for name in names if name not in counts]):
        scores = [measured.category(name) for name in group]
        verdicts |= {one.name: one for one in judge_categories(scores, info.alpha, max(info.repeats))}
    return tuple(_warned(verdicts[name], measured, standing) for name in names)


def _warned(verdict: CategoryVerdict, measured: Measured, standing: Standing) -> CategoryVerdict:
    """`verdict` with a word on the cases whose judge does not count; a pass where there are no others."""
    left = [case for case in measured.cases(verdict.name) if case.content_hash in measured.only_warn]
    if not left:
        return verdict
    why = standing.why(left)
    if measured.counted(verdict.name):
        aside = f"{len(left)} more cases only warn, because nothing but a judge grades them: {why}."
        return verdict.model_copy(update={"reason": f"{verdict.reason} {aside}"})
    reason = f"{one_line(verdict.name, 100)}{ONLY_WARNS}{why}."
    return verdict.model_copy(update={"outcome": "pass", "needs_repeats": None, "reason": reason})
