"""One run of a release's suites: the arms, the journal and the budget that they share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.operations.run_options import RunOptions
from store.errors import InputError
from store.progress import Report, Stop
from store.records.component import Kind
from store.records.policy import Tier
from store.records.release import Release
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from console.operations.arms import Bench
    from evals.evaluate import Arm
    from evals.outcome import Evaluation
    from evals.running.budget import Purse
    from evals.running.journal import Journal
    from evals.running.selection import Selection
    from evals.running.watching import OnCategory
    from evals.suite import Suite

RUNS = "runs"
"""Where journals are, in state/."""
NOISE = "noise"
"""Where noise floors are, in state/."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is to be run, in which manner."""

    workspace: Workspace
    snapshot: Snapshot
    release: Release
    baseline: Release | None
    tier: Tier
    options: RunOptions
    purse: Purse

    @asynccontextmanager
    async def opened(self, selection: Selection) -> AsyncIterator[Running]:
        """The run with everything open that it needs, its journal too.

        Raises InputError (no suite, nothing chosen, a price that is not known), MachineryError.
        """
        from console.operations.arms import Bench
        from evals.running.identity import lasting, run_id
        from evals.running.journal import Journal, prune
        from evals.running.lines import Start

        wholes = self._suites()
        suites = self._chosen(wholes, selection)
        async with Bench(self.workspace, self.snapshot, fresh=self.options.fresh, purse=self.purse) as bench:
            arms = {pin: await self._arms(bench, suite) for pin, suite in suites.items()}
            now = self.workspace.clock.now()
            start = Start(
                run=run_id(
                    (self.release.digest, self.baseline.digest if self.baseline else None),
                    [one.identity for pair in arms.values() for one in pair if one is not None],
                    {pin.partition("@")[0]: suite for pin, suite in suites.items()},
                    self.tier,
                    selection,
                    fresh=self.options.fresh,
                ),
                at=now,
                release=self.release.id,
                baseline=self.baseline.id if self.baseline else None,
                tier=self.tier,
                suites=tuple(suites),
            )
            folder = self.workspace.state / RUNS
            with Journal.open(folder, start, lasting=lasting(suites)) as journal:
                prune(folder, now)
                yield Running(self, bench, suites, wholes, arms, journal, selection.is_everything)

    def _suites(self) -> dict[str, Suite]:
        """By `evals/name@vN`."""
        from evals.suite import parse_suite

        pins = self.release.pins(Kind.EVALS)
        if not pins:
            raise InputError(f"{self.release.id} has no eval suite: put one in with --set evals/NAME=vN.")
        return {str(pin): parse_suite(self.snapshot.files(pin), str(pin)) for pin in pins}

    def _chosen(self, suites: dict[str, Suite], selection: Selection) -> dict[str, Suite]:
        from evals.running.selection import selected

        if selection.is_everything:
            return suites
        chosen = selected(suites.values(), self.tier, selection)
        return {pin: suite for pin, suite in zip(suites, chosen, strict=True) if suite is not None}

    async def _arms(self, bench: Bench, suite: Suite) -> tuple[Arm, Arm | None]:
        baseline = await bench.arm(self.baseline, suite) if self.baseline else None
        return await bench.arm(self.release, suite), baseline


@dataclass(frozen=True, slots=True)
class Running:
    """A run with everything open."""

    bound: Bound
    bench: Bench
    suites: Mapping[str, Suite]
    """By `evals/name@vN`, with the cases that are run."""
    wholes: Mapping[str, Suite]
    """The same with all of their cases."""
    arms: Mapping[str, tuple[Arm, Arm | None]]
    journal: Journal
    is_whole: bool
    """Whether no case was left out: only then the noise floors are used and kept."""

    async def evaluated(self, report: Report, stop: Stop, on_category: OnCategory | None) -> list[Evaluation]:
        """Every suite's evaluation, one after the other."""
        from evals.evaluate import evaluate
        from evals.running.noise import NoiseFloors

        workspace = self.bound.workspace
        found = []
        for pin, suite in self.suites.items():
            candidate, baseline = self.arms[pin]
            found.append(
                await evaluate(
                    candidate,
                    baseline,
                    suite,
                    pin,
                    self.bound.tier,
                    concurrency=workspace.settings.concurrency,
                    context=await self.bench.judging(self.bound.release, suite, pin),
                    report=report,
                    stop=stop,
                    on_category=on_category,
                    journal=self.journal,
                    purse=self.bound.purse,
                    noise=NoiseFloors(workspace.state / NOISE) if self.is_whole else None,
                    whole=self.wholes[pin],
                )
            )
        return found
