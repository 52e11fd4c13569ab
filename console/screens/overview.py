"""Overview: what every environment serves, what needs a person, what happened last.

It is the first thing that people see, so it draws what it drew last time while the store is read,
and loads what its keys do only after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widget import Widget

from console.actions import Action
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.views import first_paint
from console.views.first_paint import Overview
from console.widgets.table import TableView

if TYPE_CHECKING:
    from console.screens.overview_keys import OverviewKeys
    from console.views.world import World


class OverviewScreen(PlaceScreen):
    """Needs above, the grid in the middle, the newest operations below."""

    place = "overview"
    CSS_PATH = "overview.tcss"
    BINDINGS = bindings_of("overview")
    AUTO_FOCUS = "#grid"

    def body(self) -> Iterable[Widget]:
        """Three tables."""
        yield TableView(id="needs", quiet=True)
        yield TableView(id="grid", cells=True)
        yield TableView(id="recent", quiet=True)

    def on_mount(self) -> None:
        """Shows what was shown last, where the store did not move since."""
        remembered = first_paint.recall(self.session.workspace.root)
        if remembered is not None:
            self._show(remembered)
        super().on_mount()

    def draw(self, world: World) -> None:
        """Reads what is shown in the reading thread."""
        self.load(partial(_drawn, world, self.session.workspace.root), self._show)

    def _show(self, drawn: Overview) -> None:
        self.query_one("#needs", TableView).show(drawn.needs)
        table = self.query_one("#grid", TableView)
        if not table.count:  # people come for the last environment, where others are waiting
            table.column = len(drawn.grid.columns) - 1
        table.show(drawn.grid)
        self.query_one("#recent", TableView).show(drawn.recent)
        self._fit()

    def on_resize(self) -> None:
        """The three tables share the height anew."""
        self._fit()

    def _fit(self) -> None:
        needs, grid = self.query_one("#needs", TableView), self.query_one("#grid", TableView)
        most = 4 if self.size.height < 30 else 9
        needs.styles.height = min(most, needs.count + 1) if needs.count else 2
        grid.styles.height = min(grid.count + 1, max(6, self.size.height - needs.count - 10))

    # -- keys ---------------------------------------------------------------------------------

    @cached_property
    def doer(self) -> OverviewKeys:
        """What the keys do."""
        from console.screens.overview_keys import OverviewKeys

        return OverviewKeys(self)

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done on the cell under the cursor."""
        return self.doer.why_not(action) if self.session.world else STILL_READING

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the cell."""
        return self.doer.shell_lines()

    def selected_id(self) -> str | None:
        """The version in the cell, the release of its environment, or the operation under the cursor."""
        recent = self.query_one("#recent", TableView)
        return recent.key if recent.has_focus else self.doer.selected_id()

    def on_table_view_moved(self, event: TableView.Moved) -> None:
        """What can be done depends on the cell."""
        if event.table.id == "grid":
            self.refresh_keys()

    def on_table_view_opened(self, event: TableView.Opened) -> None:
        """Enter: versions of a component, an operation's record, or where a need is dealt with."""
        if event.table.id == "recent" and event.table.key:
            self.lockgate.open_at("history", event.table.key)
        elif event.table.id == "needs" and event.table.key and self.session.world:
            self.doer.open_need(event.table.key)
        elif event.table.id == "grid":
            self.action_act("open")

    def aim(self, target: str) -> None:
        """Puts the cursor on a row of the grid."""
        self.query_one("#grid", TableView).select(target)


def _drawn(world: World, root: Path) -> Overview:
    """In the reading thread: loads what the keys do, reads, and remembers what was read."""
    import console.screens.overview_keys  # noqa: F401
    from console.views.overview import overview

    drawn = overview(world)
    first_paint.remember(root, world.snapshot.commit, drawn)
    return drawn
