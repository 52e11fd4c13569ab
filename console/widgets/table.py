"""A table that draws only the lines on the screen, over rows that may not all be loaded."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from console.views.line import Line, muted
from console.views.table import GAP, Column, Row, Rows, Table, layout
from console.widgets.content import fitted, flat

_GUTTER = 2


class TableView(ScrollView, can_focus=True):
    """Rows with a cursor: on a whole row, or, with `cells=True`, on one cell of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("down,j", "step(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home", "end(-1)", "first", show=False),
        Binding("end,G", "end(1)", "last", show=False),
        Binding("left,h", "side(-1)", "left", show=False),
        Binding("right,l", "side(1)", "right", show=False),
        Binding("enter", "open", "open", show=False),
    ]
    DEFAULT_CSS = """
    TableView { height: 1fr; background: $background; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    """The row that the cursor is on."""
    column: reactive[int] = reactive(1, repaint=False)
    """The column that it is on, where cells are chosen."""

    class Moved(Message):
        """The cursor went somewhere, or the rows under it changed."""

        def __init__(self, table: TableView) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> TableView:
            """The table."""
            return self.table

    class Opened(Moved):
        """Enter, or a second click, on a row."""

    def __init__(self, *, id: str, cells: bool = False, header: bool = True, quiet: bool = False) -> None:
        """`quiet` draws the cursor only while the table has the focus."""
        super().__init__(id=id)
        self._table = Table((Column(""),))
        self._rows: Rows = ()
        self._widths: tuple[int, ...] = ()
        self._laid_out_for = -1
        self._cells = cells
        self._header = header
        self._quiet = quiet

    # -- what is shown ------------------------------------------------------------------------

    def show(self, table: Table, rows: Rows | None = None, keep: bool = True) -> None:
        """Shows `table` (with `rows` in place of its own, where given).

        With `keep` the cursor stays on the row with the same key, where that is still there.
        """
        key = self.key if keep else None
        self._table = table
        self._rows = table.rows if rows is None else rows
        if key is not None and isinstance(self._rows, tuple):
            self.cursor = next((i for i, row in enumerate(self._rows) if row.key == key), self.cursor)
        elif not keep:
            self.cursor = 0
        self._lay_out()
        self._settle()
        self.refresh()
        self.post_message(self.Moved(self))

    def rows_changed(self) -> None:
        """The rows behind the list grew: draws them without moving the cursor."""
        self._lay_out()
        self._settle()
        self.refresh()
        self.post_message(self.Moved(self))

    @property
    def count(self) -> int:
        """How many rows there are, loaded or not."""
        return len(self._rows)

    @property
    def row(self) -> Row | None:
        """The row under the cursor, or None where there is none."""
        if not 0 <= self.cursor < len(self._rows):
            return None
        row = self._rows[self.cursor]
        return None if row.heading else row

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        row = self.row
        return row.key if row else None

    def select(self, key: str) -> bool:
        """Puts the cursor on the row called `key`; False when it is not loaded."""
        for index in range(len(self._rows)):
            if self._rows[index].key == key:
                self.go(index)
                return True
        return False

    # -- drawing ------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._measure()
        lines = max(1, len(self._rows)) + self._head
        self.virtual_size = Size(self._laid_out_for, lines)

    def _measure(self) -> None:
        self._laid_out_for = self.scrollable_content_region.width
        width = max(1, self._laid_out_for - _GUTTER)
        self._widths = layout(self._table.columns, self._rows, width)

    @property
    def _head(self) -> int:
        return 1 if self._header else 0

    def on_resize(self) -> None:
        """Columns are laid out anew for the new width."""
        self._lay_out()
        self._settle(force=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header stays, the rest scrolls."""
        width = self.size.width
        if self._laid_out_for != self.scrollable_content_region.width:  # a scroll bar came or went
            self._measure()
        if y < self._head and len(self._rows):
            titles = tuple((muted(column.title),) for column in self._table.columns)
            return self._strip(self._line(titles), width)
        index = y - self._head + self.scroll_offset.y
        if not len(self._rows):
            return self._strip(Content("  ") + flat(self._table.empty) if y == 0 else Content(""), width)
        if index >= len(self._rows):
            return self._strip(Content(""), width)
        return self._strip(self._row(index), width)

    def _row(self, index: int) -> Content:
        row = self._rows[index]
        if row.heading:
            return Content("  ") + fitted(row.cells[0], max(1, self.size.width - _GUTTER))
        here = index == self.cursor and (self.has_focus or not self._quiet)
        content = self._line(row.cells, here=here)
        if here and not self._cells:
            return content.stylize("on $cursor" if self.has_focus else "on $cursor-blurred")
        return content

    def _line(self, cells: tuple[Line, ...], here: bool = False) -> Content:
        marked = here and not self._cells
        parts: list[Content] = [Content("▸ " if marked else "  ")]
        first = True
        for place, width in enumerate(self._widths):
            if not width:
                continue
            if not first:
                chosen = here and self._cells and place == self.column
                parts.append(Content("▸ " if chosen else " " * GAP))
            first = False
            content = fitted(cells[place] if place < len(cells) else (), width)
            if here and self._cells and place == self.column:
                content = content.stylize("bold on $cursor" if self.has_focus else "on $cursor-blurred")
            parts.append(content)
        return Content("").join(parts)

    def _strip(self, content: Content, width: int) -> Strip:
        if content.cell_length > width:
            content = content.truncate(width)
        strips = Visual.to_strips(self, content, width, 1, self.visual_style, pad=True)
        return strips[0] if strips else Strip.blank(width, self.rich_style)

    # -- moving -------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """One row up or down, over headings."""
        self.go(self.cursor + by, by)

    def action_page(self, by: int) -> None:
        """One screenful up or down."""
        self.go(self.cursor + by * max(1, self.size.height - self._head - 1), by)

    def action_end(self, by: int) -> None:
        """The first or the last row."""
        self.go(0 if by < 0 else len(self._rows) - 1, -by)

    def action_side(self, by: int) -> None:
        """The next cell to the left or right."""
        if not self._cells:
            return
        shown = [place for place, width in enumerate(self._widths) if width and place > 0]
        if not shown:
            return
        place = shown.index(self.column) if self.column in shown else 0
        self.column = shown[max(0, min(len(shown) - 1, place + by))]
        self.refresh()
        self.post_message(self.Moved(self))

    def action_open(self) -> None:
        """Opens the row under the cursor."""
        if self.row is not None:
            self.post_message(self.Opened(self))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self._head:
            return
        index = offset.y - self._head + self.scroll_offset.y
        if 0 <= index < len(self._rows) and not self._rows[index].heading:
            self.go(index)
            if event.chain == 2:
                self.action_open()

    def go(self, index: int, direction: int = 1) -> None:
        """Puts the cursor on row `index`, or past a heading in `direction`."""
        self.cursor = index
        self._settle(direction)
        self.refresh()
        self.post_message(self.Moved(self))

    def _settle(self, direction: int = 1, force: bool = True) -> None:
        """Brings the cursor onto a row that can be chosen and into view."""
        count = len(self._rows)
        self.cursor = max(0, min(count - 1, self.cursor))
        for step in (direction or 1, -(direction or 1)):
            index = self.cursor
            while 0 <= index < count and self._rows[index].heading:
                index += step
            if 0 <= index < count:
                self.cursor = index
                break
        height = self.scrollable_content_region.height - self._head
        if height > 0 and force:
            top = self.scroll_offset.y
            # a heading above the first row comes into view with it
            first = self.cursor - 1 if self.cursor and self._rows[self.cursor - 1].heading else self.cursor
            if first < top:
                self.scroll_to(y=first, animate=False, force=True, immediate=True)
            elif self.cursor >= top + height:
                self.scroll_to(y=self.cursor - height + 1, animate=False, force=True, immediate=True)

    def watch_has_focus(self, focused: bool) -> None:
        """The cursor looks different where the keys go."""
        super().watch_has_focus(focused)
        self.refresh(Region(0, 0, self.size.width, self.size.height))
