"""lockgate drift: is a pinned model still the model that was pinned?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from console.commands.options import changing, json_option, workspace
from console.commands.output import carry_out, print_json, progress, show_dry_run
from store.errors import InputError, MachineryError

if TYPE_CHECKING:
    from console.operations.drift.baseline import Subject
    from console.operations.drift.looked import Looked
    from store.workspace import Workspace

environment_option = click.option(
    "--env", "environment", metavar="ENV", help="Where it serves; else wherever production is."
)
"""--env ENV"""


@click.group(name="drift")
def drift_command() -> None:
    """Is a pinned model still the model that was pinned?"""


@drift_command.command(name="baseline")
@click.argument("model", metavar="MODEL[@vN]")
@environment_option
@click.option(
    "--every",
    type=click.FloatRange(0, 2160),
    default=24.0,
    show_default=True,
    help="Hours between two checks by a controller; 0 for none.",
)
@click.option("--suite", is_flag=True, help="Run its evals three times too, to compare with after an alarm.")
@changing
def baseline(
    model: str,
    environment: str | None,
    every: float,
    suite: bool,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Ask a model that serves a few one-token prompts, and keep the answers with its version."""
    from console.operations.drift import baseline as verb

    here = workspace()
    wanted = verb.subject(here, model, environment)
    if dry_run:
        return show_dry_run(verb.plan(here, wanted, None, every), why, as_json)
    measured = asyncio.run(verb.measure(here, wanted, report=progress))
    code = carry_out(here, verb.plan(here, wanted, measured, every), why, dry_run, as_json)
    if suite:
        _run_suites(here, wanted)
    return code


def _run_suites(here: Workspace, wanted: Subject) -> None:
    """Keeps today's scores beside the baseline that was just taken."""
    from console.operations.drift.reading import watched
    from console.operations.drift.suite import keep_asked

    one = next(each for each in watched(here.store.at(), wanted.environment) if each.pin == wanted.pin)
    try:
        asyncio.run(keep_asked(here, one, report=progress))
    except (InputError, MachineryError) as error:
        raise type(error)(f"the baseline is taken, but its evals were not run: {error.message}") from None


@drift_command.command(name="check")
@environment_option
@click.option("--no-suite", is_flag=True, help="On an alarm, do not run the evals.")
@click.option("-m", "--why", default="", help="A note for the record of an alarm.")
@click.option("--due", "only_due", is_flag=True, help="Only what is due, as a controller does.")
@click.option("--dry-run", is_flag=True, help="Say which models would be asked, and ask none.")
@json_option
def check(
    environment: str | None, no_suite: bool, why: str, only_due: bool, dry_run: bool, as_json: bool
) -> int:
    """Ask what the baselines asked; an alarm is recorded. Exit 1: a model changed under its pin."""
    from console.commands.drift_text import checks_as_json, show_checks, show_watched
    from console.operations.drift import check as verb
    from console.operations.drift.reading import watched

    here = workspace()
    known = watched(here.store.at(), environment)
    if not known:
        raise InputError(
            f"no model in {environment or 'production'} has a drift baseline: "
            "`lockgate drift baseline MODEL@vN` takes one."
        )
    if dry_run:
        show_watched([(one, verb.due(here, one)) for one in known], as_json)
        return 0
    looked = asyncio.run(
        verb.check(here, environment, only_due=only_due, with_suite=not no_suite, why=why, report=progress)
    )
    if as_json:
        print_json(checks_as_json(looked))
    else:
        show_checks(looked)
    return _code(looked)


def _code(looked: tuple[Looked, ...]) -> int:
    """1 where one drifted, 3 where one could not be told."""
    outcomes = {one.outcome for one in looked}
    if "drift" in outcomes:
        return 1
    return 3 if "undecided" in outcomes else 0


@drift_command.command(name="report")
@environment_option
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True)
@click.option("--markdown", is_flag=True, help="As a page for people.")
@json_option
def report(environment: str | None, weeks: int, markdown: bool, as_json: bool) -> int:
    """How each category did, week by week, and what changed in between."""
    from console.commands.drift_text import report_as_json, report_as_markdown, show_report
    from console.operations.drift.report import report as look

    if markdown and as_json:
        raise InputError("--markdown and --json are two forms of the same: give one.")
    now = look(workspace(), environment, weeks)
    if as_json:
        print_json(report_as_json(now))
    elif markdown:
        report_as_markdown(now)
    else:
        show_report(now)
    return 0


__all__ = ["drift_command"]
