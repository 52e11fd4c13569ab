"""lockgate history and note."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import click

from console.commands.options import changing, json_option, workspace
from console.commands.output import carry_out, print_json, progress, say, table
from store.errors import InputError
from store.history.entry import Entry
from store.history.reading import Filter, History
from store.text import one_line

_AGO = re.compile(r"(\d{1,4})([hdw])")
_UNIT = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


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
            say(json.dumps(as_data(one), ensure_ascii=False, sort_keys=True))
    elif form == "csv":
        from console.commands.csv_text import csv_lines

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
        rest = history.count(chosen) - len(entries)
        if rest > 0:
            say(f"… and {rest:,} older; -n shows more")
    history.close()
    return 0


def moment(text: str, now: datetime) -> datetime:
    """A date, an ISO time (UTC where it names no zone), or `3d` ago. Raises InputError."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _UNIT[ago[2]]
    padded = f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text
    try:
        at = datetime.fromisoformat(padded)
    except ValueError:
        raise InputError(
            f"{one_line(text, 40)!r} is no time: write 2026-03, 2026-03-01, 2026-03-01T12:00, 3d or 12h."
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def as_data(entry: Entry) -> dict[str, object]:
    """An entry as plain data."""
    return {
        "id": entry.id,
        "commit": entry.commit,
        "kind": entry.kind,
        "at": entry.at.isoformat(),
        "author": entry.author,
        "environment": entry.environment,
        "release": entry.release,
        "before": entry.before,
        "after": entry.after,
        "summary": entry.summary,
        "why": entry.why,
        "gate": entry.gate,
        "components": list(entry.components),
    }


@click.command(name="note")
@click.argument("record")
@changing
def note_command(record: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Remark on a record later (-m TEXT). The record itself never changes."""
    from console.operations import note

    here = workspace()
    return carry_out(here, note.plan(here, record, why), "", dry_run, as_json)
