"""Cuts a document into passages on its own borders, so that an edit moves few of them.

A passage never crosses a heading. Inside a section, paragraphs are put together up to the wanted
size; where a passage may end is decided by the words of the paragraph there (content-defined
borders, the idea of rsync and fastcdc), so that after an edit the borders fall back into place
and passages elsewhere keep their ids.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from store.canonical import sha256_hex

_HASH_DIGITS = 12
_HEADING_LIMIT = 200  # longer ones are marked as headings by mistake
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SENTENCE = re.compile(r".+?(?:[.!?…。！？]['\")\]]*\s+|$)", re.DOTALL)
_WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document in reading order."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is embedded and found as one."""

    text: str
    """Begins with the heading of its section, so that it can be understood alone."""
    heading: str
    """The nearest heading above; empty before the first."""


def passages(blocks: Iterable[Block], characters: int) -> Iterator[Passage]:
    """The blocks as passages of at most about `characters` each (headings come on top)."""
    heading, section = "", list[str]()
    pending: list[str] = []  # headings with nothing under them yet belong to what follows
    for block in blocks:
        text = block.text.strip()
        if not text:
            continue
        if block.heading and len(text) <= _HEADING_LIMIT:
            yield from _section(heading, section, characters)
            section = []
            pending.append(text)
            heading = " › ".join(pending)
        else:
            section.append(text)
            pending = []
    yield from _section(heading, section, characters)
    if pending:
        yield Passage(heading, heading)  # a document that ends in a heading keeps it findable


def passage_ids(source: str, texts: Iterable[str]) -> Iterator[str]:
    """`source#hash` for each text; equal texts of one source get `-2`, `-3`, … in order."""
    seen: Counter[str] = Counter()
    for text in texts:
        digest = sha256_hex(text.encode())[:_HASH_DIGITS]
        seen[digest] += 1
        yield f"{source}#{digest}" + (f"-{seen[digest]}" if seen[digest] > 1 else "")


def _section(heading: str, paragraphs: list[str], characters: int) -> Iterator[Passage]:
    prefix = f"{heading}\n\n" if heading else ""
    for body in _packed(paragraphs, characters):
        yield Passage(prefix + body, heading)


def _packed(paragraphs: list[str], characters: int) -> Iterator[str]:
    """Paragraphs together, up to `characters`; ends early after a paragraph that is a border."""
    current: list[str] = []
    size = 0
    for paragraph in paragraphs:
        for piece in _pieces(paragraph, characters):
            if current and size + len(piece) + 2 > characters:
                yield "\n\n".join(current)
                current, size = [], 0
            current.append(piece)
            size += len(piece) + 2
            if size >= characters // 3 and _is_border(piece):
                yield "\n\n".join(current)
                current, size = [], 0
    if current:
        yield "\n\n".join(current)


def _is_border(piece: str) -> bool:
    return int(sha256_hex(piece.encode())[:2], 16) % 2 == 0


def _pieces(paragraph: str, characters: int) -> list[str]:
    """`paragraph` whole, or cut between lines, else sentences, else words, else anywhere."""
    if len(paragraph) <= characters:
        return [paragraph]
    units: list[str] = [paragraph]
    for border in (_LINE, _SENTENCE, _WORD):
        units = [part for unit in units for part in _cut(unit, border, characters)]
    units = [unit[at : at + characters] for unit in units for at in range(0, len(unit), characters)]
    joined: list[str] = []
    for unit in units:
        if joined and len(joined[-1]) + len(unit) <= characters:
            joined[-1] += unit
        else:
            joined.append(unit)
    return [text for piece in joined if (text := piece.strip())]


def _cut(unit: str, border: re.Pattern[str], characters: int) -> list[str]:
    return [unit] if len(unit) <= characters else border.findall(unit)
