"""lockgate check."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.commands.limits import limited
from console.commands.options import FILE, FOLDER, json_option, workspace
from console.commands.output import print_json, progress, say
from console.operations.counted import counted
from console.operations.run_options import USUAL, RunOptions
from store.errors import InputError, LockgateError

if TYPE_CHECKING:
    from console.operations.check import Checked
    from console.operations.proposal.propose import Outcomes
    from store.workspace import Workspace

_OUT = click.Path(path_type=Path)


@click.command(name="check")
@click.option(
    "--clone",
    type=FOLDER,
    help="A git clone of a store instead of a workspace, as a pull request's CI has it.",
)
@click.option("--ref", help="A branch, a tag or a commit.  [default: main; HEAD with --clone or --base]")
@click.option(
    "--base",
    metavar="REF",
    help="Check what changes from there, such as origin/main, and evaluate it against what is served.",
)
@click.option("--no-evals", is_flag=True, help="With --base: only read.")
@click.option("--markdown", type=_OUT, metavar="FILE", help="With --base: what came of it, for people.")
@click.option("--junit", type=_OUT, metavar="FILE", help="With --base: what came of it, for a CI server.")
@click.option("--settings", type=FILE, help="With a clone: the settings.toml that says which hosts and keys.")
@click.option("--indexes", type=FOLDER, help="With a clone: a folder with the bytes of index versions.")
@click.option("--state", type=_OUT, metavar="FOLDER", help="With a clone: where answers are kept.")
@limited
@json_option
def check_command(
    clone: Path | None,
    ref: str | None,
    base: str | None,
    no_evals: bool,
    markdown: Path | None,
    junit: Path | None,
    settings: Path | None,
    indexes: Path | None,
    state: Path | None,
    options: RunOptions,
    as_json: bool,
) -> int:
    """Read every file of the store and say which is malformed: what a pull request's CI runs.

    With --base it is told of a change: landed versions must stay, and the new versions are evaluated
    together with the rest of what production serves. Exits 0, 1 (blocked), 2 (not well), 3 or 4.
    """
    if base is None:
        if no_evals or any((markdown, junit, settings, indexes, state)) or options != USUAL:
            raise InputError("that option goes with --base, which says what the change is held against.")
        return _check_all(clone, ref, as_json)
    from console.operations.proposal import propose, told
    from evals.reports.files import check_place
    from store.git.durability import write_atomically

    for path in filter(None, (markdown, junit)):
        check_place(path)
    here = _place(clone, settings, indexes, state)
    proposal = propose.read(here, base, ref or "HEAD", report=progress)
    done = (
        propose.Outcomes(proposal)
        if no_evals
        else asyncio.run(propose.judge(here, proposal, options=options, report=progress))
    )
    if markdown is not None:
        write_atomically(markdown, told.as_markdown(done))
    if junit is not None:
        write_atomically(junit, told.as_junit(done))
    return _show(done, told.as_data(done), as_json)


def _place(clone: Path | None, settings: Path | None, indexes: Path | None, state: Path | None) -> Workspace:
    """The clone that is named, else the workspace, else the clone that the current folder is in."""
    from console.operations.proposal.clone import Clone

    if clone is None:
        try:
            here = workspace()
        except InputError:
            named = click.get_current_context().find_root().obj or os.environ.get("LOCKGATE_WORKSPACE")
            clone = None if named else Clone.around(Path.cwd())
            if clone is None:
                raise
        else:
            if any((settings, indexes, state)):
                raise InputError(
                    "a workspace has its own settings, indexes and state: leave those options out, or name a "
                    "clone with --clone."
                )
            return here
    return Clone(clone, settings=settings, indexes=indexes, state=state)


def _show(done: Outcomes, data: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(data)
        try:
            done.demand()
        except LockgateError as error:
            return error.exit_code
        return 0
    from console.commands.verdict_text import show_verdict
    from console.operations.proposal.propose import THE_CHANGE

    checked = done.proposal.checked
    _show_findings(checked)
    if not checked.count:
        say(
            f"Every file of the change reads well: {counted(checked.files, 'file')} at {checked.commit[:10]}."
        )
    for warning in done.proposal.warnings:
        say(f"! {warning}")
    if done.verdict is not None:
        show_verdict(done.verdict.model_copy(update={"release": THE_CHANGE}))
    done.demand()
    if done.verdict is None:
        say(f"No evals were run. {data['not_evaluated']}")
    return 0


def _show_findings(checked: Checked) -> None:
    for finding in checked.findings:
        say(f"✗ {finding}")
    if checked.more:
        say(f"… and {checked.more:,} more")


def _check_all(clone: Path | None, ref: str | None, as_json: bool) -> int:
    from console.operations.check import check
    from console.operations.proposal.clone import Clone

    store = Clone(clone).store if clone else workspace().store
    checked = check(store, ref or ("HEAD" if clone else None), report=progress)
    if as_json:
        print_json(
            {
                "ok": not checked.count,
                "commit": checked.commit,
                "files": checked.files,
                "count": checked.count,
                "findings": list(checked.findings),
            }
        )
        return InputError.exit_code if checked.count else 0
    _show_findings(checked)
    if checked.count:
        verb = "needs" if checked.count == 1 else "need"
        raise InputError(f"{counted(checked.count, 'thing')} in the store {verb} mending.")
    say(f"Every file of the store reads well: {counted(checked.files, 'file')} at {checked.commit[:10]}.")
    return 0
