"""lockgate audit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from console.commands.audit_questions import add_questions
from console.commands.options import json_option, workspace
from console.commands.output import aside, print_json, print_line, progress, say, table
from console.operations.counted import counted
from store.errors import Blocked, InputError, MachineryError
from store.new_file import new_file
from store.text import json_safe


@click.group(name="audit")
def audit_command() -> None:
    """Look at whether the store's past is what was signed."""


@audit_command.command()
@click.option(
    "--from",
    "start",
    metavar="COMMIT",
    help="A commit that you vouch for: only what came after it is verified, from now on too.",
)
@click.option(
    "--new-signers",
    is_flag=True,
    help="The signers' file was changed and that was meant: verify from the beginning under it.",
)
@click.option("--checkpoint", "line", metavar="LINE", help="A line of `audit checkpoint` that you kept.")
@json_option
def verify(start: str | None, new_signers: bool, line: str | None, as_json: bool) -> int:
    """Verify the signature of every commit since the last verified head.

    Who may sign is in the file that `allowed_signers` in settings.toml names. Exits 0, 1 (something is wrong)
    or 2 (no signers are named).
    """
    from console.operations.audit.checkpoint import parse
    from console.operations.audit.verify import verify

    kept = parse(line) if line is not None else None
    done = verify(workspace(), start, new_signers=new_signers, kept=kept, report=progress)
    if as_json:
        print_json(done.as_json())
        return Blocked.exit_code if done.count else 0
    since = f" after {done.after[:10]}" if done.after else ""
    if not done.count:
        say(f"Verified {counted(done.commits, 'commit')}{since}; the head is {done.tip}.")
        return 0
    table(("commit", "what", "why"), ((one.commit[:10], one.what, one.why) for one in done.findings))
    if done.more:
        say(f"… and {done.more:,} more")
    raise Blocked(
        f"{counted(done.count, 'thing')} wrong, {counted(done.commits, 'commit')} verified{since}; the last "
        "verified head stays. Look at each; `--from COMMIT` goes on from one that you vouch for."
    )


@audit_command.command()
@json_option
def checkpoint(as_json: bool) -> int:
    """Print one line to keep elsewhere: `audit verify --checkpoint LINE` holds it against the store later."""
    from console.operations.audit.checkpoint import checkpoint

    here = workspace()
    found = checkpoint(here.store, here.clock.now())
    if as_json:
        print_json({"line": str(found), "at": found.at, "commits": found.commits, "head": found.head})
    else:
        say(str(found))
    return 0


@audit_command.command()
@click.argument("record")
@click.option(
    "--format", "form", type=click.Choice(["markdown", "html", "json"]), default="markdown", show_default=True
)
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this file, which must be new.")
def evidence(record: str, form: str, out: Path | None) -> int:
    """Everything there is on one change: conditions, verdicts, approvals, digests, signature."""
    from console.operations.audit.evidence import evidence
    from console.operations.audit.evidence_text import html, markdown

    found = evidence(workspace(), record)
    if form == "json":
        text = json_safe(json.dumps(found.as_json(), indent=2, ensure_ascii=False)) + "\n"
    else:
        text = html(found) if form == "html" else markdown(found)
    _written([text.removesuffix("\n")], out)
    return 0


@audit_command.command()
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@click.option("--since", metavar="T", help="A date, a time, or 3d, 12h, 2w.")
@click.option("--until", metavar="T")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this file, which must be new.")
def export(environment: str | None, since: str | None, until: str | None, form: str, out: Path | None) -> int:
    """Every record, oldest first. The last line of JSON Lines counts them and holds their sha256."""
    from console.operations.audit.export import json_lines, rows
    from store.history.csv_text import csv_lines
    from store.history.entry import as_data
    from store.history.moments import moment
    from store.history.reading import Filter

    here = workspace()
    now = here.clock.now()
    chosen = Filter(
        environment=environment,
        since=moment(since, now) if since else None,
        until=moment(until, now) if until else None,
    )
    if form == "jsonl":
        lines = json_lines(rows(here, chosen, progress), here.store.tip(), now)
    else:
        from console.operations.audit.export import entries

        lines = csv_lines(as_data(one) for one in entries(here, chosen, progress))
    _written(lines, out)
    return 0


def _written(lines: Iterable[str], out: Path | None) -> None:
    """Each line as it comes, to standard output or to a new file. Raises InputError, MachineryError."""
    if out is None:
        for line in lines:
            print_line(line)
        return
    try:
        with new_file(out) as stream:
            for line in lines:
                stream.write(f"{line}\n")
    except FileExistsError:
        raise InputError(f"{out} is there already; name a new file.") from None
    except OSError as error:
        raise MachineryError(f"{out} cannot be written: {error.strerror or error}.") from None
    aside(f"Wrote {out}.")


add_questions(audit_command)
