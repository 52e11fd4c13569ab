"""What the console says beside its screens: toasts, the clipboard, and a crash without values."""

from __future__ import annotations

import traceback
from typing import Literal

from rich.text import Text
from textual.app import App

from store.text import one_line, safe_text


class Saying(App[None]):
    """The part of the app that speaks."""

    def say(
        self,
        text: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
    ) -> None:
        """A toast, as the answer to what somebody just did."""
        self.notify(one_line(text, 300), title=one_line(title), severity=severity, markup=False)

    def copy(self, text: str) -> None:
        """Puts `text` onto the terminal's clipboard, and says it: not every terminal takes it."""
        self.copy_to_clipboard(text)
        self.say(text, title="Copied")

    def _fatal_error(self) -> None:
        """A crash shows where it happened, never the values that were there."""
        self.bell()
        self._exit_renderables.append(Text(safe_text(traceback.format_exc(limit=-8))))
        self._close_messages_no_wait()
