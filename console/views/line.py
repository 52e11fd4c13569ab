"""A line of text with tones. Text here is raw, as it came from outside; it is made safe where it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "strong", "muted", "good", "warn", "bad", "accent", "added", "removed", "key", "hang"]
"""What a stretch of text means; the theme decides how it looks. Never the only signal."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one tone."""

    text: str
    tone: Tone = "plain"


Line = tuple[Part, ...]
"""One line; the parts stand beside each other."""
HANG = Part("", "hang")
"""Where the line goes on when it is wrapped: below what stands after this mark."""


def line(*parts: str | Part) -> Line:
    """A line of plain strings and parts."""
    return tuple(Part(part) if isinstance(part, str) else part for part in parts if part)


def toned(tone: Tone, text: str) -> Line:
    """A line of one tone."""
    return (Part(text, tone),)


def muted(text: str) -> Part:
    """Text that matters less."""
    return Part(text, "muted")


def strong(text: str) -> Part:
    """Text that matters more."""
    return Part(text, "strong")


def text_of(parts: Line) -> str:
    """The words of a line without tones."""
    return "".join(part.text for part in parts)


BLANK: Line = ()
