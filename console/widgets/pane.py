"""A pane of text that scrolls."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from console.views.line import Line
from console.widgets.content import paragraphs


class Pane(VerticalScroll, can_focus=True):
    """Toned lines, wrapped to the width."""

    DEFAULT_CSS = """
    Pane { background: $background; padding: 0 1; scrollbar-size-vertical: 1; }
    Pane > Static { height: auto; }
    """
    BINDINGS = [("j", "scroll_down", "down"), ("k", "scroll_up", "up")]

    def __init__(self, *, id: str, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(paragraphs(self._lines), markup=False)

    def show(self, lines: Iterable[Line], keep: bool = False) -> None:
        """Shows `lines` from their beginning, or, with `keep`, from where it stood."""
        self._lines = tuple(lines)
        if self.is_mounted:
            self.query_one(Static).update(paragraphs(self._lines))
            if not keep:
                self.scroll_home(animate=False)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines
