"""Nothing from outside reaches a terminal as a command."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from store.text import one_line, safe_text

HOSTILE = [
    "\x1b[2J",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31m",
    "a\u202eb",
    "a\u200bb",
    "\r",
    "\x7f",
    "\u2066x\u2069",
    "\U000e0041",
]


def test_controls_become_visible() -> None:
    assert safe_text("\x1b[2J") == "␛[2J"
    assert safe_text("a\u202eb") == "a‹202E›b"
    assert safe_text("tab\tand\nline stay, ünïcödé 漢字 🦊 too") == "tab\tand\nline stay, ünïcödé 漢字 🦊 too"


@given(st.text())
def test_no_control_or_format_character_is_left(text: str) -> None:
    for character in safe_text(text):
        assert character in "\t\n" or unicodedata.category(character) not in ("Cc", "Zl", "Zp", "Cs")
        assert (
            character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff"
        )


@given(st.text(), st.integers(2, 50))
def test_one_line_is_one_line_of_that_length(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert "\n" not in line and "\t" not in line and len(line) <= limit


def test_every_hostile_payload_is_disarmed() -> None:
    for payload in HOSTILE:
        assert not set(safe_text(payload)) & set("\x1b\x07\x9b\x7f\r\u202e\u200b\u2066\u2069")
