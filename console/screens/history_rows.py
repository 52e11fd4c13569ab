"""The list behind the history screen: pages of the read model, loaded as they come into view."""

from __future__ import annotations

from datetime import datetime

from console.views.history import entry_row
from console.views.line import line, muted
from console.views.table import Row
from store.history.entry import Entry

PAGE = 200
"""Entries of one page."""
MORE = "more"
"""The key of the last row while older entries are not loaded."""


class HistoryRows:
    """Rows for a TableView. Only what is drawn is made into rows."""

    def __init__(self, entries: tuple[Entry, ...], now: datetime, total: int | None) -> None:
        self.entries = list(entries)
        self.total = total
        """How many there are in all; None where it is not known yet."""
        self._now = now

    def __len__(self) -> int:
        return len(self.entries) + (1 if self.has_more else 0)

    def __getitem__(self, index: int) -> Row:
        if index >= len(self.entries):
            return Row(MORE, ((), (), (), (), line(muted("loading older operations…")), ()))
        return entry_row(self.entries[index], self._now)

    @property
    def has_more(self) -> bool:
        """Whether older entries are not loaded yet."""
        return self.total is not None and self.total > len(self.entries)

    @property
    def last_position(self) -> int | None:
        """Where the next page begins."""
        return self.entries[-1].position if self.entries else None

    def find(self, key: str) -> int | None:
        """The place of the entry with this record id or commit."""
        return next((i for i, one in enumerate(self.entries) if key in (one.id, one.commit)), None)

    def extend(self, page: tuple[Entry, ...]) -> None:
        """Adds an older page."""
        self.entries.extend(page)
        if not page:
            self.total = len(self.entries)
