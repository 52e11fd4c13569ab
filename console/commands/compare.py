"""lockgate compare: the same questions to two releases."""

from __future__ import annotations

import asyncio

import click

from console.commands.options import json_option, workspace
from console.commands.output import print_json, progress


@click.command(name="compare")
@click.argument("first")
@click.argument("second")
@click.option("--input", "text", metavar="TEXT", help="A question.")
@click.option("--request", metavar="ID", help="A stored request.")
@click.option("--last", type=int, metavar="N", help="The newest stored requests.")
@click.option("--env", "environment", metavar="ENV", help="With --last: those of one environment.")
@json_option
def compare_command(
    first: str,
    second: str,
    text: str | None,
    request: str | None,
    last: int | None,
    environment: str | None,
    as_json: bool,
) -> int:
    """Ask two releases (or environments) the same, and show answers, passages, latency and cost."""
    from console.commands.compare_text import show
    from console.operations import compare
    from console.operations.compared import compared_as_data

    here = workspace()
    asking = compare.questions(here, text=text, request=request, last=last, environment=environment)
    shown = None if as_json else show
    found = asyncio.run(compare.run(here, first, second, asking, report=progress, on_compared=shown))
    if as_json:
        print_json([compared_as_data(one) for one in found])
    return 0


__all__ = ["compare_command"]
