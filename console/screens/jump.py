"""The second half of `g`: a line at the bottom that waits for a letter."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from console.actions import MODES, Place
from console.screens.dialog import Dialog
from console.views.line import Part, line
from console.widgets.content import flat


class JumpLine(Dialog[Place | None]):
    """Answers with the screen that belongs to the next key; any other key goes back."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = True  # the letter follows at once, and nothing can be done with it but looking

    def compose(self) -> ComposeResult:
        """The letters."""
        parts: list[Part | str] = [Part("go to", "strong")]
        for mode in MODES:
            parts += ["   ", Part(mode.letter, "key"), f" {mode.title}"]
        yield Static(flat(line(*parts, "   ", Part("Esc", "key"), " back")), id="jump")

    def on_key(self, event: events.Key) -> None:
        """The letter."""
        event.stop()
        event.prevent_default()
        self.dismiss(next((mode.id for mode in MODES if mode.letter == event.key), None))
