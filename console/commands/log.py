"""lockgate history and note."""

from __future__ import annotations

import json

import click

from console.commands.options import changing, json_option, workspace
from console.commands.output import carry_out, print_json, progress, say, table
from store.history.entry import as_data
from store.history.moments import moment
from store.history.reading import Filter, History
from store.text import json_safe, one_line


@click.command(name="history")
@click.argument("text", nargs=-1)
@click.option("--env", "environment", metavar="ENV")
@click.option("--component", metavar="KIND[/NAME]")
@click.option("--author", metavar="A")
@click.option("--kind", metavar="K", help="stage, promote, switch, rollback, add, eval, note, …")
@click.option("--since", metavar="T", help="A date, a time, or 3d, 12h, 2w.")
@click.option("--until", metavar="T")
@click.option("-n", "limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "jsonl", "csv"]), default="table", show_default=True
)
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
    history = History(here)
    history.refresh(progress)
    entries = history.page(chosen, limit=limit)
    if as_json:
        print_json({"count": history.count(chosen), "operations": [as_data(one) for one in entries]})
    elif form == "jsonl":
        for one in entries:
            print(json_safe(json.dumps(as_data(one), ensure_ascii=False, sort_keys=True)))
    elif form == "csv":
        from store.history.csv_text import csv_lines

        for line in csv_lines(as_data(one) for one in entries):
            say(line)
    else:
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
        rest = history.count(chosen) - len(entries)
        if rest > 0:
            say(f"… and {rest:,} older; -n shows more")
    history.close()
    return 0


@click.command(name="note")
@click.argument("record")
@changing
def note_command(record: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Remark on a record later (-m TEXT). The record itself never changes."""
    from console.operations import note

    here = workspace()
    return carry_out(here, note.plan(here, record, why), "", dry_run, as_json)
