"""Work that takes a while: what it is at, for how long, and a way to stop it."""

from __future__ import annotations

import threading
from time import monotonic

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from console.screens.dialog import Dialog
from console.views.line import line, muted
from console.views.progress import progress_lines
from console.widgets.content import flat, key_hints, literal, paragraphs
from store.progress import Progress


class ProgressPanel(Dialog[None]):
    """Shows the steps that `report` is given, from any thread. Esc asks the work to stop, where it can."""

    class Stepped(Message):
        """The work is one step further."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

        def can_replace(self, message: Message) -> bool:
            """Only the newest step is drawn."""
            return isinstance(message, ProgressPanel.Stepped)

    def __init__(self, head: str, *, stoppable: bool) -> None:
        super().__init__()
        self._head = head
        self._stoppable = stoppable
        self._asked = threading.Event()
        self._finished = False
        self._began = monotonic()
        self._step = Progress("starting")

    def report(self, progress: Progress) -> None:
        """A store.progress.Report: may be called from a thread, returns at once."""
        self._step = progress
        if self.is_running:
            self.post_message(self.Stepped(progress))

    def stop(self) -> bool:
        """A store.progress.Stop."""
        return self._asked.is_set()

    def finish(self) -> None:
        """The work ended: closes the panel, now or once what stands on top of it is closed."""
        self._finished = True
        if self.is_current:
            self.dismiss(None)

    def on_screen_resume(self) -> None:
        """What stood on top is gone."""
        if self._finished:
            self.dismiss(None)

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box"):
            yield Static(literal(self._head), classes="head")
            yield Static("", id="step", markup=False)
            yield Static(self._keys(), classes="keys")

    def _keys(self) -> Content:
        return key_hints(("Esc", "stop")) if self._stoppable else flat(line(muted("this ends by itself")))

    def on_mount(self) -> None:
        """Counts the seconds."""
        super().on_mount()
        self._draw()
        self.set_interval(1.0, self._draw)

    def on_progress_panel_stepped(self, event: ProgressPanel.Stepped) -> None:
        """A step."""
        event.stop()
        self._draw()

    def action_back(self) -> None:
        """Asks the work to stop; the panel closes when it has."""
        if self._stoppable:
            self._asked.set()
            self.query_one(".keys", Static).update(literal("stopping…"))

    def _draw(self) -> None:
        lines = progress_lines(self._step, monotonic() - self._began)
        self.query_one("#step", Static).update(paragraphs(lines))
