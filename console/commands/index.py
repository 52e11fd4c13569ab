"""lockgate index verify, documents, search."""

from __future__ import annotations

import click

from console.commands.options import json_option, workspace
from console.commands.output import print_json, progress, say, table


@click.group(name="index")
def index_command() -> None:
    """Look into index versions."""


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@click.option("--full", is_flag=True, help="Also compute the content digest from the rows again.")
@json_option
def verify(ref: str, full: bool, as_json: bool) -> int:
    """Hash every sealed file and probe a fresh copy in a process of its own."""
    from console.operations import index_look

    result = index_look.verify(workspace(), ref, full=full, report=progress)
    if as_json:
        print_json(
            {"version": str(result.pin), "files": result.files, "passages": result.passages, "ok": True}
        )
    else:
        say(f"{result.pin} is whole: {result.files} files, {result.passages} passages, probes right.")
    return 0


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@json_option
def documents(ref: str, as_json: bool) -> int:
    """The source documents of a version."""
    from console.operations import index_look

    rows = index_look.documents(workspace(), ref)
    if as_json:
        print_json([{"source": one.source, "title": one.title, "passages": one.passages} for one in rows])
    else:
        table(("source", "passages", "title"), ((one.source, str(one.passages), one.title) for one in rows))
    return 0


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@click.argument("question")
@click.option("-k", type=click.IntRange(1, 50), default=3, show_default=True)
@json_option
def search(ref: str, question: str, k: int, as_json: bool) -> int:
    """What a version finds for a question."""
    from console.operations import index_look

    found = index_look.search(workspace(), ref, question, k)
    if as_json:
        print_json(
            [
                {"id": one.id, "source": one.source, "distance": one.distance, "text": one.text}
                for one in found
            ]
        )
    else:
        for one in found:
            say(f"{one.distance:.3f}  {one.id}\n{one.text}\n")
    return 0
