"""lockgate history and note."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click

from console.commands.options import changing, form_option, json_option, workspace
from console.commands.output import carry_out, export, print_json, progress, say, table, warn
from store.history.entry import Entry, as_data
from store.history.moments import moment
from store.history.reading import Filter, History
from store.text import one_line


@click.command(name="history")
@click.argument("text", nargs=-1)
@click.option("--env", "environment", metavar="ENV")
@click.option("--component", metavar="KIND[/NAME]")
@click.option("--author", metavar="A")
@click.option("--kind", metavar="K", help="stage, promote, switch, rollback, add, eval, note, …")
@click.option("--since", metavar="T", help="A date, a time, or 3d, 12h, 2w.")
@click.option("--until", metavar="T")
@click.option("-n", "limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@form_option
@json_option
def history_command(
    text: tuple[str, ...],
    environment: str | None,
    component: str | None,
    author: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    form: str,
    as_json: bool,
) -> int:
    """Who changed what, when, and why: filtered, searched, exported."""
    here = workspace()
    now = here.clock.now()
    chosen = Filter(
        environment=environment,
        component=component,
        author=author,
        kind=kind,
        since=moment(since, now) if since else None,
        until=moment(until, now) if until else None,
        text=" ".join(text),
    )
    with closing(History(here)) as history:
        history.refresh(progress)
        entries = history.page(chosen, limit=limit)
        count = history.count(chosen)
        if not history.is_kept:
            told = f"{here.root}/state cannot be written, so the history was read from git anew."
            warn(told)
    if as_json:
        print_json({"count": count, "operations": [as_data(one) for one in entries]})
    elif form != "table":
        export((as_data(one) for one in entries), form)
    else:
        _show(entries, count)
    return 0


def _show(entries: Sequence[Entry], count: int) -> None:
    """Entries as a table, and how many more there are."""
    table(
        ("when", "who", "where", "what", "record", "summary"),
        (
            (
                f"{one.at:%Y-%m-%d %H:%M}",
                one.author,
                one.environment or "—",
                one.kind,
                one.id or one.commit[:10],
                one_line(one.summary + (f" — {one.why}" if one.why else ""), 160),
            )
            for one in entries
        ),
        limit=26,
    )
    if not entries:
        say("Nothing matches.")
    if count > len(entries):
        say(f"… and {count - len(entries):,} older; -n shows more")


@click.command(name="note")
@click.argument("record")
@changing
def note_command(record: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Remark on a record later (-m TEXT). The record itself never changes."""
    from console.operations import note

    here = workspace()
    return carry_out(here, note.plan(here, record, why), "", dry_run, as_json)
