"""Help, made from the registry of actions."""

from __future__ import annotations

from console.actions import GLOBAL, MODES, Place, of
from console.screens.message import MessagePanel
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.marks import CHECK, DIFFERENCE, GATE, INDEX_STATUS

_SYMBOLS = 4
"""Symbols beside each other, so that none is torn apart at 80 columns."""

_INSIDE: tuple[tuple[str, Place], ...] = (
    ("A component's versions", "versions"),
    ("A shadow", "shadow"),
    ("What two index versions find", "retrieval"),
    ("What auditors ask", "answer"),
    ("Flipped cases", "flips"),
    ("Labels for a judge", "label"),
)
"""Lists that open on top of a screen."""


def help_panel(place: Place | None, readonly: bool) -> MessagePanel:
    """The help for `place` first, then for everything."""
    return MessagePanel("Help", help_lines(place, readonly), tall=True)


def help_lines(place: Place | None, readonly: bool) -> tuple[Line, ...]:
    """Keys of this screen, of all screens, of the other screens; then what the symbols mean."""
    lines: list[Line] = []
    here = next((mode for mode in MODES if mode.id == place), None)
    if here is not None:
        lines += [line(Part(f"{here.title}: {here.about}", "strong")), *_keys(here.id, readonly), BLANK]
    lines.append(line(Part("Everywhere", "strong")))
    lines += [_key(key, about) for key, about in GLOBAL]
    for mode in MODES:
        if mode is not here:
            lines += [BLANK, line(Part(f"{mode.key} {mode.title}: {mode.about}", "strong"))]
            lines += _keys(mode.id, readonly)
    for head, inner in _INSIDE:
        lines += [BLANK, line(Part(head, "strong")), *_keys(inner, readonly)]
    lines += [BLANK, line(Part("Symbols", "strong"))]
    for about, marks in (
        ("index status", INDEX_STATUS),
        ("gate", GATE),
        ("condition", CHECK),
        ("compared", DIFFERENCE),
    ):
        parts = [Part(f"  {mark.text}", mark.tone) for mark in marks.values()]
        for start in range(0, len(parts), _SYMBOLS):
            lines.append(line(muted(f"  {'' if start else about:<12}"), *parts[start : start + _SYMBOLS]))
    if readonly:
        lines += [BLANK, line(Part("This console is read-only: what changes the store is left out.", "warn"))]
    return tuple(lines)


def _keys(place: Place, readonly: bool) -> list[Line]:
    return [_key(one.key_text, f"{one.label}: {one.about}") for one in of(place, readonly)]


def _key(key: str, about: str) -> Line:
    return line(Part(f"  {key:<10} ", "key"), HANG, about)
