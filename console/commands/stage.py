"""lockgate stage."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from console.commands.limits import TIER, limited
from console.commands.options import changing, override_option, report_option, workspace
from console.commands.output import carry_out, progress, show_dry_run
from console.commands.reports import write_staged
from console.commands.verdict_text import show_verdict
from console.operations.apply import apply_again
from console.operations.plan import Plan
from store.errors import Blocked, InputError
from store.records.policy import Tier
from store.records.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from console.operations.run_options import RunOptions


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
@click.option("--tier", type=TIER, help="Run another tier than the gate wants.")
@click.option(
    "--keep-blocked",
    is_flag=True,
    help="When the gate blocks, record the release and its verdict as evidence.",
)
@report_option
@limited
@override_option
@changing
def stage_command(
    sets: tuple[str, ...],
    base: str | None,
    tier: Tier | None,
    keep_blocked: bool,
    reports: tuple[Path, ...],
    options: RunOptions,
    override: str | None,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Compose a release, run its gate, and put it into the first environment.

    --report tells of the run against what the first environment serves, whatever came of it.
    """
    from console.operations import stage

    if reports:
        from evals.reports.files import check_names

        check_names(reports)
    here = workspace()
    composition = stage.compose(here, sets, base)
    early = stage.plan(here, composition, (), override=override)
    if dry_run:
        return show_dry_run(_without_evals(early, keep_blocked), why, as_json)
    _before_evals(early, why)
    verdicts = asyncio.run(stage.gate(here, composition, tier=tier, options=options, report=progress))
    _tell(verdicts, as_json)
    plan = stage.plan(here, composition, verdicts, override=override, keep_blocked=keep_blocked)
    code, is_kept = 0, plan.verb == "block"
    try:
        if is_kept:
            apply_again(here, plan, why, report=progress)
        else:
            code = carry_out(here, plan, why, dry_run, as_json)
    finally:
        code = write_staged(here, composition, verdicts, reports) or code
    if not is_kept:
        return code
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
            show_verdict(verdict, beside=True)
