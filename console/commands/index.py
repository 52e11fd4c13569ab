"""lockgate index verify, documents, search."""

from __future__ import annotations

import click

from console.commands.options import json_option, listing, workspace
from console.commands.output import print_json, progress, say, show_rows
from console.operations.counted import counted


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
        size = f"{counted(result.files, 'file')}, {counted(result.passages, 'passage')}"
        say(f"{result.pin} is whole: {size}, probes right.")
    return 0


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@listing
def documents(ref: str, match: str, form: str, as_json: bool) -> int:
    """The source documents of a version."""
    from console.operations import index_look

    rows = index_look.documents(workspace(), ref)
    show_rows(
        ("source", "passages", "characters", "title"),
        ((one.source, one.passages, one.characters, one.title) for one in rows),
        match=match,
        form=form,
        as_json=as_json,
    )
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
