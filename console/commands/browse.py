"""lockgate list, show."""

from __future__ import annotations

import click

from console.commands.options import json_option, listing, workspace
from console.commands.output import print_json, say, show_rows
from store.records.component import Kind


@click.command(name="list")
@click.argument("kind", type=click.Choice([*(kind.value for kind in Kind), "release", "environment"]))
@click.argument("name", required=False)
@listing
def list_command(kind: str, name: str | None, match: str, form: str, as_json: bool) -> int:
    """Components with their versions, releases, or environments; NAME picks one of them."""
    from console.operations import browse

    found = browse.listed(workspace(), kind, name)
    show_rows(found.head, found.rows, match=match, form=form, as_json=as_json, empty=found.empty)
    return 0


@click.command(name="show")
@click.argument("ref")
@json_option
def show_command(ref: str, as_json: bool) -> int:
    """One version, release, environment or record, whole."""
    from console.operations import browse

    shown = browse.shown(workspace(), ref)
    if as_json:
        print_json(shown.data)
    else:
        say(shown.text)
    return 0
