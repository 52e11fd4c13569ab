"""lockgate policy: look at lockgate.toml, and change it with a record."""

from __future__ import annotations

from pathlib import Path

import click

from console.commands.options import FILE, changing, json_option, source_option, workspace
from console.commands.output import carry_out, print_json, say
from store.bounded import write_toml


@click.group(name="policy")
def policy_command() -> None:
    """What each environment demands: its gate, its steps, its triggers."""


@policy_command.command(name="show")
@json_option
def show(as_json: bool) -> int:
    """The policy that is in force, as lockgate.toml."""
    policy = workspace().store.at().policy
    if as_json:
        print_json(policy.model_dump(mode="json"))
    else:
        say(write_toml(policy).decode().rstrip())
    return 0


@policy_command.command(name="set")
@source_option(FILE, "A lockgate.toml; `lockgate policy show` prints the one in force.")
@changing
def set_(source: Path, why: str, dry_run: bool, as_json: bool) -> int:
    """Put another policy in force. A rollout on its way keeps the steps it began with."""
    from console.operations import policy
    from console.operations.add.reading import read_file
    from store.bounded import TOML_LIMIT

    here = workspace()
    plan = policy.plan_from(here, read_file(source, TOML_LIMIT), source.name)
    return carry_out(here, plan, why, dry_run, as_json)


__all__ = ["policy_command"]
