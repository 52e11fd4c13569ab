"""Flipped cases of one run: both answers beside each other, worst first, filtered and exported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations.evals.drafting import told
from console.operations.evals.flips import Flipped, flipped_as_data, flips_of
from console.operations.evals.shelf import Run
from console.screens.ask import AskDialog
from console.screens.draft_case import BadAnswer, draft_case
from console.screens.message import MessagePanel
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.export import write_rows
from console.views.flips import answers_diff, arm_lines, case_lines, flips_head, flips_table
from console.views.flips_query import TOKENS, VERDICTS, FlipsQuery, parse_flips_query
from console.views.line import line, muted
from console.views.world import World
from console.widgets.content import flat, paragraphs
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.errors import InputError
from store.progress import Report, Stop


class FlipsScreen(PlaceScreen):
    """On top of the Evals screen; Esc takes the filter away, then goes back."""

    place = "flips"
    CSS_PATH = "flips.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("flips"),
        Binding("escape", "back", "back", show=False),
    ]
    AUTO_FOCUS = "#flips"

    def __init__(self, session: Session, run: Run) -> None:
        super().__init__(session)
        self._run = run
        self._all: tuple[Flipped, ...] | None = None
        self._listed: tuple[Flipped, ...] = ()
        self._query = FlipsQuery()

    def body(self) -> Iterable[Widget]:
        """The run, the cases, the one under the cursor with both answers."""
        yield Static("", id="head", markup=False)
        yield TableView(id="flips")
        yield Static("", id="case", markup=False)
        with Container(id="sides"):
            yield Pane(id="before")
            yield Pane(id="after")

    def draw(self, world: World) -> None:
        """Reads the cases once: a run does not change."""
        if self._all is None:
            self.load(lambda: flips_of(world.snapshot, self._run), self._read)

    def _read(self, flips: tuple[Flipped, ...]) -> None:
        self._all = flips
        self._list()

    def _list(self) -> None:
        found = self._all or ()
        self._listed = tuple(one for one in found if self._query.lets(one))
        head = flips_head(self._run, len(self._listed), len(found), self._query.text)
        self.query_one("#head", Static).update(flat(head))
        table = self.query_one("#flips", TableView)
        table.show(flips_table(self._listed, bool(self._query.text)), keep=False)
        most = 5 if self.size.height < 30 else 12
        table.styles.height = max(2, min(most, table.count + 1))

    @property
    def selected(self) -> Flipped | None:
        """The case under the cursor."""
        key = self.query_one("#flips", TableView).key
        return self._listed[int(key)] if key is not None and int(key) < len(self._listed) else None

    def on_table_view_moved(self) -> None:
        """Both answers of the case under the cursor."""
        one = self.selected
        releases = (self._run.baseline or "before", self._run.release)
        self.query_one("#case", Static).update(paragraphs(case_lines(one) if one else ()))
        self.query_one("#sides").display = one is not None
        self.query_one("#before", Pane).show(arm_lines(one, True, releases) if one else ())
        self.query_one("#after", Pane).show(arm_lines(one, False, releases) if one else ())
        self.refresh_keys()

    # -- keys ---------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if self.session.world is None or self._all is None:
            return STILL_READING
        if action.id in ("narrow", "export_flips") and not self._all:
            return "No case flipped."
        if action.id in ("diff_answers", "make_case") and self.selected is None:
            return "No case is chosen."
        if action.id == "make_case" and self.selected is not None and self.selected.content is None:
            return "The store does not have this case any more."
        return None

    def action_back(self) -> None:
        """Takes the filter away, or goes to the screen below."""
        if self._query.text:
            self._query = FlipsQuery()
            self._list()
        else:
            self.dismiss(None)

    def do_diff_answers(self) -> None:
        """The whole case in a panel: the answers line by line, grades and passages."""
        if (one := self.selected) is not None:
            self.app.push_screen(MessagePanel(f"{one.case}", answers_diff(one), tall=True))

    def do_make_case(self) -> None:
        """A case more for the suite, of the candidate's answer."""
        if (one := self.selected) is not None and one.content is not None:
            bad = BadAnswer(
                suite=one.suite,
                input=one.content.input,
                question=one.question,
                answer=one.candidate.text,
                about=f"an answer of {self._run.release}",
                name=one.case,
                category=one.category,
                expects=told(one.content.expect),
                tier=one.content.tier,
            )
            self.run_worker(draft_case(self.lockgate, bad), group="asking", exit_on_error=False)

    def do_narrow(self) -> None:
        """Lists only what matches."""
        hints = (
            line(f"Words to look for, and {' '.join(TOKENS)}"),
            line(muted(f"verdict: is one of {', '.join(VERDICTS)}")),
        )

        def answered(text: str | None) -> None:
            if text is None:
                return
            try:
                self._query = parse_flips_query(text, self._all or ())
            except InputError as error:
                self.lockgate.say(error.message, severity="warning")
                return
            self._list()

        self.app.push_screen(AskDialog("List cases that match", hints, self._query.text), answered)

    def do_export_flips(self) -> None:
        """Writes what is listed to a file."""

        def answered(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._export(name.strip(), self._listed), exit_on_error=False)

        hint = line("A file name ending in .jsonl or .csv, in the workspace or anywhere.")
        name = f"flips-{self._run.release}.jsonl"
        self.app.push_screen(AskDialog("Export what is listed to", (hint,), name), answered)

    async def _export(self, name: str, listed: tuple[Flipped, ...]) -> None:
        def do(_: Report, __: Stop) -> str:
            return write_rows(self.session.workspace, name, map(flipped_as_data, listed))

        said = await self.lockgate.operator.attempt(f"Export to {name}", do)
        if said is not None:
            self.lockgate.say(said)

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("diff_answers")

    def selected_id(self) -> str | None:
        """The case's id."""
        return self.selected.case if self.selected else None

    def shell_lines(self) -> tuple[str, ...]:
        """The command that looks at this case again."""
        one = self.selected
        run = self._run
        against = f" --against {run.baseline}" if run.baseline else " --no-baseline"
        case = f" --case {one.case}" if one else ""
        return (f"lockgate eval {run.release}{against} --tier {run.tier}{case}",)
