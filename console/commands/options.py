"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from store.workspace import Workspace

Decorated = Callable[..., Any]


def workspace() -> Workspace:
    """The workspace that -C, LOCKGATE_WORKSPACE or the current folder names. Raises InputError."""
    path = click.get_current_context().find_root().obj
    return Workspace.find(path if isinstance(path, Path) else None)


def json_option(function: Decorated) -> Decorated:
    """--json"""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(
        function
    )


def changing(function: Decorated) -> Decorated:
    """-m WHY, --dry-run and --json, for every verb that changes something."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
        click.option("--dry-run", is_flag=True, help="Print the plan and change nothing."),
        click.option("-m", "--why", default="", help="Why: the note that the record keeps."),
    ):
        function = option(function)
    return function


def override_option(function: Decorated) -> Decorated:
    """--override REASON"""
    return click.option(
        "--override",
        metavar="REASON",
        help="Go ahead against an unmet condition, where the policy allows it.",
    )(function)
