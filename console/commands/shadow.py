"""lockgate shadow: a release that answers real requests once more, for the log only."""

from __future__ import annotations

import re

import click

from console.commands.options import Number, changing, json_option, workspace
from console.commands.output import carry_out, print_json
from store.errors import InputError
from store.text import one_line

environment_option = click.option("--env", "environment", required=True, metavar="ENV")
"""--env ENV"""
_SPAN = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([dh])")


@click.group(name="shadow")
def shadow_command() -> None:
    """A release that answers real requests once more, for the log only."""


@shadow_command.command(name="start")
@click.argument("release")
@environment_option
@click.option("--percent", type=Number(), required=True, help="Share of requests that are replayed.")
@click.option("--cap-usd-per-day", type=Number(0, 1_000_000), default=5.0, show_default=True)
@click.option("--cap-rpm", type=click.IntRange(1, 100_000), default=60, show_default=True)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option(
    "--deadline",
    type=Number(1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds an answer has.",
)
@click.option(
    "--again",
    type=Number(1, 100),
    default=20.0,
    show_default=True,
    help="Percent of them that stable answers again.",
)
@click.option("--until", metavar="SPAN", default="7d", show_default=True, help="7d or 12h; then it ends.")
@changing
def start(
    release: str,
    environment: str,
    percent: float,
    cap_usd_per_day: float,
    cap_rpm: int,
    concurrency: int,
    deadline: float,
    again: float,
    until: str,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Begin: `lockgate watch` answers a share of requests with RELEASE, and no user sees it."""
    from console.operations.shadow import start as verb
    from store.records.shadow import ShadowPolicy

    policy = ShadowPolicy(
        again_percent=again,
        cap_rpm=cap_rpm,
        cap_usd_per_day=cap_usd_per_day,
        concurrency=concurrency,
        deadline_s=deadline,
    )
    here = workspace()
    plan = verb.plan(here, release, environment, percent=percent, policy=policy, days=days_of(until))
    return carry_out(here, plan, why, dry_run, as_json)


@shadow_command.command(name="status")
@environment_option
@json_option
def status(environment: str, as_json: bool) -> int:
    """What was compared, what it cost, and the verdict."""
    from console.commands.shadow_text import show_status, status_as_json
    from console.operations.shadow.status import status as look

    now = look(workspace(), environment)
    if as_json:
        print_json(status_as_json(now))
    else:
        show_status(now)
    return 0


@shadow_command.command(name="stop")
@environment_option
@changing
def stop(environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """End it; what was compared stays."""
    from console.operations.shadow import stop as verb

    here = workspace()
    return carry_out(here, verb.plan(here, environment), why, dry_run, as_json)


def days_of(text: str) -> float:
    """ "7d" or "12h" in days. Raises InputError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise InputError(f"--until {one_line(text, 40)!r} is no span of time: write 7d or 12h.")
    return float(found[1]) / (24 if found[2] == "h" else 1)


__all__ = ["shadow_command"]
