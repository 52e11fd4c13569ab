"""Indexes: versions with their status and countdown, what they hold, and one key to switch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from textual.containers import Container
from textual.widget import Widget

from console.actions import Action
from console.operations import index_look
from console.operations.index_look import Verified
from console.screens.ask import AskDialog
from console.screens.index_inside import IndexInside, Tab
from console.screens.message import MessagePanel
from console.screens.operate import Intent
from console.screens.place import FRAME_LINES, WIDE, PlaceScreen, bindings_of
from console.screens.retrieval_asking import ask_both
from console.screens.session import Session
from console.screens.versions import offer_switch
from console.views.diff import diff_lines
from console.views.indexes import detail_lines, indexes_table, ready_key
from console.views.line import Line, line
from console.views.probes import probe_lines, verified_lines
from console.views.table import Table
from console.views.trouble import trouble_lines
from console.views.versions import environment_choices
from console.views.world import World
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.errors import LockgateError
from store.progress import Report, Stop
from store.records.component import Pin


class IndexesScreen(PlaceScreen):
    """The list, and below it the version under the cursor."""

    place = "indexes"
    CSS_PATH = "indexes.tcss"
    BINDINGS = bindings_of("indexes")
    AUTO_FOCUS = "#versions"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._aimed: str | None = None
        self._verified: dict[Pin, Verified] = {}
        """What the verifies of this console found."""

    def body(self) -> Iterable[Widget]:
        """A table, the version under the cursor, and its probes where there is room."""
        yield TableView(id="versions")
        with Container(id="below"):
            yield Pane(id="version")
            yield Pane(id="probes")

    def draw(self, world: World) -> None:
        """Reads the manifests in the reading thread."""
        self.load(lambda: (indexes_table(world), ready_key(world)), self._show)

    def _show(self, made: tuple[Table, str | None]) -> None:
        rows, ready = made
        table = self.query_one("#versions", TableView)
        first = table.key is None
        table.show(rows)
        self._fit()
        if first and ready is not None and self._aimed is None:
            table.select(ready)
        elif self._aimed is not None and table.select(self._aimed):
            self._aimed = None

    def on_resize(self) -> None:
        """What is below takes what the list leaves."""
        self._fit()
        self.on_table_view_moved()

    def _fit(self) -> None:
        """The list is as long as it is, up to what leaves room for the version under the cursor."""
        table = self.query_one("#versions", TableView)
        wide = self.size.width >= WIDE
        below = max(8, self.size.height // 2) if wide else 8
        most = max(4, self.size.height - FRAME_LINES - below)
        table.styles.height = min(table.count + 2, most) if wide else most

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
        detail, probes = self.query_one("#version", Pane), self.query_one("#probes", Pane)
        if pin is None or world is None:
            detail.show(())
            probes.show(())
            return
        self.load(lambda: detail_lines(world, pin), detail.show, group="detail")
        if self.size.width >= WIDE:
            self.load(partial(self._probe_lines, pin), probes.show, group="probes")

    def _probe_lines(self, pin: Pin) -> tuple[Line, ...]:
        if (done := self._verified.get(pin)) is not None:
            return verified_lines(done)
        try:
            return probe_lines(index_look.probes(self.session.workspace, str(pin)))
        except LockgateError as error:
            return trouble_lines(error)

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
        if action.id in ("index_diff", "find_both") and self._older(pin) is None:
            return f"{pin} is the first version; there is nothing before it."
        if action.id == "restore" and self._phase(world, pin) != "packed":
            return f"{pin} is not archived; nothing has to be unpacked."
        if action.id == "keep_version" and self._phase(world, pin) == "purged":
            return f"{pin} was purged; there is nothing to keep."
        return None

    def _phase(self, world: World, pin: Pin) -> str | None:
        return world.statuses[pin.component.name][pin.version].phase

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

        def make(report: Report, stop: Stop) -> tuple[Line, ...]:
            return diff_lines(self.session.workspace, world.snapshot, older, pin, report=report, stop=stop)

        self.run_worker(self._shown(f"{older} → {pin.version}", make), exit_on_error=False)

    def do_find_both(self) -> None:
        """What it and the version that it stands on find for the same questions."""
        pin = self._pin
        if pin is not None and (older := self._older(pin)) is not None:
            asking = ask_both(self.lockgate, older, pin)
            self.app.run_worker(asking, group="asking", exclusive=True, exit_on_error=False)

    def do_restore(self) -> None:
        """Unpacks the archived version under the cursor, after a plan."""
        from console.operations.index import restore

        workspace, ref = self.session.workspace, str(self._pin)
        after = partial(restore.finish, workspace, ref)
        self.lockgate.operator.begin(Intent(lambda _: restore.plan(workspace, ref), after=after))

    def do_keep_version(self) -> None:
        """Pins the version under the cursor, or lets it go again; the reason is asked for."""
        pin, world = self._pin, self.session.world
        if pin is None or world is None:
            return
        workspace, ref = self.session.workspace, str(pin)
        if world.statuses[pin.component.name][pin.version].pinned:
            from console.operations.index import unpin

            self.lockgate.operator.begin(Intent(lambda _: unpin.plan(workspace, ref)))
            return

        def answered(reason: str | None) -> None:
            from console.operations.index import pin as keeping

            if reason is not None and reason.strip():
                make = partial(keeping.plan, workspace, ref, reason.strip())
                self.lockgate.operator.begin(Intent(lambda _: make(), why=reason.strip()))

        hint = line("The reason is kept, and shown wherever the version is refused.")
        self.app.push_screen(AskDialog(f"Keep {pin} ready because", (hint,)), answered)

    def do_documents(self) -> None:
        """The source documents of the version under the cursor."""
        self._open("documents")

    def do_probes(self) -> None:
        """Its golden queries."""
        self._open("probes")

    def _open(self, tab: Tab) -> None:
        pin = self._pin
        if pin is not None:
            self.app.push_screen(IndexInside(self.session, pin, tab, self._verified.get(pin)))

    def do_verify(self) -> None:
        """Reads every byte again, in a worker; Esc stops it."""
        if self._pin is not None:
            self.run_worker(self._verify(self._pin), exit_on_error=False)

    async def _verify(self, pin: Pin) -> None:
        def do(report: Report, stop: Stop) -> Verified:
            return index_look.verify(self.session.workspace, str(pin), report=report, stop=stop)

        self._verified.pop(pin, None)
        with self.session.doing(f"Verify {pin}"):
            done = await self.lockgate.operator.attempt(f"Verify {pin}", do, stoppable=True)
        if done is not None:
            self._verified[pin] = done
            self.app.push_screen(IndexInside(self.session, pin, "probes", done))
        self.on_table_view_moved()

    async def _shown(self, head: str, make: Callable[[Report, Stop], tuple[Line, ...]]) -> None:
        with self.session.doing(head):
            lines = await self.lockgate.operator.attempt(head, make, stoppable=True)
        if lines is not None:
            self.app.push_screen(MessagePanel(head, lines, tall=len(lines) > 4))

    def selected_id(self) -> str | None:
        """`index/name@vN`."""
        return str(self._pin) if self._pin else None

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the version under the cursor."""
        pin = self._pin
        if pin is None:
            return ("lockgate add index NAME --from PATH",)
        older = self._older(pin)
        return (
            f"lockgate switch {pin} --env ENV -m WHY",
            *((f"lockgate diff {older} {pin}",) if older else ()),
            *((f"lockgate diff {older} {pin} --suite evals/NAME",) if older else ()),
            f"lockgate index verify {pin.component.name}@{pin.version}",
            f"lockgate list index {pin.component.name}",
        )
