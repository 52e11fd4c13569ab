"""lockgate index import: a version from what Chroma holds already."""

from __future__ import annotations

from typing import Any

import click

from console.commands.options import version_options, workspace
from console.commands.output import aside, carry_out, progress, show_dry_run


@click.command(name="import")
@click.argument("name")
@click.option(
    "--from-chroma",
    "source",
    required=True,
    metavar="PLACE",
    help="A directory that Chroma persists to, or chroma+http://host:port.",
)
@click.option("--collection", help="Which collection; may be left out where there is one.")
@click.option(
    "--embedder",
    help="What made its vectors: minilm, openai:<model>, chroma-default, lexical. Left out where Lockgate "
    "made the collection.",
)
@click.option("--parent", metavar="vN", help="Say what differs from this version.")
@version_options("counted")
def import_command(name: str, source: str, dry_run: bool, as_json: bool, why: str, **asked: Any) -> int:
    """A version from an existing Chroma collection: rows as they stand, vectors as they are.

    A directory is copied before it is opened, so that nothing is written to it. --dry-run reads and checks
    everything and seals nothing.
    """
    from console.operations.add import index_import as operation

    here = workspace()
    if dry_run:
        found = operation.look(here, name, source, **asked, report=progress)
        return show_dry_run(found.plan, why, as_json, {"index": found.as_json()})
    plan = operation.build(here, name, source, **asked, report=progress, tell=aside)
    return carry_out(here, plan, why, False, as_json)
