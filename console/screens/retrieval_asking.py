"""From the Indexes screen to what two versions find: which questions, then asking both."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console.screens.ask import AskDialog
from console.screens.choose import ChooseDialog
from console.views.line import line, muted
from console.views.retrieval import FILE, question_sources
from store.progress import Progress, Report, Stop
from store.records.component import Kind, Pin

if TYPE_CHECKING:
    from console.app import LockgateApp
    from evals.retrieval_change import RetrievalChange
    from store.workspace import Workspace

PASSAGES = 5
"""Of each answer."""


async def ask_both(app: LockgateApp, older: Pin, newer: Pin) -> None:
    """Asks where the questions come from, asks them of both versions, and opens what was found."""
    world, workspace = app.session.world, app.session.workspace
    suites = world.snapshot.components(Kind.EVALS) if world is not None else ()
    head = f"Ask {older} and {newer.version} the questions of"
    chosen: str | None = FILE
    if suites:
        chosen = await app.push_screen_wait(ChooseDialog(head, question_sources(suites)))
    path: Path | None = None
    if chosen == FILE:
        hint = line("One question a line", muted(", or a .jsonl file: query, id, context_ids."))
        name = await app.push_screen_wait(AskDialog(f"{head} the file", (hint,)))
        path = workspace.root / Path(name.strip()).expanduser() if name is not None else None
    if chosen is None or (chosen == FILE and path is None):
        return
    what = f"Asking {older} and {newer.version}"
    with app.session.doing(what):
        change = await app.operator.attempt(
            what, _asking(workspace, older, newer, chosen, path), stoppable=True
        )
    if change is not None:
        from console.screens.retrieval import RetrievalScreen

        where = f"--queries {shlex.quote(str(path))}" if path else f"--suite {chosen}"
        command = f"lockgate diff {older} {newer} {where} -k {PASSAGES}"
        source = path.name if path else chosen
        app.push_screen(RetrievalScreen(app.session, older, newer, source, command, change))


def _asking(
    workspace: Workspace, older: Pin, newer: Pin, suite: str, path: Path | None
) -> Callable[[Report, Stop], RetrievalChange]:
    def do(report: Report, stop: Stop) -> RetrievalChange:
        from console.operations.index.questions import questions_in_file, questions_of_suite
        from console.operations.index.retrieval import compare_retrieval

        report(Progress("reading the questions"))
        snapshot = workspace.store.at()
        asked = questions_in_file(path) if path else questions_of_suite(snapshot, suite)
        return compare_retrieval(workspace, snapshot, older, newer, asked, PASSAGES, report=report, stop=stop)

    return do
