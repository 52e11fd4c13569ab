"""lockgate notify list, test, retry."""

from __future__ import annotations

import dataclasses

import click

from console.commands.options import json_option, workspace
from console.commands.output import print_json, say, table


@click.group(name="notify")
def notify_command() -> None:
    """Who is told of what is done, and what could not be delivered."""


@notify_command.command(name="list")
@json_option
def list_targets(as_json: bool) -> int:
    """Targets, what waits for them, and dead letters."""
    from console.notify import running

    found = running.look(workspace())
    if as_json:
        print_json(dataclasses.asdict(found))
        return 0
    if not found.targets:
        say("Nobody is told: settings.toml has no [[notify]].")
    else:
        table(
            ("target", "kind", "waiting", "delivered", "dead", "where", "events"),
            (
                (
                    one.name,
                    one.kind,
                    str(one.waiting),
                    str(one.delivered),
                    str(one.dead),
                    one.where,
                    ", ".join(one.events),
                )
                for one in found.targets
            ),
        )
    for title, letters in (("Still to be delivered", found.waiting), ("Dead letters", found.dead)):
        if letters:
            say(f"\n{title}")
            table(
                ("record", "target", "event", "tries", "last try"),
                ((one.event_id, one.target, one.kind, str(one.tries), one.text or "—") for one in letters),
            )
    if found.dead:
        say("\n`lockgate notify retry` tries the dead ones again.")
    return 0


@notify_command.command()
@click.argument("target")
@click.option("--dry-run", is_flag=True, help="Print what would be sent and send nothing.")
@json_option
def test(target: str, dry_run: bool, as_json: bool) -> int:
    """Send a test event to TARGET, once and at once."""
    from console.notify import running

    here = workspace()
    if dry_run:
        where = running.trial_plan(here, target)
        if as_json:
            print_json({"dry_run": True, "target": target, "where": where})
        else:
            say(f"A test event would be sent to {target} ({where}).\nDry run: nothing was sent.")
        return 0
    outcome = running.try_target(here, target, here.clock.now())
    if as_json:
        print_json({"target": target, "delivered": outcome.state == "delivered", "text": outcome.text})
    else:
        say(f"{target}: {'delivered' if outcome.state == 'delivered' else 'not delivered'}: {outcome.text}")
    return 0 if outcome.state == "delivered" else 4


@notify_command.command()
@click.argument("record", required=False)
@click.option("--target", metavar="NAME", help="Only what goes there.")
@click.option("--dry-run", is_flag=True, help="Print what would be tried again and try nothing.")
@json_option
def retry(record: str | None, target: str | None, dry_run: bool, as_json: bool) -> int:
    """Try dead letters again: all of them, or those of one RECORD."""
    from console.notify import running

    here = workspace()
    if dry_run:
        chosen = running.chosen_dead(here, record, target)
        if as_json:
            letters = [{"record": one.event_id, "target": one.target} for one in chosen]
            print_json({"dry_run": True, "letters": letters})
        else:
            for one in chosen:
                say(f"{one.event_id} to {one.target}: {one.text}")
            say(f"{len(chosen)} to try again. Dry run: nothing was tried.")
        return 0
    revived, deliveries = running.retry(here, here.clock.now(), record, target)
    if as_json:
        print_json({"revived": revived, "deliveries": [dataclasses.asdict(one) for one in deliveries]})
    else:
        for done in deliveries:
            say(f"{done.event_id} to {done.target}: {done.state}: {done.text}")
        if not revived:
            say("There are no dead letters.")
    return 0 if all(done.state == "delivered" for done in deliveries) else 4
