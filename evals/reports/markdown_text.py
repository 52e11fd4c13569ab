"""Foreign text in Markdown: always code, which no renderer takes for links, mentions, references or HTML."""

from __future__ import annotations

import html
import re

from store.text import one_line, safe_text

_TICKS = re.compile(r"`+")


def code(text: str, limit: int = 100) -> str:
    """`text` as a code span on one line."""
    shown = one_line(text, limit) or "—"
    ticks = "`" * (_longest(shown) + 1)
    return f"{ticks} {shown} {ticks}" if "`" in shown else f"{ticks}{shown}{ticks}"


def cell(text: str, limit: int = 60) -> str:
    """`code` for a table, whose cells no bar may end."""
    return code(text.replace("|", "¦"), limit)


def block(text: str) -> str:
    """`text` as a fenced block, whose fence is longer than any within."""
    shown = safe_text(text) or "(empty)"
    fence = "`" * max(3, _longest(shown) + 1)
    return f"{fence}text\n{shown}\n{fence}"


def summary(text: str, limit: int = 100) -> str:
    """`text` as code within a line of HTML of ours."""
    return f"<code>{html.escape(one_line(text, limit) or '—')}</code>"


def _longest(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)
