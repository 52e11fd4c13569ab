"""The last line of defence: nothing that a terminal obeys leaves the console in text."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


class Guard(LineFilter):
    """Drops C0, DEL, C1, bidirectional and invisible characters from what is drawn; widths stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Segments without acting characters."""
        return [self._clean(segment) for segment in segments]

    @staticmethod
    def _clean(segment: Segment) -> Segment:
        if segment.control or not _ACTING.search(segment.text):
            return segment
        text = _ACTING.sub(lambda match: " " * cell_len(match.group()), segment.text)
        return Segment(text, segment.style, segment.control)
