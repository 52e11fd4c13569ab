"""The one place where text from outside becomes something that Textual shows.

Textual parses markup in plain strings and passes control characters through to the terminal
(measured: `[@click=app.quit]` fires, `[/nope]` crashes, ESC reaches the terminal). So every widget
gets Content made here: literal, with everything that could act or hide made visible.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from textual.content import Content

from console.views.line import Line, Part, Tone
from console.widgets.prose import Hung, Prose
from store.text import one_line, safe_text

_STYLES: dict[Tone, str] = {
    "plain": "",
    "strong": "bold",
    "muted": "$quiet",
    "good": "$good",
    "warn": "$warn",
    "bad": "bold $bad",
    "accent": "$accent",
    "added": "$good",
    "removed": "$bad",
    "key": "bold $accent",
    "hang": "",
}
"""Tones as styles of the theme's variables."""

_LONG = 20_000
"""Characters of one paragraph that are shown; the rest is said to be there."""


def literal(text: str) -> Content:
    """`text` as it is, safe, without any markup; lines stay lines."""
    if len(text) > _LONG:
        text = f"{text[:_LONG]}… ({len(text) - _LONG:,} characters more)"
    return Content(safe_text(text).expandtabs(4))


def flat(parts: Line, limit: int = 500) -> Content:
    """One line of toned text, without line breaks; long parts are cut at `limit` characters."""
    return Content.assemble(*((_flat(part.text, limit), _STYLES[part.tone]) for part in parts))


def paragraphs(lines: Iterable[Line]) -> Prose:
    """Toned lines below each other; text in them may hold line breaks."""
    return Prose(tuple(_hung(parts) for parts in lines))


def key_hints(*hints: tuple[str, str]) -> Content:
    """The last line of a dialog: keys and what they do."""
    parts: list[Part] = []
    for key, label in hints:
        parts += [Part(key, "key"), Part(f" {label}   ", "muted")]
    return flat(tuple(parts))


def _assembled(parts: Line) -> Content:
    return Content.assemble(*((literal(part.text).plain, _STYLES[part.tone]) for part in parts))


def _hung(parts: Line) -> Hung:
    place = next((i for i, part in enumerate(parts) if part.tone == "hang"), 0)
    return _assembled(parts[:place]), _assembled(parts[place:])


def fitted(parts: Line, width: int, style: str = "") -> Content:
    """`flat`, cut or filled to exactly `width` cells."""
    content = flat(parts, max(1, width * 2 + 8))
    if content.cell_length > width:
        content = content.truncate(width, ellipsis=True)
    content = content.pad_right(max(0, width - content.cell_length))
    return content.stylize(style) if style else content


def _flat(text: str, limit: int) -> str:
    """`one_line` that keeps the spaces at both ends, which separate parts."""
    if not text.strip():
        return " " * min(len(text), limit)
    head = " " * (len(text) - len(text.lstrip(" ")))
    tail = " " * (len(text) - len(text.rstrip(" ")))
    return head + one_line(text, limit) + tail


def width_of(parts: Line) -> int:
    """The cells that `flat(parts)` takes."""
    return cell_len(flat(parts).plain)
