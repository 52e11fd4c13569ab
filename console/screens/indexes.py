"""Indexes: versions with their status and countdown, what they hold, and one key to switch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.widget import Widget

from console.actions import Action
from console.screens.message import MessagePanel
from console.screens.place import PlaceScreen, bindings_of
from console.screens.versions import offer_switch
from console.views.diff import diff_lines
from console.views.documents import document_lines
from console.views.indexes import detail_lines, indexes_table, ready_key
from console.views.line import Line, Part, line
from console.views.table import Table
from console.views.versions import environment_choices
from console.views.world import World
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.progress import Report, Stop
from store.records.component import Pin


class IndexesScreen(PlaceScreen):
    """The list, and below it the version under the cursor."""

    place = "indexes"
    CSS_PATH = "indexes.tcss"
    BINDINGS = bindings_of("indexes")
    AUTO_FOCUS = "#versions"

    def body(self) -> Iterable[Widget]:
        """A table and a pane."""
        yield TableView(id="versions")
        yield Pane(id="version")

    def draw(self, world: World) -> None:
        """Reads the manifests in the reading thread."""
        self.load(lambda: (indexes_table(world), ready_key(world)), self._show)

    def _show(self, made: tuple[Table, str | None]) -> None:
        rows, ready = made
        table = self.query_one("#versions", TableView)
        first = table.key is None
        table.show(rows)
        if first and ready is not None and self._aimed is None:
            table.select(ready)
        elif self._aimed is not None and table.select(self._aimed):
            self._aimed = None

    _aimed: str | None = None

    def aim(self, target: str) -> None:
        """Puts the cursor on `index/name@vN`, now or once the list is there."""
        self._aimed = None if self.query_one("#versions", TableView).select(target) else target

    @property
    def _pin(self) -> Pin | None:
        key = self.query_one("#versions", TableView).key
        return Pin.parse(key) if key else None

    def on_table_view_moved(self) -> None:
        """Shows the version under the cursor."""
        pin, world = self._pin, self.session.world
        if pin is None or world is None:
            self.query_one(Pane).show(())
            return
        self.load(lambda: detail_lines(world, pin), self.query_one(Pane).show, group="detail")

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("documents")

    # -- actions ------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Everything needs a version under the cursor."""
        world, pin = self.session.world, self._pin
        if world is None or pin is None:
            return "There is no index yet: `lockgate add index NAME --from PATH` makes one."
        if action.id == "switch_index" and not environment_choices(world, pin).rows:
            return f"No environment serves another version of {pin.component}."
        if action.id == "index_diff" and self._older(pin) is None:
            return f"{pin} is the first version; there is nothing before it."
        return None

    def _older(self, pin: Pin) -> Pin | None:
        world = self.session.world
        if world is None:
            return None
        parent = world.snapshot.index(pin).parent or (f"v{pin.number - 1}" if pin.number > 1 else None)
        return Pin(pin.component, parent) if parent else None

    def do_switch_index(self) -> None:
        """Serves the version under the cursor."""
        if self._pin is not None and self.session.world is not None:
            offer_switch(self.lockgate, self.session.world, self._pin)

    def do_index_diff(self) -> None:
        """What differs from the version that it stands on."""
        pin, world = self._pin, self.session.world
        if pin is None or world is None or (older := self._older(pin)) is None:
            return

        def make(_: Report, __: Stop) -> tuple[Line, ...]:
            return diff_lines(self.session.workspace, world.snapshot, older, pin)

        self.run_worker(self._shown(f"{older} → {pin.version}", make), exit_on_error=False)

    def do_documents(self) -> None:
        """The source documents of the version under the cursor."""
        pin = self._pin
        if pin is None:
            return

        def make(_: Report, __: Stop) -> tuple[Line, ...]:
            from console.operations import index_look

            return document_lines(index_look.documents(self.session.workspace, str(pin)))

        self.run_worker(self._shown(f"Documents of {pin}", make), exit_on_error=False)

    def do_verify(self) -> None:
        """Reads every byte again, in a worker."""
        pin = self._pin
        if pin is None:
            return

        def make(report: Report, _: Stop) -> tuple[Line, ...]:
            from console.operations import index_look

            done = index_look.verify(self.session.workspace, str(pin), report=report)
            return (
                line(Part("✓ ", "good"), f"{done.pin} is whole"),
                line(
                    f"{done.files} files hashed, {done.passages:,} passages, a fresh copy opened and probed"
                ),
            )

        self.run_worker(self._shown(f"Verify {pin}", make), exit_on_error=False)

    async def _shown(self, head: str, make: Callable[[Report, Stop], tuple[Line, ...]]) -> None:
        with self.session.doing(head):
            lines = await self.lockgate.operator.attempt(head, make)
        if lines is not None:
            self.app.push_screen(MessagePanel(head, lines, tall=len(lines) > 4))

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the version under the cursor."""
        pin = self._pin
        if pin is None:
            return ("lockgate add index NAME --from PATH",)
        older = self._older(pin)
        return (
            f"lockgate switch {pin} --env ENV -m WHY",
            *((f"lockgate diff {older} {pin}",) if older else ()),
            f"lockgate index verify {pin.component.name}@{pin.version}",
            f"lockgate list index {pin.component.name}",
        )
