"""A pane of text that scrolls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "turn(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f,space", "turn(1)", "page down", show=False),
        Binding("home", "scroll_home", "first", show=False),
        Binding("end,G", "scroll_end", "last", show=False),
    ]

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

    def action_move(self, lines: int) -> None:
        """Lines up or down, at once: a picture that glides is late."""
        self.scroll_relative(y=lines, animate=False)

    def action_turn(self, pages: int) -> None:
        """Screenfuls up or down."""
        self.scroll_relative(y=pages * max(1, self.size.height - 1), animate=False)

    def action_scroll_home(self) -> None:
        """To the beginning."""
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """To the end."""
        self.scroll_end(animate=False)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines
