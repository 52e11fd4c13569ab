"""lockgate sync."""

from __future__ import annotations

import click

from console.commands.options import json_option, workspace
from console.commands.output import print_json, progress, say, warn
from store.errors import MachineryError


@click.command(name="sync")
@click.option(
    "--take-remote",
    is_flag=True,
    help="Take the remote's main as it is; what is only here is kept under refs/lockgate/aside/.",
)
@click.option("--dry-run", is_flag=True, help="Fetch, say what would be done, and change nothing.")
@json_option
def sync_command(take_remote: bool, dry_run: bool, as_json: bool) -> int:
    """Make this store and its remote equal: take what is there, push what is only here."""
    from console.operations.sync.sync import plan, sync

    here = workspace()
    if dry_run:
        done = plan(here, take_remote=take_remote, report=progress)
    else:
        done = sync(here, take_remote=take_remote, report=progress)
    for problem in done.problems:
        warn(problem)
    if as_json:
        print_json(done.as_json())
        return MachineryError.exit_code if done.trouble else 0
    for line in done.lines():
        say(line)
    if dry_run:
        say("Dry run: nothing was changed.")
    if done.trouble:
        raise MachineryError(f"not pushed yet: {done.trouble}")
    return 0
