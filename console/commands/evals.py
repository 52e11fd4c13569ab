"""lockgate evals: what is done around runs of evals."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console.commands.options import json_option, report_option, workspace
from console.commands.output import print_json, say


@click.group(name="evals")
def evals_command() -> None:
    """What is done around runs of evals."""


@evals_command.command(name="report")
@click.argument("release", required=False)
@click.option("--run", "key", metavar="ID", help="A verdict's id or a journal's name, or how it begins.")
@report_option
@json_option
def report(release: str | None, key: str | None, reports: tuple[Path, ...], as_json: bool) -> int:
    """Tell of the newest run of RELEASE (or of all): as Markdown, or in the files that --report names.

    Answers are whole where the run's journal is on this machine; else they are what the verdict kept.
    """
    from console.operations.evals.reporting import find_run, report_on
    from evals.reports.files import check_names, rendered, write_reports

    check_names(reports)
    here = workspace()
    made = report_on(here, here.store.at(), find_run(here, release, key))
    write_reports(made, reports)
    if as_json:
        print_json(json.loads(rendered(made, ".json")))
    elif not reports:
        say(rendered(made, ".md").decode().rstrip("\n"))
    return 0
