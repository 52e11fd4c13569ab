"""How two answers to one question read beside each other. Everything in them is foreign text."""

from __future__ import annotations

import shutil
import textwrap
from itertools import zip_longest

from console.commands.output import say
from console.operations.compare import Compared, Side
from store.text import one_line, safe_text

_NARROW = 70
"""Columns of a terminal under which the sides stand below each other."""
_GAP = "  │  "
_PASSAGE = 60
_LINES = 200
"""Lines of one answer that are shown."""


def show(one: Compared) -> None:
    """One question with both sides."""
    say(f"? {one_line(one.asked.question, 500)}")
    if one.asked.served is not None:
        say(f"  the user was answered by {one.asked.served_by}: {one_line(one.asked.served, 300)}")
    width = shutil.get_terminal_size((120, 40)).columns
    if width < _NARROW:
        for side in (one.first, one.second):
            for line in _lines(side, width - 2):
                say(f"  {line}")
    else:
        each = (width - len(_GAP)) // 2
        sides = (_lines(one.first, each), _lines(one.second, each))
        for left, right in zip_longest(*sides, fillvalue=""):
            say(f"{left:<{each}}{_GAP}{right}".rstrip())
    say(f"  {_summary(one)}")
    say()


def _lines(side: Side, width: int) -> list[str]:
    answer = side.answer
    tokens = answer.prompt_tokens + answer.completion_tokens
    cost = "cost unknown" if side.usd is None else f"${side.usd:.6f}"
    head = f"{side.release}: {answer.latency_ms:,.0f} ms, {tokens:,} tokens, {cost}"
    text = f"! {answer.error}" if answer.error is not None else answer.text
    if answer.refused_by is not None:
        text = f"(refused: {answer.refused_by}) {text}"
    body = [
        part
        for line in safe_text(text).expandtabs(4).splitlines()
        for part in textwrap.wrap(line, width) or [""]
    ]
    more = [f"… {len(body) - _LINES:,} more lines"] if len(body) > _LINES else []
    passages = [
        one_line(f"[{number}] {one.source} {one.distance:.3f} {one.text}", min(width, _PASSAGE + width // 2))
        for number, one in enumerate(answer.retrieved, 1)
    ]
    return [one_line(head, width), *body[:_LINES], *more, *passages]


def _summary(one: Compared) -> str:
    told = ["the same words"] if one.same else ["other words"]
    if one.similarity is not None:
        told.append(f"likeness {one.similarity:.3f}")
    if one.overlap is not None and one.ranked is not None:
        told.append(f"{one.overlap:.0%} of the passages in common (by rank {one.ranked:.3f})")
    return ", ".join(told)
