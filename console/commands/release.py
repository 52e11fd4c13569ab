"""lockgate plan, promote, switch, rollback, clear."""

from __future__ import annotations

import dataclasses

import click

from console.commands.options import changing, json_option, override_option, workspace
from console.commands.output import carry_out, show_dry_run


@click.command(name="plan")
@click.argument("release")
@click.option("--to", "environment", required=True, metavar="ENV")
@click.option("--supersede", is_flag=True, help="As if it took the place of a rollout that is on its way.")
@json_option
def plan_command(release: str, environment: str, supersede: bool, as_json: bool) -> int:
    """What a promotion would do: what changes, its steps, and how long each needs at the traffic seen.

    Changes nothing, and asks for no note.
    """
    from console.operations import promote

    plan = promote.plan(workspace(), release, environment, supersede=supersede)
    return show_dry_run(dataclasses.replace(plan, note_required=False), "", as_json)


@click.command(name="promote")
@click.argument("release")
@click.option("--to", "environment", required=True, metavar="ENV")
@click.option("--supersede", is_flag=True, help="Take the place of a rollout that is on its way.")
@override_option
@changing
def promote_command(
    release: str,
    environment: str,
    supersede: bool,
    override: str | None,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move a release into an environment, by the steps of its policy."""
    from console.operations import promote

    here = workspace()
    plan = promote.plan(here, release, environment, override=override, supersede=supersede)
    return carry_out(here, plan, why, dry_run, as_json)


@click.command(name="switch")
@click.argument("version", metavar="KIND/NAME@vN")
@click.option("--env", "environment", required=True, metavar="ENV")
@override_option
@changing
def switch_command(
    version: str, environment: str, override: str | None, why: str, dry_run: bool, as_json: bool
) -> int:
    """Change one component of an environment now."""
    from console.operations import switch

    here = workspace()
    return carry_out(here, switch.plan(here, version, environment, override=override), why, dry_run, as_json)


@click.command(name="rollback")
@click.option("--env", "environment", required=True, metavar="ENV")
@click.option("--only", multiple=True, metavar="KIND[/NAME]", help="Only this component; may be given again.")
@changing
def rollback_command(environment: str, only: tuple[str, ...], why: str, dry_run: bool, as_json: bool) -> int:
    """Go back to what served before: everything, or only some components. Never waits for evals."""
    from console.operations import rollback

    here = workspace()
    return carry_out(here, rollback.plan(here, environment, only), why, dry_run, as_json)


@click.command(name="clear")
@click.argument("release")
@changing
def clear_command(release: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Let a release that was rolled back be promoted again."""
    from console.operations import clear

    here = workspace()
    return carry_out(here, clear.plan(here, release), why, dry_run, as_json)


__all__ = [
    "clear_command",
    "plan_command",
    "promote_command",
    "rollback_command",
    "switch_command",
]
