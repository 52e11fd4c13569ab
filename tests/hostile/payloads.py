"""Texts that try to act on a terminal, to hide, or to break what shows them; and what must never get out."""

from __future__ import annotations

import re

PAYLOADS = {
    "colour": "\x1b[31mred\x1b[0m",
    "clear": "\x1b[2J\x1b[3J\x1b[Hgone",
    "clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "title": "\x1b]0;pwned\x07",
    "dcs": '\x1bP$q"p\x1b\\',
    "answerback": "\x1b[c\x1b[6n\x1b[5n\x05",
    "screen": "\x1b[?1049h\x1b[?1000h\x1bc",
    "c1": "\x9b31m\x9d52;c;cHduZWQ=\x9c\x90q",
    "bell": "\x07\x07",
    "backspace": "approved\b\b\b\b\b\b\b\brefused",
    "overwrite": "why\rlockgate: everything is well",
    "delete": "a\x7f\x0e\x0f\x0b\x0cb",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069 \u061c",
    "zero-width": "pro\u200bduc\u200dti\u2060on\ufeff\u00ad",
    "combining": "Z" + "\u0337\u0321" * 300,
    "tags": "\U000e0041\U000e0042\ufff9\u2028\u2029",
    "action": "[@click=app.quit]x[/] [@click='app.bell']y[/]",
    "unclosed": "[/nope] [bold [link=https://evil.example]z [$x]",
    "long": "long " + "w" * 12_000,
    "shell": "$(touch pwned) `touch pwned`; {x!r} %s %n {{context}",
    "formula": '=HYPERLINK("https://evil.example")',
}
"""By what each of them tries."""
REFUSED = {"nul": "a\x00b", "surrogate": "a\ud800b"}
"""What no TOML file and no argument can hold; JSON, models and files can."""
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What must never be in what a command prints."""
SHOWN = re.compile("\u241b|‹[0-9A-F]{4,5}›|\\\\u[0-9a-f]{4}")
"""What stands in its place."""
