"""lockgate freeze, unfreeze."""

from __future__ import annotations

import click

from console.commands.options import changing, workspace
from console.commands.output import carry_out

_environment = click.option("--env", "environment", required=True, metavar="ENV")


@click.command(name="freeze")
@_environment
@click.option(
    "--until", required=True, metavar="T", help="A date, a time (UTC where no zone is named), or 3d."
)
@click.option("--since", metavar="T", help="When it begins; now, where nothing is said.")
@changing
def freeze_command(
    environment: str, until: str, since: str | None, why: str, dry_run: bool, as_json: bool
) -> int:
    """Let nothing move forward for a time. Going back stays possible; -m says why."""
    from console.operations import freeze
    from store.history.moments import coming

    here = workspace()
    now = here.clock.now()
    begins = coming(since, now) if since is not None else None
    plan = freeze.plan(here, environment, coming(until, now), begins)
    return carry_out(here, plan, why, dry_run, as_json)


@click.command(name="unfreeze")
@_environment
@changing
def unfreeze_command(environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Lift every freeze of an environment, of now and to come."""
    from console.operations import freeze

    here = workspace()
    return carry_out(here, freeze.lift(here, environment), why, dry_run, as_json)


__all__ = ["freeze_command", "unfreeze_command"]
