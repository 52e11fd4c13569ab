"""Paragraphs that hang: a wrapped line goes on below its text, not below its mark."""

from __future__ import annotations

from functools import lru_cache

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_LEAST = 24
"""Cells that a hanging text needs; with less it is wrapped below its mark."""

Hung = tuple[Content, Content]
"""What stands before the hang of a line, and what stands after it; nothing before it does not hang."""


class Prose(Visual):
    """Lines below each other."""

    def __init__(self, lines: tuple[Hung, ...]) -> None:
        self._lines = lines
        self._at = lru_cache(2)(self._wrapped)

    def _wrapped(self, width: int) -> Content:
        return Content("\n").join(_hung(head, body, width) for head, body in self._lines)

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """What is drawn at `width`."""
        return self._at(width).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        """The widest line."""
        return max((head.cell_length + body.cell_length for head, body in self._lines), default=1)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Lines at `width`."""
        return self._at(width).get_height(rules, width)


def _hung(head: Content, body: Content, width: int) -> Content:
    indent = head.cell_length
    if not indent or indent + body.cell_length <= width or width - indent < _LEAST:
        return head + body
    return head + Content("\n" + " " * indent).join(body.wrap(width - indent))
