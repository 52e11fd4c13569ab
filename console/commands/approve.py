"""lockgate approve, review."""

from __future__ import annotations

import click

from console.commands.options import changing, workspace
from console.commands.output import carry_out


@click.command(name="approve")
@click.argument("release")
@click.option("--to", "environment", required=True, metavar="ENV")
@changing
def approve_command(release: str, environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Say yes to a release for an environment, signed with this machine's key.

    Your yes counts for this release and this policy; not for a release that you made yourself.
    """
    from console.operations.approval import give

    here = workspace()
    return carry_out(here, give.plan(here, release, environment), why, dry_run, as_json)


@click.command(name="review")
@click.argument("record")
@changing
def review_command(record: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Say that you looked at what somebody else did with --break-glass; -m says what you found."""
    from console.operations.approval import review

    here = workspace()
    return carry_out(here, review.plan(here, record), why, dry_run, as_json)


__all__ = ["approve_command", "review_command"]
