"""The frame that every screen has: the title with the screens, a line for trouble that stays, the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from console.actions import MODES
from console.views.line import Line, Part, line, muted
from console.widgets.content import flat, literal

_HELP_CELLS = len("? help") + 2


class TitleLine(Static):
    """Two lines: which workspace at which commit, and the screens with their numbers."""

    DEFAULT_CSS = """
    TitleLine { height: 3; padding: 0 1; border-bottom: solid $frame; background: $background; }
    """

    def __init__(self, here: str) -> None:
        super().__init__(id="title")
        self._here = here
        self._left: Line = line(Part("lockgate", "accent"))
        self._right: Line = ()

    def show(self, name: str, right: str, readonly: bool) -> None:
        """Shows the workspace `name` and, at the right, `right`."""
        badge = Part("  read-only", "warn") if readonly else Part("")
        self._left = line(Part("lockgate", "accent"), "  ", Part(name, "strong"), badge)
        self._right = line(muted(right))
        self.refresh()

    def render(self) -> Content:
        """Both lines, filled to the width."""
        width = max(1, self.size.width - 2)
        return Content("\n").join(
            [
                _both_ends(self._left, self._right, width),
                _both_ends(self._tabs(width), line(muted("? help")), width),
            ]
        )

    def _tabs(self, width: int) -> Line:
        """The screens, the one in front in brackets; closer together where there is little room."""
        wide = sum(len(mode.key) + len(mode.title) + 3 for mode in MODES) + _HELP_CELLS <= width
        tabs: list[Part] = []
        for mode in MODES:
            name, here = f"{mode.key} {mode.title}", mode.id == self._here
            gap = " " if wide and not here else ""
            tabs += [Part("" if wide or not tabs else " "), Part(gap)]
            tabs += [Part(f"[{name}]", "strong") if here else muted(name), Part(gap)]
        return tuple(part for part in tabs if part.text)


class Notice(Static):
    """Trouble that lasts: stays as long as it does; no room is taken while there is none."""

    DEFAULT_CSS = """
    Notice { height: auto; max-height: 3; padding: 0 1; display: none; color: $warn; }
    Notice.-shown { display: block; }
    """

    def say(self, text: str) -> None:
        """Shows `text`; an empty one hides the line."""
        self.update(literal(f"! {text}" if text else ""))
        self.set_class(bool(text), "-shown")


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key of the footer."""

    key: str
    label: str
    able: bool = True
    """False is drawn dim: pressing it says why it cannot be done now."""


class KeyLine(Static):
    """The keys that work here, at most six of the screen's own."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; padding: 0 1; background: $panel; }"

    hints: reactive[tuple[KeyHint, ...]] = reactive(())

    def render(self) -> Content:
        """As many keys as fit."""
        width = max(1, self.size.width - 2)
        parts: list[Part] = []
        used = 0
        for hint in self.hints:
            text = f"{hint.key} {hint.label}"
            if used + len(text) > width:
                break
            parts += [
                Part(hint.key, "key" if hint.able else "muted"),
                Part(
                    f" {hint.label}" if hint.able else f" ({hint.label})", "plain" if hint.able else "muted"
                ),
                Part("   "),
            ]
            used += len(text) + (3 if hint.able else 5)
        return flat(tuple(parts))

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Shows `hints`."""
        self.hints = tuple(hints)


def _both_ends(left: Line, right: Line, width: int) -> Content:
    start, end = flat(left), flat(right)
    room = width - end.cell_length - 2
    if room < 10:
        return start.truncate(width, ellipsis=True)
    start = start.truncate(room, ellipsis=True) if start.cell_length > room else start
    return start.pad_right(width - start.cell_length - end.cell_length) + end
