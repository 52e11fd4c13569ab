"""lockgate hosts."""

from __future__ import annotations

import click

from console.commands.options import listing, workspace
from console.commands.output import say, show_rows, warn
from store.errors import LockgateError


@click.command(name="hosts")
@click.option("--offline", is_flag=True, help="Ask nobody: what was heard last.")
@click.option("--forget", "gone", metavar="NAME", help="Delete the report of a host that is no more.")
@listing
def hosts_command(offline: bool, gone: str | None, match: str, form: str, as_json: bool) -> int:
    """What every machine that follows the store serves, and which of them lag or are silent.

    Exits with 1 where one does.
    """
    from console.operations import hosts
    from console.operations.sync.sync import asking

    here = workspace()
    if gone is not None:
        hosts.forget(here, gone, asking(here))
        say(f"{gone} is forgotten until it reports again.")
        return 0
    if not offline:
        try:
            hosts.exchange(here, asking(here))
        except LockgateError as error:
            warn(f"what was heard last: {error.message}")
    found = hosts.hosts(here)
    show_rows(
        ("host", "state", "serves", "said", "tool", "what"),
        (
            (
                one.report.host + (" (here)" if one.here else ""),
                one.word,
                ", ".join(f"{serves.environment} {serves.release}" for serves in one.report.serves),
                one.report.at.isoformat(timespec="seconds"),
                one.report.tool,
                "; ".join((*one.lags, *one.report.problems)),
            )
            for one in found
        ),
        match=match,
        form=form,
        as_json=as_json,
    )
    return 0 if all(one.word == "ok" for one in found) else 1
