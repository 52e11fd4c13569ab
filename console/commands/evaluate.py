"""lockgate eval."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from console.commands.limits import TIER, limited
from console.commands.options import changing, report_option, workspace
from console.commands.output import print_json, progress, say
from console.commands.reports import write_reports
from console.commands.verdict_text import show_verdict, verdict_as_json
from console.operations.apply import apply_again
from console.operations.counted import counted
from store.errors import Blocked, Inconclusive
from store.records.policy import Tier
from store.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from console.operations.evaluate import Task
    from console.operations.run_options import RunOptions
    from evals.outcome import Evaluation
    from evals.running.selection import Selection

_CODE = {"pass": 0, "block": 1, "inconclusive": 3}


@click.command(name="eval")
@click.argument("release")
@click.option(
    "--against",
    metavar="REF",
    help="The baseline: a release or an environment; else what the first environment serves.",
)
@click.option("--no-baseline", is_flag=True, help="Judge by floors, must-pass and zero tolerance alone.")
@click.option("--tier", type=TIER, help="Else the tier that the first environment's gate wants.")
@click.option("--category", "categories", multiple=True, help="Look at this category only.")
@click.option("--tag", "tags", multiple=True, help="Look at cases with this tag only.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Look at this case only.")
@click.option("--limit", type=click.IntRange(1), help="Look at no more than so many cases of each suite.")
@report_option
@limited
@changing
def eval_command(
    release: str,
    against: str | None,
    no_baseline: bool,
    tier: Tier | None,
    categories: tuple[str, ...],
    tags: tuple[str, ...],
    cases: tuple[str, ...],
    limit: int | None,
    reports: tuple[Path, ...],
    options: RunOptions,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Evaluate a release and commit the verdict as evidence. Exits 0, 1, 3 or 4.

    With --category, --tag, --case or --limit it only looks: what comes out is printed, no verdict is kept,
    and it never exits with 0.
    """
    from console.operations import evaluate
    from evals.running.selection import Selection

    if reports:
        from evals.reports.files import check_names

        check_names(reports)
    here = workspace()
    selection = Selection(categories, tags, cases, limit)
    task = evaluate.prepare(here, release, against, no_baseline=no_baseline, tier=tier)
    if dry_run:
        if as_json:
            print_json(
                {"dry_run": True, "release": task.release.id, "baseline": task.baseline_id, "tier": task.tier}
            )
        else:
            against = task.baseline_id or "no baseline"
            say(f"Would evaluate {task.release.id} against {against} on the {task.tier} tier.")
        return 0
    if not selection.is_everything:
        found = asyncio.run(evaluate.look(here, task, selection, options=options, report=progress))
        return _show_look(here, task, found, selection, reports, as_json)
    verdict = asyncio.run(evaluate.run(here, task, options=options, report=progress))
    applied = apply_again(here, evaluate.plan(here, verdict), why, report=progress)
    unwritten = write_reports(here, verdict, reports, kept_as=applied.record.evidence[0])
    if as_json:
        print_json({**verdict_as_json(verdict), "record": applied.record.id, "commit": applied.commit})
        return _CODE[verdict.outcome] or unwritten
    show_verdict(verdict)
    if verdict.outcome == "block":
        raise Blocked(f"{verdict.release} is blocked: {'; '.join(verdict.reasons)}", verdict.reasons)
    if verdict.outcome == "inconclusive":
        raise Inconclusive(f"{verdict.release} is undecided: {'; '.join(verdict.reasons)}", verdict.reasons)
    return unwritten


def _show_look(
    here: Workspace,
    task: Task,
    found: Sequence[Evaluation],
    selection: Selection,
    reports: Sequence[Path],
    as_json: bool,
) -> int:
    """Prints what came of some of the cases, as a verdict would be printed, and says that it is none."""
    from ulid import ULID

    from evals.outcome import to_verdict

    now = here.clock.now()
    seen = to_verdict(found, str(ULID.from_datetime(now)), now)
    write_reports(here, seen, reports, look=task)
    told = (
        f"this was a look at {selection.words()} ({counted(seen.cases, 'case')}): no verdict is kept of it."
    )
    if as_json:
        print_json({**verdict_as_json(seen), "look": selection.words(), "record": None})
        return _CODE["block"] if seen.outcome == "block" else _CODE["inconclusive"]
    show_verdict(seen)
    if seen.outcome == "block":
        raise Blocked(f"{seen.release} would be blocked; {told}", seen.reasons)
    raise Inconclusive(told[0].upper() + told[1:], seen.reasons)
