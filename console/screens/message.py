"""Something that is said and stays until it is dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from console.screens.dialog import Dialog
from console.views.line import Line
from console.widgets.content import key_hints, literal
from console.widgets.pane import Pane

if TYPE_CHECKING:
    from console.screens.saying import Saying


class MessagePanel(Dialog[None]):
    """A head and lines below it; Enter and Esc close it. With `copy`, `y` copies that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "back_once_read", "close", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, head: str, lines: Sequence[Line], *, tall: bool = False, copy: str = "") -> None:
        super().__init__()
        self._copy = copy
        self.head = head
        self.lines = tuple(lines)
        self._tall = tall

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box -tall" if self._tall else "box"):
            yield Static(literal(self.head), classes="head")
            pane = Pane(id="message")
            pane.show(self.lines)
            yield pane
            copy = (("y", "copy"),) if self._copy else ()
            yield Static(key_hints(*copy, ("Esc", "close")), classes="keys")

    def ready(self) -> None:
        """The text can be scrolled."""
        self.query_one(Pane).focus()

    def action_back_once_read(self) -> None:
        """Closes it."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copies what there is to copy."""
        if self._copy:
            cast("Saying", self.app).copy(self._copy)

    def action_scroll(self, by: int) -> None:
        """A line up or down."""
        self.query_one(Pane).scroll_relative(y=by, animate=False)
