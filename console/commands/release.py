"""lockgate stage, eval, plan, promote, switch, rollback, clear."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from console.commands.options import (
    Number,
    changing,
    json_option,
    override_option,
    report_option,
    workspace,
)
from console.commands.output import carry_out, print_json, progress, say, show_dry_run, warn
from console.commands.verdict_text import show_verdict, verdict_as_json
from console.operations.apply import apply_again
from console.operations.counted import counted
from console.operations.plan import Plan
from store.errors import Blocked, Inconclusive, InputError, LockgateError
from store.records.policy import TIERS, Tier
from store.records.verdict import Verdict
from store.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from console.operations.evaluate import Task
    from console.operations.run_options import RunOptions
    from evals.outcome import Evaluation
    from evals.running.selection import Selection

_TIER = click.Choice(TIERS)
_CODE = {"pass": 0, "block": 1, "inconclusive": 3}
_LIMITS = (
    click.option(
        "--fresh", is_flag=True, help="Ask everything anew, whatever answers are kept from earlier runs."
    ),
    click.option("--max-usd", type=Number(0, min_open=True), help="Stop at so many US dollars, undecided."),
    click.option("--max-tokens", type=click.IntRange(1), help="Stop at so many tokens, undecided."),
    click.option(
        "--max-minutes",
        type=Number(0, min_open=True),
        help="Stop after so many minutes, undecided.",
    ),
)


def _limited(command: Callable[..., int]) -> Callable[..., int]:
    """Gives the options of RunOptions, as `options`."""

    @functools.wraps(command)
    def called(
        *,
        fresh: bool,
        max_usd: float | None,
        max_tokens: int | None,
        max_minutes: float | None,
        **rest: Any,
    ) -> int:
        from console.operations.run_options import RunOptions

        return command(options=RunOptions(fresh, max_usd, max_tokens, max_minutes), **rest)

    for option in reversed(_LIMITS):
        called = option(called)
    return called


@click.command(name="stage")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KIND/NAME=vN",
    help="A version to put in; without =vN the newest.",
)
@click.option(
    "--base",
    metavar="REF",
    help="A release or environment to start from; else what the first environment serves.",
)
@click.option("--tier", type=_TIER, help="Run another tier than the gate wants.")
@click.option(
    "--keep-blocked",
    is_flag=True,
    help="When the gate blocks, record the release and its verdict as evidence.",
)
@_limited
@override_option
@changing
def stage_command(
    sets: tuple[str, ...],
    base: str | None,
    tier: Tier | None,
    keep_blocked: bool,
    options: RunOptions,
    override: str | None,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Compose a release, run its gate, and put it into the first environment."""
    from console.operations import stage

    here = workspace()
    composition = stage.compose(here, sets, base)
    early = stage.plan(here, composition, (), override=override)
    if dry_run:
        return show_dry_run(_without_evals(early, keep_blocked), why, as_json)
    _before_evals(early, why)
    verdicts = asyncio.run(stage.gate(here, composition, tier=tier, options=options, report=progress))
    _tell(verdicts, as_json)
    plan = stage.plan(here, composition, verdicts, override=override, keep_blocked=keep_blocked)
    if plan.verb != "block":
        return carry_out(here, plan, why, dry_run, as_json)
    apply_again(here, plan, why, report=progress)
    raise Blocked(
        f"{plan.release} is blocked: {'; '.join(verdicts[0].reasons) or 'the gate said no'} "
        "It is kept as evidence; no environment was changed.",
        verdicts[0].reasons,
    )


def _before_evals(plan: Plan, why: str) -> None:
    """Refuses what no verdict can mend before minutes are spent on one. Raises Blocked or InputError."""
    others = tuple(check for check in plan.checks if check.name != "gate")
    dataclasses.replace(plan, checks=others).demand()
    if plan.note_required and not why.strip():
        raise InputError(
            f"{plan.title}: {plan.environment} wants a note: say why with -m. Nothing was changed."
        )


def _without_evals(plan: Plan, keep_blocked: bool) -> Plan:
    """The plan of a dry run, which runs no evals: the gate is said to be open, not unmet."""
    told = tuple(
        dataclasses.replace(check, verdict="warn", text="a dry run runs no evals; staging runs them first.")
        if check.name == "gate" and check.verdict == "unmet"
        else check
        for check in plan.checks
    )
    kept = (
        f"should the gate block it, {plan.release} and its verdict are kept as evidence and no environment "
        "changes",
    )
    return dataclasses.replace(plan, checks=told, effects=plan.effects + (kept if keep_blocked else ()))


def _tell(verdicts: Sequence[Verdict], as_json: bool) -> None:
    for verdict in verdicts:
        if not as_json:
            show_verdict(verdict, file=sys.stderr)


@click.command(name="eval")
@click.argument("release")
@click.option(
    "--against",
    metavar="REF",
    help="The baseline: a release or an environment; else what the first environment serves.",
)
@click.option("--no-baseline", is_flag=True, help="Judge by floors, must-pass and zero tolerance alone.")
@click.option("--tier", type=_TIER, help="Else the tier that the first environment's gate wants.")
@click.option("--category", "categories", multiple=True, help="Look at this category only.")
@click.option("--tag", "tags", multiple=True, help="Look at cases with this tag only.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Look at this case only.")
@click.option("--limit", type=click.IntRange(1), help="Look at no more than so many cases of each suite.")
@report_option
@_limited
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
    unwritten = _write_reports(here, verdict, reports, kept_as=applied.record.evidence[0])
    if as_json:
        print_json({**verdict_as_json(verdict), "record": applied.record.id, "commit": applied.commit})
        return _CODE[verdict.outcome] or unwritten
    show_verdict(verdict)
    if verdict.outcome == "block":
        raise Blocked(f"{verdict.release} is blocked: {'; '.join(verdict.reasons)}", verdict.reasons)
    if verdict.outcome == "inconclusive":
        raise Inconclusive(f"{verdict.release} is undecided: {'; '.join(verdict.reasons)}", verdict.reasons)
    return unwritten


def _write_reports(
    here: Workspace,
    verdict: Verdict,
    paths: Sequence[Path],
    *,
    kept_as: str | None = None,
    look: Task | None = None,
) -> int:
    """Writes the reports that were asked for. What came of the run stands, so trouble is told, not raised:
    returns the code that a passed run then ends with."""
    if not paths:
        return 0
    from console.operations.evals.reporting import write_verdict

    try:
        write_verdict(here, verdict, paths, kept_as=kept_as, look=look)
    except LockgateError as error:
        again = f" `lockgate evals report {verdict.release} --report FILE` writes it." if kept_as else ""
        warn(f"the report was not written: {error.message}{again}")
        return error.exit_code
    return 0


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
    _write_reports(here, seen, reports, look=task)
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


@click.command(name="plan")
@click.argument("release")
@click.option("--to", "environment", required=True, metavar="ENV")
@click.option("--supersede", is_flag=True, help="As if it took the place of a rollout that is on its way.")
@json_option
def plan_command(release: str, environment: str, supersede: bool, as_json: bool) -> int:
    """What a promotion would do: what changes, its steps, and how long each needs at the traffic seen.

    Changes nothing, and asks for no note.
    """
    from console.operations import promote

    plan = promote.plan(workspace(), release, environment, supersede=supersede)
    return show_dry_run(dataclasses.replace(plan, note_required=False), "", as_json)


@click.command(name="promote")
@click.argument("release")
@click.option("--to", "environment", required=True, metavar="ENV")
@click.option("--supersede", is_flag=True, help="Take the place of a rollout that is on its way.")
@override_option
@changing
def promote_command(
    release: str,
    environment: str,
    supersede: bool,
    override: str | None,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move a release into an environment, by the steps of its policy."""
    from console.operations import promote

    here = workspace()
    plan = promote.plan(here, release, environment, override=override, supersede=supersede)
    return carry_out(here, plan, why, dry_run, as_json)


@click.command(name="switch")
@click.argument("version", metavar="KIND/NAME@vN")
@click.option("--env", "environment", required=True, metavar="ENV")
@override_option
@changing
def switch_command(
    version: str, environment: str, override: str | None, why: str, dry_run: bool, as_json: bool
) -> int:
    """Change one component of an environment now."""
    from console.operations import switch

    here = workspace()
    return carry_out(here, switch.plan(here, version, environment, override=override), why, dry_run, as_json)


@click.command(name="rollback")
@click.option("--env", "environment", required=True, metavar="ENV")
@click.option("--only", multiple=True, metavar="KIND[/NAME]", help="Only this component; may be given again.")
@changing
def rollback_command(environment: str, only: tuple[str, ...], why: str, dry_run: bool, as_json: bool) -> int:
    """Go back to what served before: everything, or only some components. Never waits for evals."""
    from console.operations import rollback

    here = workspace()
    return carry_out(here, rollback.plan(here, environment, only), why, dry_run, as_json)


@click.command(name="clear")
@click.argument("release")
@changing
def clear_command(release: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Let a release that was rolled back be promoted again."""
    from console.operations import clear

    here = workspace()
    return carry_out(here, clear.plan(here, release), why, dry_run, as_json)


__all__ = [
    "clear_command",
    "eval_command",
    "json_option",
    "plan_command",
    "promote_command",
    "rollback_command",
    "stage_command",
    "switch_command",
]
