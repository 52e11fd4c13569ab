"""The suite of what serves, asked again: how its scores were when the model was known to be good, and now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from console.operations.drift.reading import Watched, file_of
from console.operations.run_options import USUAL
from store.errors import InputError, MachineryError
from store.progress import Progress, Report, Stop, never, silent
from store.records.component import Kind, Pin
from store.records.policy import Tier
from store.records.release import Release
from store.records.verdict import ERROR_SHARE
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.file import Score
    from evals.drift.paired import Categories, Moved
    from evals.runner import Graded
    from evals.suite import Suite

TIER: Tier = "full"
REPEATS = (1, 2, 3)


async def keep_asked(
    workspace: Workspace, one: Watched, *, report: Report = silent, stop: Stop = never
) -> int:
    """Runs the suites now and keeps the scores as those from before a change. Returns how many. Raises as
    `ask` does."""
    from evals.drift.file import BEFORE, Run

    scores = await ask(workspace, workspace.store.at(), one.release, report=report, stop=stop)
    now = workspace.clock.now().timestamp()
    file_of(workspace).keep_scores(one.baseline.id, Run(BEFORE, now, one.release.id), scores)
    return len(scores)


async def compared(
    workspace: Workspace, snapshot: Snapshot, one: Watched, *, report: Report = silent, stop: Stop = never
) -> tuple[Moved, ...]:
    """Every category, before against now. What was asked after this very alarm is not asked again.

    Raises InputError where nothing is known from before, else as `ask` does.
    """
    from evals.drift.file import BEFORE, Run
    from evals.drift.paired import movements

    file = file_of(workspace)
    before = file.scores(one.baseline.id, BEFORE)
    if not before:
        raise InputError(
            "no scores are known from before; `lockgate drift baseline` with --suite keeps some next time."
        )
    run = next((run for run in reversed(file.runs(one.baseline.id)) if run.name != BEFORE), None)
    if run is None:
        asked = await ask(workspace, snapshot, one.release, report=report, stop=stop)
        now = workspace.clock.now()
        run = Run(now.isoformat(), now.timestamp(), one.release.id)
        file.keep_scores(one.baseline.id, run, asked)
    asked = file.scores(one.baseline.id, run.name)
    suites = suites_of(snapshot, one.release)
    moved = movements(by_category(before, suites), by_category(asked, suites))
    if not moved:
        raise InputError("the scores that are known from before are of other cases.")
    return moved


async def ask(
    workspace: Workspace, snapshot: Snapshot, release: Release, *, report: Report = silent, stop: Stop = never
) -> tuple[Score, ...]:
    """The scores of every case of the full tier, each asked anew three times.

    Raises InputError (no suite), MachineryError (over 1 % without a score), BudgetReached, Cancelled.
    """
    from console.operations.arms import Bench
    from evals.runner import Job, run

    suites = suites_of(snapshot, release)
    if not suites:
        raise InputError(f"{release.id} has no eval suite.")
    purse = USUAL.purse(workspace)
    wanted = sum(len(suite.select(TIER)) for suite in suites.values()) * len(REPEATS)
    found: list[Score | None] = []
    async with Bench(workspace, snapshot, fresh=True, purse=purse) as bench:
        for pin, suite in suites.items():
            arm = await bench.arm(release, suite)
            await run(
                [Job("candidate", arm.target, case, REPEATS) for case in suite.select(TIER)],
                _collect(found, pin, wanted, report),
                concurrency=workspace.settings.concurrency,
                context=await bench.judging(release, suite, pin),
                stop=stop,
                halt=purse.is_spent,
            )
    if len(found) < wanted:
        purse.demand(len(found), wanted)
    scores = tuple(one for one in found if one is not None)
    if wanted - len(scores) > ERROR_SHARE * wanted:
        raise MachineryError(f"{wanted - len(scores)} of {wanted} answers have no score.")
    return scores


def _collect(found: list[Score | None], pin: str, wanted: int, report: Report) -> Callable[[Graded], None]:
    from evals.drift.file import Score

    def seen(graded: Graded) -> None:
        value = graded.score.score
        found.append(None if value is None else Score(pin, graded.case.content_hash, value))
        report(Progress(pin, len(found), wanted))

    return seen


def suites_of(snapshot: Snapshot, release: Release) -> dict[str, Suite]:
    """The suites of `release`, by `evals/name@vN`."""
    from evals.suite import parse_suite

    pins: tuple[Pin, ...] = release.pins(Kind.EVALS)
    return {str(pin): parse_suite(snapshot.files(pin), str(pin)) for pin in pins}


def by_category(scores: Iterable[Score], suites: dict[str, Suite]) -> Categories:
    """The scores of the cases that `suites` hold."""
    places = {
        (pin, case.content_hash): case.category for pin, suite in suites.items() for case in suite.cases
    }
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for one in scores:
        category = places.get((one.suite, one.case_hash))
        if category is not None:
            cases = found.setdefault((one.suite, category), {})
            cases.setdefault(one.case_hash, []).append(one.score)
    return found
