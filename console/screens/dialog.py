"""What every dialog has in common: a box in the middle, keys ignored at first, Esc goes back."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Result = TypeVar("Result")

GUARD_SECONDS = 0.15
"""For so long a new dialog ignores keys: what was typed for the screen below must not answer it."""
_AROUND = 9
"""Lines of a box beside its text: border, head, status, fields, keys."""


class Dialog(ModalScreen[Result]):
    """A modal box. `armed` once it listens to keys."""

    AUTO_FOCUS = ""
    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "back", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self.armed = False

    def on_mount(self) -> None:
        """Begins the time in which keys are ignored."""
        self.set_timer(GUARD_SECONDS, self._arm)

    def on_resize(self) -> None:
        """Long text takes what the rest of the box leaves of the screen."""
        for pane in self.query(".box Pane").exclude(".-tall Pane"):
            pane.styles.max_height = max(6, self.app.size.height - _AROUND)

    def _arm(self) -> None:
        self.armed = True
        self.ready()

    def ready(self) -> None:
        """Called when it begins to listen; puts the focus somewhere."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Nothing but going back works before it is armed."""
        return self.armed or action == "back"

    def action_back(self) -> None:
        """Closes it without an answer."""
        self.dismiss(None)
