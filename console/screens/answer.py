"""The answer to one of the auditor's questions, narrowed by environment, period and words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar, cast

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations.audit.questions.answer import Answer, Asked
from console.operations.audit.questions.catalogue import Question
from console.operations.audit.questions.past import Past
from console.screens.ask import AskDialog
from console.screens.choose import ChooseDialog
from console.screens.message import MessagePanel
from console.screens.place import PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.audit import (
    answer_head,
    answer_table,
    environment_choices,
    row_lines,
    shell_command,
)
from console.views.export import write_rows
from console.views.line import line
from console.views.world import World
from console.widgets.content import paragraphs
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.history.moments import moment
from store.progress import Report, Stop

_TIMED = ("changes", "unapproved", "emergencies", "rollbacks", "uses", "retention", "recheck")


class AnswerScreen(PlaceScreen):
    """On top of History; Esc takes the filter away, then goes back."""

    place = "answer"
    CSS_PATH = "answer.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("answer"),
        Binding("escape", "back", "back", show=False),
    ]
    AUTO_FOCUS = "#rows"

    def __init__(self, session: Session, question: Question, asked: Asked) -> None:
        super().__init__(session)
        self._question = question
        self._asked = asked
        self._answer: Answer | None = None
        self._listed: tuple[int, ...] = ()
        self._words = ""

    def body(self) -> Iterable[Widget]:
        """The question, its rows, the one under the cursor."""
        yield Static("", id="head", markup=False)
        yield TableView(id="rows")
        yield Pane(id="row")

    def draw(self, world: World) -> None:  # noqa: ARG002
        """The store has changed: it is asked again."""
        self._ask()

    def _ask(self) -> None:
        question, asked, workspace = self._question, self._asked, self.session.workspace
        self._say_head()
        self.load(lambda: question.answer(Past(workspace), asked), self._answered, group="answer")

    def _answered(self, answer: Answer) -> None:
        self._answer = answer
        self._list()

    def _list(self) -> None:
        self._say_head()
        if self._answer is None:
            return
        table, self._listed = answer_table(self._answer, self._words.lower().split())
        self.query_one("#rows", TableView).show(table)

    def _say_head(self) -> None:
        head = answer_head(self._question, self._asked, self._answer)
        self.query_one("#head", Static).update(paragraphs(head))

    @property
    def _place(self) -> int | None:
        """Where the row under the cursor is in the answer."""
        key = self.query_one("#rows", TableView).key
        return self._listed[int(key)] if key is not None and int(key) < len(self._listed) else None

    def on_table_view_moved(self) -> None:
        """The row under the cursor, whole."""
        place, answer = self._place, self._answer
        shown = row_lines(answer, place) if answer is not None and place is not None else ()
        self.query_one("#row", Pane).show(shown)
        self.refresh_keys()

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("answer_row")

    # -- keys ---------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if action.id in ("answer_row", "copy") and self._place is None:
            return "Nothing is listed."
        if action.id == "answer_export" and not self._listed:
            return "There is nothing to export."
        if action.id == "answer_time" and self._question.name not in (*_TIMED, "ran"):
            return "This question is about all times."
        return None

    def action_back(self) -> None:
        """Takes the filter away, or goes to the screen below."""
        if self._words:
            self._words = ""
            self._list()
        else:
            self.dismiss(None)

    def do_answer_row(self) -> None:
        """The row over the whole screen."""
        place, answer = self._place, self._answer
        if place is not None and answer is not None:
            self.app.push_screen(MessagePanel(self._question.text, row_lines(answer, place), tall=True))

    def do_answer_filter(self) -> None:
        """Lists only rows that hold every word."""

        def answered(text: str | None) -> None:
            if text is not None:
                self._words = text
                self._list()

        self.app.push_screen(AskDialog("List rows that hold", (), self._words), answered)

    def do_answer_environment(self) -> None:
        """Asks it of one environment, or of all."""
        world = self.session.world
        if world is None:
            return

        def answered(name: str | None) -> None:
            if name is not None:
                self._asked = replace(self._asked, environment=None if name == "*" else name)
                self._ask()

        self.app.push_screen(ChooseDialog("Ask it of", environment_choices(world.environments)), answered)

    def do_answer_time(self) -> None:
        """Asks it of another time."""
        instant = self._question.name == "ran"
        head = "What ran at" if instant else "From, and until if it ended"
        hint = line("A date, a time such as 2026-03-01T12:00 (UTC), or 3d, 12h; - for all times.")

        def answered(text: str | None) -> None:
            if text is not None:
                self.load(lambda: self._timed(text, instant), self._ask_of, group="time")

        self.app.push_screen(AskDialog(head, (hint,)), answered)

    def _timed(self, text: str, instant: bool) -> Asked:
        now = self.session.workspace.clock.now()
        words = [] if text.strip() == "-" else text.split()[:2]
        found = [moment(word, now) for word in words] + [None, None]
        if instant:
            return replace(self._asked, at=found[0])
        return replace(self._asked, since=found[0], until=found[1])

    def _ask_of(self, asked: Asked) -> None:
        self._asked = asked
        self._ask()

    def do_answer_export(self) -> None:
        """Writes what is listed to a file."""

        def answered(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._export(name.strip()), exit_on_error=False)

        hint = line("A file name ending in .jsonl or .csv, in the workspace or anywhere.")
        name = f"audit-{self._question.name}.csv"
        self.app.push_screen(AskDialog("Export what is listed to", (hint,), name), answered)

    async def _export(self, name: str) -> None:
        answer, listed = cast("Answer", self._answer), self._listed
        every = list(answer.as_data())

        def do(_: Report, __: Stop) -> str:
            return write_rows(self.session.workspace, name, (every[place] for place in listed))

        said = await self.lockgate.operator.attempt(f"Export to {name}", do)
        if said is not None:
            self.lockgate.say(said)

    def selected_id(self) -> str | None:
        """The record, or the first cell where there is none."""
        place, answer = self._place, self._answer
        if place is None or answer is None:
            return None
        row = dict(zip(answer.head, answer.rows[place], strict=True))
        found = row.get("record") or answer.rows[place][0]
        return str(found) if found is not None else None

    def shell_lines(self) -> tuple[str, ...]:
        """The command that asks the same, and what there is on the record under the cursor."""
        place, answer = self._place, self._answer
        more: tuple[str, ...] = ()
        if place is not None and answer is not None and "record" in answer.head:
            record = answer.rows[place][answer.head.index("record")]
            more = (f"lockgate audit evidence {record}",) if record else ()
        return (shell_command(self._question, self._asked), *more)
