"""Choosing one of a list; typing narrows it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from console.screens.dialog import Dialog
from console.views.line import line, muted, text_of
from console.views.table import Row, Table
from console.widgets.content import flat, key_hints, literal
from console.widgets.table import TableView

_AROUND = 10
"""Lines of the screen that the rest of the dialog takes."""


class ChooseDialog(Dialog[str | None]):
    """Answers with the key of the chosen row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "take", show=False),
        Binding("up", "step(-1)", "up", show=False),
        Binding("down", "step(1)", "down", show=False),
        Binding("pageup", "step(-8)", "up", show=False),
        Binding("pagedown", "step(8)", "down", show=False),
    ]

    def __init__(self, head: str, table: Table, *, at: str | None = None) -> None:
        super().__init__()
        self._head = head
        self._all = table
        self._at = at

    def compose(self) -> ComposeResult:
        """The list, and a field that narrows it."""
        with Vertical(classes="box"):
            yield Static(literal(self._head), classes="head")
            yield TableView(id="choices", header=False)
            with Horizontal(classes="field -apart"):
                yield Static(flat(line(muted("type to narrow"))), classes="label")
                yield Input(id="narrow")
            yield Static(key_hints(("⏎", "choose"), ("↑↓", "move"), ("Esc", "back")), classes="keys")

    def on_mount(self) -> None:
        """Fills the list."""
        super().on_mount()
        table = self.query_one(TableView)
        table.show(self._all)
        most = max(4, self.app.size.height - _AROUND)
        table.styles.height = max(1, min(most, len(self._all.rows)))
        if self._at is not None:
            self.call_after_refresh(table.select, self._at)

    def ready(self) -> None:
        """Typing narrows."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Shows the rows that hold every word."""
        words = event.value.lower().split()
        rows = tuple(row for row in self._all.rows if all(word in _words(row) for word in words))
        empty = line("nothing matches")
        self.query_one(TableView).show(Table(self._all.columns, rows, empty))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field."""
        event.stop()
        self.action_take()

    def on_table_view_opened(self, event: TableView.Opened) -> None:
        """A second click."""
        event.stop()
        self.action_take()

    def action_take(self) -> None:
        """Answers with the row under the cursor."""
        key = self.query_one(TableView).key
        if key is not None:
            self.dismiss(key)

    def action_step(self, by: int) -> None:
        """Moves the cursor while the keys go to the field."""
        self.query_one(TableView).action_step(by)


def _words(row: Row) -> str:
    return " ".join(text_of(cell) for cell in row.cells).lower()
