"""Asking for one line of text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from console.screens.dialog import Dialog
from console.views.line import Line
from console.widgets.content import key_hints, literal, paragraphs


class AskDialog(Dialog[str | None]):
    """Answers with what was typed; nothing typed is no answer."""

    def __init__(self, head: str, lines: tuple[Line, ...] = (), value: str = "") -> None:
        super().__init__()
        self._head = head
        self._lines = lines
        self._value = value

    def compose(self) -> ComposeResult:
        """The question and a field."""
        with Vertical(classes="box -close"):
            yield Static(literal(self._head), classes="head")
            if self._lines:
                yield Static(paragraphs(self._lines), classes="said")
            yield Input(value=self._value, id="answer", select_on_focus=False)
            yield Static("", classes="status", markup=False)
            yield Static(key_hints(("⏎", "go ahead"), ("Esc", "back")), classes="keys")

    def ready(self) -> None:
        """The field takes the keys."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value)
        else:
            self.query_one(".status", Static).update(literal("Type something, or Esc goes back."))


class SureDialog(Dialog[bool | None]):
    """A question that `y` says yes to; everything else goes back."""

    BINDINGS = [("y", "yes", "yes"), ("n", "back", "no")]

    def __init__(self, head: str, lines: tuple[Line, ...], yes: str) -> None:
        super().__init__()
        self._head = head
        self._lines = lines
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(classes="box"):
            yield Static(literal(self._head), classes="head")
            yield Static(paragraphs(self._lines))
            yield Static(key_hints(("y", self._yes), ("Esc", "back")), classes="keys")

    def action_yes(self) -> None:
        """Answers yes."""
        self.dismiss(True)
