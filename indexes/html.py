"""The blocks of an HTML document: its words, without scripts, styles and page furniture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from indexes.chunking import Block
from indexes.markdown import Text
from store.errors import InputError

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import PageElement, Tag

_DROPPED = {"script", "style", "noscript", "template", "svg", "head", "nav", "iframe", "object", "button"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "main", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "thead", "ul",
}  # fmt: skip
_LINES = {"li": "\n- ", "tr": "\n", "br": "\n", "td": " ", "th": " "}
_SPACES = re.compile(r"[ \t\r\n\f\v\xa0]+")


def read_html(data: bytes, where: str) -> Text:
    """The title and blocks of a page. Its own charset is believed where it is not UTF-8.

    Raises InputError naming `where` when the bytes are no text that can be told.
    """
    soup = _parsed(data, where)
    mains = soup.find_all("main", limit=2)
    root: Tag = mains[0] if len(mains) == 1 else soup
    blocks = _blocks(root)
    named = soup.title.get_text() if soup.title else ""
    title = _SPACES.sub(" ", named).strip() or next((block.text for block in blocks if block.heading), "")
    return Text(title, tuple(blocks))


def _parsed(data: bytes, where: str) -> BeautifulSoup:
    import warnings

    from bs4 import BeautifulSoup

    markup: bytes | str
    try:
        markup = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        markup = data  # the parser reads the charset that the page declares
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a page that looks like XML or like a file name is still a page
            soup = BeautifulSoup(markup, "html.parser")
    except (RecursionError, ValueError, AssertionError):  # the last: the parser's own on broken declarations
        raise InputError(f"{where} is no HTML that can be read; save it again or leave it out.") from None
    undeclared = soup.declared_html_encoding is None or soup.contains_replacement_characters
    if isinstance(markup, bytes) and undeclared:
        raise InputError(f"{where} is neither UTF-8 nor in the charset it declares; save it as UTF-8.")
    return soup


def _blocks(root: Tag) -> list[Block]:
    """Walks without recursion: pages nest deeper than Python's stack."""
    from bs4.element import NavigableString, PreformattedString, Tag

    found: list[Block] = []
    words: list[str] = []
    heading = False
    preformatted = 0

    def flush() -> None:
        text = re.sub(r" *\n *", "\n", "".join(words)).strip() if not preformatted else "".join(words)
        if text.strip():
            found.append(Block(_SPACES.sub(" ", text) if heading else text.strip("\n"), heading))
        words.clear()

    todo: list[tuple[PageElement, bool]] = [(root, False)]
    while todo:
        element, closing = todo.pop()
        if isinstance(element, Tag):
            name = element.name
            if name in _DROPPED:
                continue
            if name in _BLOCKS or name in _HEADINGS:
                flush()
                heading = name in _HEADINGS and not closing
            if name == "pre":
                preformatted += -1 if closing else 1
            if not closing:
                words.append(_LINES.get(name, ""))
                todo.append((element, True))
                todo.extend((child, False) for child in reversed(element.contents))
        elif isinstance(element, NavigableString) and not isinstance(element, PreformattedString):
            words.append(str(element) if preformatted else _SPACES.sub(" ", str(element)))
    flush()
    return found
