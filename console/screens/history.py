"""History: who changed what, when, why and on what evidence; filtered, annotated, exported."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input, Static

from console.actions import Action
from console.operations import note
from console.operations.plan import Plan
from console.screens.ask import AskDialog
from console.screens.history_rows import MORE, PAGE, HistoryRows
from console.screens.message import MessagePanel
from console.screens.operate import Intent
from console.screens.place import PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.export import export
from console.views.history import COLUMNS, detail_lines
from console.views.line import Line, line
from console.views.query import TOKENS, Query, parse_query
from console.views.table import Table
from console.views.words import counted
from console.views.world import World
from console.widgets.content import literal
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.history.entry import Entry
from store.history.reading import Filter, History
from store.progress import Report, Stop
from store.text import one_line

_NO_FILTER = Query("", Filter())


class HistoryScreen(PlaceScreen):
    """A list that loads as it is scrolled, a filter above it, the record beside or below it."""

    place = "history"
    CSS_PATH = "history.tcss"
    BINDINGS = [*bindings_of("history"), ("escape", "leave_filter", "back")]
    AUTO_FOCUS = "#operations"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows = HistoryRows((), session.workspace.clock.now(), None)
        self._query = _NO_FILTER
        self._history = History(session.workspace)
        self._aimed: str | None = None
        self._loading = False

    def body(self) -> Iterable[Widget]:
        """Filter line, list, detail."""
        yield Input(id="filter", disabled=True, select_on_focus=False)
        yield Static("", id="listed", markup=False)
        with Container(id="panes"):
            yield TableView(id="operations")
            yield Pane(id="record")

    # -- the list -----------------------------------------------------------------------------

    def draw(self, world: World) -> None:
        """The newest from git at once, then the read model."""
        if not self._rows.entries and not self._query.text:
            self._rows = HistoryRows(world.recent, world.now, None)
            self._show_rows()
        self._read()

    def _read(self) -> None:
        wanted = max(PAGE, len(self._rows.entries))
        self.load(partial(self._first_pages, self._query, wanted), self._show_first, group="pages")

    def _first_pages(self, query: Query, wanted: int) -> tuple[tuple[Entry, ...], int]:
        self._history.refresh()
        return self._history.page(query.filter, limit=wanted), self._history.count(query.filter)

    def _show_first(self, read: tuple[tuple[Entry, ...], int]) -> None:
        entries, total = read
        now = self.session.world.now if self.session.world else self.session.workspace.clock.now()
        self._rows = HistoryRows(entries, now, total)
        self._loading = False
        self._show_rows()

    def _show_rows(self) -> None:
        table = self.query_one("#operations", TableView)
        key = table.key
        empty = line("nothing matches this filter") if self._query.text else line("nothing has happened yet")
        table.show(Table(COLUMNS, (), empty), rows=self._rows, keep=False)
        if self._aimed is not None:
            self._seek()
        elif key is not None and (place := self._rows.find(key)) is not None:
            table.go(place)
        self._say_listed()

    def _say_listed(self) -> None:
        total = self._rows.total
        said = counted(total, "operation") if total is not None else "reading history…"
        hint = "   Esc lists all" if self._query.text else f"   / filters: {' '.join(TOKENS)} words"
        self.query_one("#listed", Static).update(literal(said + hint))

    def _load_older(self) -> None:
        if self._loading or not self._rows.has_more:
            return
        self._loading = True
        rows = self._rows

        def show(page: tuple[Entry, ...]) -> None:
            self._loading = False
            if rows is self._rows:
                rows.extend(page)
                self.query_one("#operations", TableView).rows_changed()
                self._seek()

        page = partial(self._history.page, self._query.filter, rows.last_position, PAGE)
        self.load(page, show, group="older")

    def aim(self, target: str) -> None:
        """Puts the cursor on a record, now or once it is loaded."""
        self._aimed = target
        self._seek()

    def _seek(self) -> None:
        """Goes to the record that is aimed at; takes away a filter that hides it, loads what is older."""
        if self._aimed is None:
            return
        place = self._rows.find(self._aimed)
        if place is not None:
            self._aimed = None
            self.query_one("#operations", TableView).go(place)
        elif self._rows.total is None:
            return  # what is being read seeks again
        elif self._query.text:
            self._filtered(_NO_FILTER)
        elif self._rows.has_more:
            self._load_older()
        else:
            self._aimed = None

    # -- the cursor ---------------------------------------------------------------------------

    @property
    def _entry(self) -> Entry | None:
        place = self.query_one("#operations", TableView).cursor
        return self._rows.entries[place] if 0 <= place < len(self._rows.entries) else None

    def on_table_view_moved(self, event: TableView.Moved) -> None:
        """Shows the record under the cursor; near the end, loads more."""
        if event.table.key == MORE or event.table.cursor > len(self._rows.entries) - event.table.size.height:
            self._load_older()
        entry, world = self._entry, self.session.world
        if entry is None or world is None:
            self.query_one(Pane).show(())
            return
        self.load(lambda: detail_lines(world.snapshot, entry, world.now), self._show_detail, group="detail")

    def _show_detail(self, lines: tuple[Line, ...]) -> None:
        pane = self.query_one(Pane)
        pane.show(lines, keep=pane.lines[:1] == lines[:1])

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("detail")

    # -- the filter ---------------------------------------------------------------------------

    def do_filter(self) -> None:
        """Opens the filter line."""
        field = self.query_one("#filter", Input)
        field.disabled = False
        field.add_class("-shown")
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter lists what matches."""
        self.load(
            partial(parse_query, event.value, self.session.workspace.clock.now()),
            self._filtered,
            group="query",
        )

    def _filtered(self, query: Query) -> None:
        self._query = query
        self._show_filter()
        self._rows = HistoryRows((), self.session.workspace.clock.now(), None)
        self._read()

    def action_leave_filter(self) -> None:
        """Esc: out of the filter line, then without a filter, then to the overview."""
        field = self.query_one("#filter", Input)
        if field.has_focus:
            self._show_filter()
        elif self._query.text:
            self._filtered(_NO_FILTER)
        else:
            self.lockgate.action_overview()

    def _show_filter(self) -> None:
        """The filter line as it is applied; the list takes the keys."""
        field = self.query_one("#filter", Input)
        self._trouble_changed(self.lockgate.trouble)
        self.query_one("#operations", TableView).focus()
        field.value = self._query.text
        field.disabled = True
        field.set_class(bool(self._query.text), "-shown")

    # -- actions ------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Notes belong to records; a plain commit has none."""
        if action.id in ("filter", "question"):
            return None
        entry = self._entry
        if entry is None:
            return "Nothing is listed."
        if action.id == "remark" and not entry.id:
            return "This commit has no record that a note could belong to."
        return None

    def do_detail(self) -> None:
        """The whole record, over the whole screen."""
        entry, world = self._entry, self.session.world
        if entry is None or world is None:
            return
        self.load(
            lambda: detail_lines(world.snapshot, entry, world.now, whole=True),
            lambda lines: self.app.push_screen(
                MessagePanel(f"Record {entry.id or entry.commit}", lines, tall=True)
            ),
            group="whole",
        )

    def do_remark(self) -> None:
        """Adds a note."""
        entry = self._entry
        if entry is None:
            return

        def answered(text: str | None) -> None:
            if text is not None:

                def make(_: str | None) -> Plan:
                    return note.plan(self.session.workspace, entry.id, text)

                self.lockgate.operator.begin(Intent(make, asked=True))

        self.app.push_screen(AskDialog("Note", (line(one_line(entry.summary, 300)),)), answered)

    def do_question(self) -> None:
        """Chooses a question, asks for what it is about, and opens its answer."""
        from console.screens.questions import ask

        ask(self.lockgate, self.session)

    def do_export(self) -> None:
        """Writes what is listed to a file: JSON lines, or CSV by its ending."""

        def answered(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._export(name.strip()), exit_on_error=False)

        hint = line("A file name ending in .jsonl or .csv, in the workspace or anywhere.")
        self.app.push_screen(AskDialog("Export what is listed to", (hint,), "history.jsonl"), answered)

    async def _export(self, name: str) -> None:
        workspace, filter = self.session.workspace, self._query.filter

        def do(report: Report, stop: Stop) -> str:
            return export(workspace, filter, name, report, stop)

        with self.session.doing(f"Exporting to {name}"):
            said = await self.lockgate.operator.attempt(f"Export to {name}", do, stoppable=True)
        if said is not None:
            self.lockgate.say(said)

    def selected_id(self) -> str | None:
        """The record's id, or the commit where there is no record."""
        entry = self._entry
        return (entry.id or entry.commit) if entry else None

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the list and the record."""
        entry = self._entry
        record = (
            (f"lockgate show {entry.id}", f"lockgate note {entry.id} -m TEXT") if entry and entry.id else ()
        )
        return (*record, "lockgate history --format jsonl")
