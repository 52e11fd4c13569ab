"""The blocks of a Markdown or plain text document."""

from __future__ import annotations

import re
from dataclasses import dataclass

from indexes.chunking import Block

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_HEADING = re.compile(r"\s*[-|*+>]|\s*\d+[.)]")  # a list, table or quote over a rule
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TITLE = re.compile(r"title:[ \t]*(.+?)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Text:
    """A document read: its title (empty where it names none) and its blocks."""

    title: str
    blocks: tuple[Block, ...]


def read_plain(text: str) -> Text:
    """Plain text: paragraphs parted by empty lines, no headings."""
    return Text("", tuple(Block(part) for part in re.split(r"\n[ \t]*\n", _unix(text)) if part.strip()))


def read_markdown(text: str) -> Text:
    """Markdown: ATX and underlined headings, paragraphs, fenced code kept whole, front matter left out.

    The title is that of the front matter, else the first heading.
    """
    title, lines = _front_matter(_unix(text).split("\n"))
    blocks = _blocks(lines)
    return Text(title or next((block.text for block in blocks if block.heading), ""), tuple(blocks))


def _blocks(lines: list[str]) -> list[Block]:
    blocks: list[Block] = []
    paragraph: list[str] = []
    fence = ""

    def flush() -> None:
        if paragraph:
            blocks.append(Block("\n".join(paragraph)))
            paragraph.clear()

    for line in lines:
        opened = _FENCE.match(line)
        if fence:
            paragraph.append(line)
            closes = opened and opened[1].startswith(fence) and not line.strip(" \t`~")
            fence = "" if closes else fence
        elif opened:
            fence = opened[1]
            paragraph.append(line)
        elif heading := _ATX.match(line):
            flush()
            blocks.append(Block(heading[2], heading=True))
        elif len(paragraph) == 1 and _UNDERLINE.match(line) and not _NO_HEADING.match(paragraph[0]):
            blocks.append(Block(paragraph.pop(), heading=True))
        elif line.strip():
            paragraph.append(line)
        else:
            flush()
    flush()
    return [block for block in blocks if block.text.strip()]


def _front_matter(lines: list[str]) -> tuple[str, list[str]]:
    if not lines or lines[0].rstrip() != "---":
        return "", lines
    end = next((n for n, line in enumerate(lines[1:200], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        return "", lines
    titles = (_TITLE.match(line) for line in lines[1:end])
    title = next((found[1].strip("\"'") for found in titles if found), "")
    return title, lines[end + 1 :]


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
