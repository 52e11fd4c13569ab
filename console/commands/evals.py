"""lockgate evals: what is done around runs of evals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.limits import TIER
from console.commands.options import FILE, json_option, report_option, version_options, workspace
from console.commands.output import aside, print_json, say, show_applied, show_dry_run
from store.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evals.imports.formats import Format
    from evals.imports.found import Match, Said
    from evals.imports.suite_files import Imported, Wishes
    from store.records.policy import Tier

_SHOWN = 200


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


@evals_command.command(name="import")
@click.argument("source", metavar="FILE", type=FILE)
@click.option("--as", "name", metavar="NAME", help="The suite whose next version it becomes.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Write the suite there instead."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("promptfoo", "openai-evals", "inspect", "csv")),
    help="Else the file's ending and what stands in it say.",
)
@click.option(
    "--match",
    type=click.Choice(("equals", "contains", "fuzzy", "judge")),
    default="equals",
    show_default=True,
    help="How an answer is held against an expected one, where the file does not say.",
)
@click.option("--judge", metavar="model/NAME@vN", help="Who answers what wants a judge.")
@click.option("--category", default="general", show_default=True, help="Of cases that name none.")
@click.option("--tier", type=TIER, default="full", show_default=True, help="Of cases that name none.")
@click.option("--skip-unsupported", is_flag=True, help="Leave out what cannot be kept.")
@version_options("counted")
def import_command(
    source: Path,
    name: str | None,
    out: Path | None,
    form: Format | None,
    match: Match,
    judge: str | None,
    category: str,
    tier: Tier,
    skip_unsupported: bool,
    what: str,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Bring in an eval set of promptfoo, OpenAI evals, inspect, or plain CSV.

    Nothing in the file is run. What has no counterpart is listed by its line, and refused unless
    --skip-unsupported leaves it out.
    """
    from console.operations.evals import importing
    from evals.imports.suite_files import Wishes

    if (name is None) == (out is None):
        raise InputError("say where it goes: --as NAME for the next version of a suite, or --out FOLDER.")
    wishes = Wishes(category, tier, judge, skip_unsupported)
    imported = _read(source, wishes, form, match)
    told = importing.as_data(imported)
    if out is not None:
        if not dry_run:
            importing.write(out, imported)
        return _written(out, imported, dry_run, as_json)
    here = workspace()
    plan = importing.plan(here, str(name), imported, source.name, what)
    if dry_run:
        return show_dry_run(plan, why, as_json, {"import": told})
    _list((*imported.left_out, *imported.remarks))
    from console.operations.apply import apply_again

    applied = apply_again(here, plan, why)
    if as_json:
        record = applied.record.model_dump(mode="json")
        print_json({**record, "commit": applied.commit, "problems": list(applied.problems), "import": told})
    else:
        show_applied(applied, plan, False)
    return 0


def _read(source: Path, wishes: Wishes, form: Format | None, match: Match) -> Imported:
    """Lists what cannot be kept, each by its line, before that is refused."""
    from console.operations.evals import importing
    from evals.imports.suite_files import Unsupported

    try:
        return importing.read(source, wishes, format=form, match=match)
    except Unsupported as error:
        _list(error.said)
        raise


def _written(out: Path, imported: Imported, dry_run: bool, as_json: bool) -> int:
    from console.operations.evals import importing

    if as_json:
        print_json({"folder": str(out), "dry_run": dry_run, "import": importing.as_data(imported)})
        return 0
    _list((*imported.left_out, *imported.remarks))
    done = "Would write" if dry_run else "Wrote"
    say(f"{done} {imported.cases:,} cases to {out}; `lockgate add evals NAME --from {out}` adds them.")
    return 0


def _list(said: Sequence[Said]) -> None:
    for one in said[:_SHOWN]:
        aside(f"  {one}")
    if len(said) > _SHOWN:
        aside(f"  and {len(said) - _SHOWN:,} more")
