"""lockgate index: look into versions, keep them, archive and restore them."""

from __future__ import annotations

import click

from console.commands.index_import import import_command
from console.commands.index_text import show_collected
from console.commands.options import changing, json_option, listing, workspace
from console.commands.output import carry_out, print_json, progress, say, show_dry_run, show_rows, warn
from console.operations.counted import counted
from store.errors import MachineryError


@click.group(name="index")
def index_command() -> None:
    """Look into index versions; keep, archive and restore them."""


index_command.add_command(import_command)


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@click.option("--full", is_flag=True, help="Also compute the content digest from the rows again.")
@json_option
def verify(ref: str, full: bool, as_json: bool) -> int:
    """Hash every sealed file and probe a fresh copy in a process of its own; unpack an archive to compare."""
    from console.operations import index_look

    result = index_look.verify(workspace(), ref, full=full, report=progress)
    if as_json:
        print_json(
            {
                "version": str(result.pin),
                "files": result.files,
                "passages": result.passages,
                "archive": result.packed,
                "collection": result.collection or None,
                "ok": True,
            }
        )
    elif result.packed:
        say(f"{result.pin} is archived, and its archive is whole: {counted(result.files, 'file')} unpacked.")
    else:
        size = f"{counted(result.files, 'file')}, {counted(result.passages, 'passage')}"
        served = f"; so is {result.collection} on the server" if result.collection else ""
        say(f"{result.pin} is whole: {size}, probes right{served}.")
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


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@click.option("--reason", default="", help="Why it has to stay; also -m.")
@changing
def pin(ref: str, reason: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Keep a version ready, whatever its age."""
    from console.operations.index import pin as operation

    here = workspace()
    return carry_out(here, operation.plan(here, ref, reason or why), why or reason, dry_run, as_json)


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@changing
def unpin(ref: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Let the age of a version count again."""
    from console.operations.index import unpin as operation

    here = workspace()
    return carry_out(here, operation.plan(here, ref), why, dry_run, as_json)


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@changing
def archive(ref: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Pack a version that nothing refers to, now; `gc` does it when its time is over."""
    from console.operations.index import archive as operation
    from console.operations.index.settle import settled

    here = workspace()
    plan = operation.plan(here, ref)
    code = carry_out(here, plan, why, dry_run, as_json)
    if not dry_run and not settled(here, ref, report=progress):
        warn("its sealed folder is in use; the next sweep takes it away.")
    return code


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@changing
def restore(ref: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Unpack an archived version, so that it can serve again."""
    from console.operations.index import restore as operation

    here = workspace()
    code = carry_out(here, operation.plan(here, ref), why, dry_run, as_json)
    if not dry_run:
        operation.finish(here, ref)
    return code


@index_command.command()
@click.option("--again", is_flag=True, help="Ask the depot about every version, whatever was sent before.")
@json_option
def push(again: bool, as_json: bool) -> int:
    """Send the bytes that the depot lacks: sealed files, and archives of what is archived.

    `lockgate watch` and `tick` do it, and a promotion for the versions that it brings in.
    """
    from console.operations.index.depot import send_all

    done = send_all(workspace(), again=again, report=progress)
    if as_json:
        print_json({"versions": done.versions, "bytes": done.size, "problems": done.problems})
    elif not done.versions and not done.problems:
        say("The depot has everything that is here.")
    for one in done.versions if not as_json else ():
        say(f"sent {one}")
    for problem in done.problems:
        warn(problem)
    return MachineryError.exit_code if done.problems else 0


@index_command.command()
@click.argument("ref", metavar="NAME[@vN]")
@json_option
def pull(ref: str, as_json: bool) -> int:
    """Fetch the sealed bytes of a version from the depot, every byte compared with its manifest."""
    from console.operations.index.pull import pulled

    pin, is_new = pulled(workspace(), ref, report=progress)
    if as_json:
        print_json({"version": str(pin), "fetched": is_new})
    else:
        say(f"{pin} was fetched, and is whole." if is_new else f"{pin} is sealed here already.")
    return 0


@index_command.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@json_option
def gc(dry_run: bool, as_json: bool) -> int:
    """Mark what is over, archive what was marked a day ago, and delete leftovers.

    `lockgate watch` and `tick` mark and archive once an hour; leftovers are deleted by this alone.
    """
    from console.operations.index.gc import gc as operation
    from console.operations.index.sweep import preview, sweep

    here = workspace()
    swept = preview(here) if dry_run else sweep(here, report=progress)
    found = operation(here, dry_run=dry_run) if swept.stopped is None else ()
    return show_collected(swept, found, dry_run, as_json)


@index_command.command()
@click.argument("ref", metavar="NAME@vN")
@click.option("--yes", "meant", is_flag=True, help="Do it: without this it is a dry run.")
@changing
def purge(ref: str, meant: bool, why: str, dry_run: bool, as_json: bool) -> int:
    """Delete the archive of a version for good. A dry run, unless --yes is given."""
    from console.operations.index import purge as operation

    here = workspace()
    plan = operation.plan(here, ref)
    if dry_run or not meant:
        return show_dry_run(plan, why, as_json)
    code = carry_out(here, plan, why, False, as_json)
    operation.finish(here, ref)
    return code
