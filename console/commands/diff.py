"""lockgate diff: two versions, releases or environments; for indexes also what they find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.options import FILE, form_option, json_option, workspace
from console.commands.output import export, print_json, progress, say
from store.errors import InputError
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.retrieval_change import RetrievalChange


@click.command(name="diff")
@click.argument("older")
@click.argument("newer")
@click.option(
    "--suite", metavar="evals/NAME[@vN]", help="Of two index versions: ask both the suite's questions."
)
@click.option(
    "--queries", type=FILE, help="Ask both each line of this file, or each `query` of a .jsonl file."
)
@click.option("-k", type=click.IntRange(1, 50), default=5, show_default=True, help="Passages of each answer.")
@form_option
@json_option
def diff_command(
    older: str, newer: str, suite: str | None, queries: Path | None, k: int, form: str, as_json: bool
) -> int:
    """What differs between two versions, releases or environments.

    Of two index versions: documents that were added, removed and changed, and, with --suite or --queries,
    what both find for the same questions, worst first. --format exports a line for each question, or for
    each passage that differs.
    """
    from console.commands.diff_text import change_lines
    from console.operations import differ
    from console.operations.index.retrieval_data import change_as_data, refound_as_row

    here = workspace()
    change = _retrieval(here, older, newer, suite, queries, k)
    if change is not None and form != "table" and not as_json:
        export(map(refound_as_row, change.questions), form)
        return 0
    found = differ.diff(here, older, newer, report=progress)
    if as_json:
        print_json({**found.data, "retrieval": change_as_data(change)} if change else found.data)
    elif form != "table":
        export(_passages(found.data), form)
    else:
        say(found.text or "They are equal.")
        for line in change_lines(change) if change else ():
            say(line)
    return 0


def _retrieval(
    here: Workspace, older: str, newer: str, suite: str | None, queries: Path | None, k: int
) -> RetrievalChange | None:
    if suite is None and queries is None:
        return None
    if suite is not None and queries is not None:
        raise InputError("give --suite or --queries, not both.")
    if "/" not in older or "/" not in newer:
        raise InputError("--suite and --queries are for two index versions, such as index/NAME@v1.")
    from console.operations.index.questions import questions_in_file, questions_of_suite
    from console.operations.index.retrieval import compare_retrieval

    snapshot = here.store.at()
    pins = snapshot.pin(older), snapshot.pin(newer)
    asked = questions_in_file(queries) if queries else questions_of_suite(snapshot, suite or "")
    return compare_retrieval(here, snapshot, *pins, asked, k, report=progress)


def _passages(data: dict[str, object]) -> list[dict[str, object]]:
    sources = data.get("sources")
    if not isinstance(sources, list):
        raise InputError("--format csv and jsonl are for two versions of one index; --json works for all.")
    return [
        {"source": one["source"], "document": one["change"], "passage": change, "id": id}
        for one in sources
        for change in ("added", "removed", "changed")
        for id in one[change]
    ]
