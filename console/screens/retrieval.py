"""What two index versions find for the same questions: worst first, passages beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations.index.retrieval_data import refound_as_row
from console.screens.ask import AskDialog
from console.screens.message import MessagePanel
from console.screens.place import PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.export import write_rows
from console.views.line import line
from console.views.retrieval import (
    change_head,
    found_lines,
    question_lines,
    questions_table,
    short_names,
    whole_lines,
)
from console.views.table import Table
from console.views.world import World
from console.widgets.content import paragraphs
from console.widgets.pane import Pane
from console.widgets.table import TableView
from evals.retrieval_change import Refound, RetrievalChange
from store.progress import Report, Stop
from store.records.component import Pin
from store.text import one_line


class RetrievalScreen(PlaceScreen):
    """On top of the Indexes screen; Esc takes the filter away, then goes back."""

    place = "retrieval"
    CSS_PATH = "retrieval.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("retrieval"),
        Binding("escape", "back", "back", show=False),
    ]
    AUTO_FOCUS = "#questions"

    def __init__(
        self, session: Session, older: Pin, newer: Pin, source: str, command: str, change: RetrievalChange
    ) -> None:
        """`source` is where the questions came from, `command` what asks them in the shell."""
        super().__init__(session)
        self._pins = (older, newer)
        self._source = source
        self._command = command
        self._change = change
        self._listed = change.questions
        self._words = ""

    def body(self) -> Iterable[Widget]:
        """The figures, the questions, the one under the cursor with both answers."""
        yield Static("", id="head", markup=False)
        yield TableView(id="questions")
        yield Static("", id="question", markup=False)
        with Container(id="sides"):
            yield Pane(id="before")
            yield Pane(id="after")

    def draw(self, world: World) -> None:  # noqa: ARG002
        """What was found does not change with the store."""
        self._list()

    def _list(self) -> None:
        head = change_head(*self._pins, self._source, self._change)
        self.query_one("#head", Static).update(paragraphs(head))
        self.load(self._matching, self._show)

    def _matching(self) -> tuple[tuple[Refound, ...], Table]:
        words = self._words.lower().split()
        listed = tuple(one for one in self._change.questions if _holds(one, words))
        return listed, questions_table(listed, bool(words))

    def _show(self, made: tuple[tuple[Refound, ...], Table]) -> None:
        self._listed, rows = made
        table = self.query_one("#questions", TableView)
        table.show(rows)
        most = 5 if self.size.height < 30 else 12
        table.styles.height = max(2, min(most, table.count + 1))

    @property
    def selected(self) -> Refound | None:
        """The question under the cursor."""
        key = self.query_one("#questions", TableView).key
        return self._listed[int(key)] if key is not None and int(key) < len(self._listed) else None

    def on_table_view_moved(self) -> None:
        """Both answers to the question under the cursor."""
        one, (before, after) = self.selected, short_names(*self._pins)
        self.query_one("#question", Static).update(paragraphs(question_lines(one) if one else ()))
        self.query_one("#sides").display = one is not None
        self.query_one("#before", Pane).show(found_lines(one, True, before) if one else ())
        self.query_one("#after", Pane).show(found_lines(one, False, after) if one else ())
        self.refresh_keys()

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("passages")

    # -- keys ---------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if action.id in ("passages", "copy") and self.selected is None:
            return "No question is chosen."
        if action.id == "export_retrieval" and not self._listed:
            return "There is nothing to export."
        return None

    def action_back(self) -> None:
        """Takes the filter away, or goes to the screen below."""
        if self._words:
            self._words = ""
            self._list()
        else:
            self.dismiss(None)

    def do_passages(self) -> None:
        """The question with every passage, whole."""
        if (one := self.selected) is not None:
            head = one_line(one.question.id, 100)
            self.app.push_screen(MessagePanel(head, whole_lines(one, short_names(*self._pins)), tall=True))

    def do_holding(self) -> None:
        """Lists only the questions that hold every word."""

        def answered(text: str | None) -> None:
            if text is not None:
                self._words = text
                self._list()

        hint = line("Words of the question, its id, or the documents that were found.")
        self.app.push_screen(AskDialog("List questions that hold", (hint,), self._words), answered)

    def do_export_retrieval(self) -> None:
        """Writes what is listed to a file."""

        def answered(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._export(name.strip(), self._listed), exit_on_error=False)

        hint = line("A file name ending in .jsonl or .csv, in the workspace or anywhere.")
        older, newer = self._pins
        name = f"retrieval-{newer.component.name}-{older.version}-{newer.version}.csv"
        self.app.push_screen(AskDialog("Export what is listed to", (hint,), name), answered)

    async def _export(self, name: str, listed: tuple[Refound, ...]) -> None:
        def do(_: Report, __: Stop) -> str:
            return write_rows(self.session.workspace, name, map(refound_as_row, listed))

        said = await self.lockgate.operator.attempt(f"Export to {name}", do)
        if said is not None:
            self.lockgate.say(said)

    def selected_id(self) -> str | None:
        """The question's id."""
        return self.selected.question.id if self.selected else None

    def shell_lines(self) -> tuple[str, ...]:
        """The command that asks the same."""
        return (self._command,)


def _holds(one: Refound, words: list[str]) -> bool:
    if not words:
        return True
    found = (passage.source for passage in (*one.before, *one.after))
    text = " ".join((one.question.text, one.question.id, *found)).lower()
    return all(word in text for word in words)
