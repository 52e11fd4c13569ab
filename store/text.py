"""Makes text from outside safe to show.

Everything that comes out of git, a model, an index or a provider may hold terminal control
sequences, bidirectional overrides or invisible characters. `safe_text` makes them visible
instead of dropping them, so that nothing can hide and nothing can act.
"""

from __future__ import annotations

import re

# C0 (tab and newline stay), DEL, C1, soft hyphen, zero-width, bidi controls, line and
# paragraph separators, BOM, variation selectors supplement, interlinear, tag characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures block
    if code == 0x7F:
        return "\u2421"
    return f"‹{code:04X}›"


def safe_text(text: str) -> str:
    """`text` with every control, bidi and invisible character made visible; tabs and newlines stay."""
    return _UNSAFE.sub(_visible, text)


def json_safe(document: str) -> str:
    """A JSON document with every unsafe character in it escaped: the same value, nothing that acts."""
    return _UNSAFE.sub(_escaped, document)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def one_line(text: str, limit: int = 200) -> str:
    """`safe_text` on one line of at most `limit` characters, with an ellipsis where it was cut."""
    flat = " ".join(safe_text(text[: limit * 8]).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
