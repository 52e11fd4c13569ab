"""Pictures of screens as text that people can review: the words, and below them the tones.

In the second half every cell is a letter for how it looks: `.` plain, `s` bold, `q` quiet, `g` good,
`w` warning, `b` bad, `a` accent, `k` key, `f` frame, `?` anything else; on the cursor's colour they are
capitals (`O` plain, `_` blank), on a panel plain text is `o` and blank is `-`. A dialog is shown
without the screen below it. LOCKGATE_GOLDEN=write writes all pictures anew;
LOCKGATE_PICTURES=FOLDER writes them as SVG too.
"""

from __future__ import annotations

import difflib
import os
import re
from functools import lru_cache
from pathlib import Path

from rich.style import Style
from textual._context import visible_screen_stack
from textual.color import Color

from console.demo.picture import screen_text, without_web_fonts
from console.theme import DARK
from tests.console.conftest import Console
from tests.console.hostile import ACTING

GOLDEN = Path(__file__).parent / "golden"
_LETTERS = {
    str(DARK.foreground): ".",
    DARK.variables["quiet"]: "q",
    DARK.variables["good"]: "g",
    DARK.variables["warn"]: "w",
    DARK.variables["bad"]: "b",
    str(DARK.accent): "a",
    DARK.variables["frame"]: "f",
}
_MASKS = (
    (re.compile(r"main [0-9a-f]{7}"), "main ·······"),
    (re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b"), "·" * 26),
    (re.compile(r"sha256:[0-9a-f]+"), lambda found: "sha256:" + "·" * (len(found[0]) - 7)),
    (re.compile(r"\b[0-9a-f]{11,40}\b"), lambda found: "·" * len(found[0])),
    (re.compile(r"lockgate \d\S* on \S+"), "lockgate · on ·"),
    (re.compile(r"\d+ sealed files, [\d.]+ MB"), "· sealed files"),
)


class Album:
    """Takes pictures of a console and compares them with the ones that are kept."""

    def __init__(self, folder: str, tones: bool) -> None:
        self._folder = GOLDEN / folder
        self._tones = tones
        self.different: list[str] = []
        """What is not as it is kept."""

    def take(self, console: Console, name: str) -> None:
        """Compares what `console` shows with the picture called `name`."""
        visible_screen_stack.set([])
        shown = masked(screen_text(console.app))
        assert not ACTING.search(shown), f"something on {name} acts"
        if self._tones:
            shown += f"{'─' * 12} tones\n{tones(console)}"
        path = self._folder / f"{name}.txt"
        if os.environ.get("LOCKGATE_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(shown)
        if folder := os.environ.get("LOCKGATE_PICTURES"):
            svg = Path(folder, self._folder.name, f"{name}.svg")
            svg.parent.mkdir(exist_ok=True, parents=True)
            svg.write_text(without_web_fonts(console.app.export_screenshot(title=name)))
        kept = path.read_text() if path.exists() else ""
        if shown != kept:
            lines = difflib.unified_diff(
                kept.splitlines(), shown.splitlines(), str(path), "shown", lineterm=""
            )
            self.different.append("\n".join(lines))

    def settle(self) -> None:
        """Fails with every difference."""
        assert not self.different, "\n".join([*self.different, "LOCKGATE_GOLDEN=write writes them anew"])


def masked(text: str) -> str:
    """`text` without what differs from run to run."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)  # type: ignore[arg-type]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def tones(console: Console) -> str:
    """Every cell of the screen as a letter."""
    lines = []
    for strip in console.app.screen._compositor.render_strips():
        cells = "".join(
            "".join(_letter(segment.style, character == " ") for character in segment.text)
            for segment in strip
        )
        lines.append(cells.rstrip())
    return "\n".join(lines) + "\n"


@lru_cache(5_000)
def _letter(style: Style | None, blank: bool) -> str:
    if style is None:
        return " " if blank else "?"
    ground = _hex(style.bgcolor)
    letter = _LETTERS.get(_hex(style.color), "?")
    if style.bold:
        letter = {".": "s", "a": "k"}.get(letter, letter)
    if ground == DARK.variables["cursor"] or style.reverse:
        return "_" if blank else "O" if letter == "." else letter.upper()
    if ground == DARK.panel:
        return "-" if blank else "o" if letter == "." else letter
    return " " if blank else letter


def _hex(colour: object) -> str:
    triplet = getattr(colour, "triplet", None)
    return Color(*triplet).hex.lower() if triplet else ""
