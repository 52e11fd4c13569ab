"""lockgate drill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.commands.options import json_option, workspace
from console.commands.output import print_json, progress, say, warn

if TYPE_CHECKING:
    from console.operations.drill.drill import Rehearsal


@click.command(name="drill")
@click.option("--env", "environment", metavar="ENV", help="Else every environment that serves.")
@click.option("--no-record", is_flag=True, help="Only look: commit nothing.")
@click.option("-m", "--why", default="", help="A note on it.")
@json_option
def drill_command(environment: str | None, no_record: bool, why: str, as_json: bool) -> int:
    """Rehearse each rollback that the store promises: which would not hold tonight, and why.

    Opens and probes index versions, asks each model for one token, and reads the rest; nothing is moved.
    What comes of it is a record. Exits with 1 where a promise would not hold.
    """
    from console.operations.apply import apply_again
    from console.operations.drill import drill

    here = workspace()
    done: list[Rehearsal] = []
    for name in drill.environments(here, environment):
        found = drill.rehearse(here, name, report=progress)
        done.append(found)
        if not as_json:
            _show(found)
        if not no_record:
            applied = apply_again(here, drill.plan(here, found), why)
            for problem in applied.problems:
                warn(problem)
    if as_json:
        print_json({"recorded": not no_record, "environments": [_as_data(one) for one in done]})
    return 1 if any(one.broken for one in done) else 0


def _show(found: Rehearsal) -> None:
    say(f"{found.environment}, which serves {found.release}:")
    for one in found.rehearsed:
        mark = "✓" if one.holds else "✗"
        say(f"  {mark} {one.what} → {', '.join(one.target) or 'nothing'}  {one.seconds:.1f} s")
        if one.said:
            say(f"    {one.said}")
    for text in found.without:
        say(f"  – {text}")


def _as_data(found: Rehearsal) -> dict[str, object]:
    return {
        "environment": found.environment,
        "release": found.release,
        "holds": not found.broken,
        "rehearsed": [one.model_dump(mode="json") for one in found.rehearsed],
        "without": list(found.without),
    }
