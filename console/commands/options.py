"""Options that many commands share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from store.workspace import Workspace

Decorated = Callable[..., Any]
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
EITHER = click.Path(path_type=Path, exists=True)


def workspace() -> Workspace:
    """The workspace that -C, LOCKGATE_WORKSPACE or the current folder names. Raises InputError."""
    path = click.get_current_context().find_root().obj
    return Workspace.find(path if isinstance(path, Path) else None)


def _with(*options: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    """One decorator of several; --help shows them in this order."""

    def decorate(function: Decorated) -> Decorated:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


class Number(click.FloatRange):
    """A number in a range; neither "nan", which no comparison refuses, nor an infinite one."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises click.BadParameter."""
        try:
            if not math.isfinite(float(value)):
                self.fail(f"{value!r} is not a finite number.", param, ctx)
        except (TypeError, ValueError, OverflowError):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return float(super().convert(value, param, ctx))


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
"""--json"""

changing = _with(
    click.option("-m", "--why", default="", help="Why: the note that the record keeps."),
    click.option("--dry-run", is_flag=True, help="Print the plan and change nothing."),
    json_option,
)
"""-m WHY, --dry-run and --json, for every verb that changes something."""

form_option = click.option(
    "--format", "form", type=click.Choice(["table", "jsonl", "csv"]), default="table", show_default=True
)
"""--format, for every list."""

listing = _with(
    click.option("--match", metavar="TEXT", default="", help="Only lines that hold TEXT, whatever its case."),
    form_option,
    json_option,
)
"""--match, --format and --json, for every list without filters of its own."""

report_option = click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a report to FILE too; its ending says what: .md, .xml (JUnit), .html, .json, .jsonl or .csv.",
)
"""--report FILE, for what runs evals; may be given again."""


def override_option(function: Decorated) -> Decorated:
    """--override REASON and --break-glass REASON, of which the command sees one `override`."""

    @functools.wraps(function)
    def called(*args: Any, override: str | None, break_glass: str | None, **others: Any) -> Any:
        from console.operations.conditions import BreakGlass

        if override is not None and break_glass is not None:
            raise click.UsageError("name --override or --break-glass, not both.")
        reason = override if break_glass is None else BreakGlass(break_glass)
        return function(*args, override=reason, **others)

    return _with(
        click.option(
            "--override",
            metavar="REASON",
            help="Go ahead against an unmet condition, where the policy allows it.",
        ),
        click.option(
            "--break-glass",
            metavar="REASON",
            help="In an emergency: go ahead without gate, approvals or freeze; somebody else reviews it.",
        ),
    )(called)


def source_option(form: click.Path, words: str) -> Callable[[Decorated], Decorated]:
    """--from PATH: what a version is made of, as `words` say."""
    return click.option("--from", "source", type=form, required=True, help=words)


def version_options(otherwise: str = "") -> Callable[[Decorated], Decorated]:
    """--what and those of `changing`, for every command that lands a version.

    `otherwise` says where the words come from when none are given.
    """
    words = "What changed, in a few words" + (f"; else {otherwise}." if otherwise else ".")
    return _with(click.option("--what", default="", help=words), changing)
