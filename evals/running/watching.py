"""Tells whoever watches how far a run is, and what the means are so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evals.measured import Measured
from evals.runner import ArmName
from evals.running.following import State
from store.progress import Progress, Report

OnCategory = Callable[[str, float | None, float | None, int, int], None]
"""Called as answers come: category, the candidate's mean so far, the baseline's, answers done, of so many."""


class Watch:
    """The progress of one suite's run."""

    def __init__(self, releases: Mapping[ArmName, str], report: Report, tell: OnCategory | None) -> None:
        """`releases` are the arms' ids."""
        self._releases = releases
        self._report = report
        self._tell = tell
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._stage = ""

    def begin(self, state: State, categories: Sequence[str]) -> None:
        """A pass begins: `state` says what is there and what it lacks, `categories` whose that is."""
        measured = state.measured
        self._done = {name: measured.count(name) for name in measured.suite.categories(measured.tier)}
        self._total = dict(self._done)
        for category in categories:
            self._total[category] += 1
        first, last = state.repeats
        again = "" if first == 1 else f", repeat {first} to {last}"
        self._stage = f"{measured.name}{again}"

    def seen(self, measured: Measured, arm: ArmName, category: str) -> None:
        """One more answer, which `measured` has already."""
        self._done[category] += 1
        done, total = sum(self._done.values()), sum(self._total.values())
        self._report(Progress(self._stage, done, total, f"{category} {self._releases[arm]}"))
        if self._tell is not None:
            means = measured.mean("candidate", category), measured.mean("baseline", category)
            self._tell(category, *means, self._done[category], self._total[category])
