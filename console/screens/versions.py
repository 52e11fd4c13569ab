"""The versions of one component: what they are, what differs, and serving another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from console.actions import of
from console.operations import switch
from console.screens.choose import ChooseDialog
from console.screens.dialog import Dialog
from console.screens.message import MessagePanel
from console.screens.operate import Intent
from console.screens.session import Session
from console.views.diff import diff_lines
from console.views.indexes import detail_lines
from console.views.line import Line
from console.views.trouble import trouble_lines
from console.views.versions import environment_choices, versions_table
from console.views.world import World
from console.widgets.content import key_hints, literal
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.records.component import Component, Kind, Pin

if TYPE_CHECKING:
    from console.app import LockgateApp
    from console.operations.plan import Plan


class VersionsDialog(Dialog[None]):
    """A list of versions, newest first; below it what the one under the cursor changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "serve", "switch", show=False),
        Binding("d", "compare", "diff", show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, session: Session, component: Component, environment: str | None) -> None:
        super().__init__()
        self.session = session
        self._component = component
        self._environment = environment

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="box -tall"):
            yield Static(literal(str(self._component)), classes="head")
            yield TableView(id="versions")
            yield Pane(id="differs")
            hints = [(one.key_text, one.label) for one in of("versions", self.session.readonly)]
            yield Static(key_hints(*hints, ("Esc", "back")), classes="keys")

    def on_mount(self) -> None:
        """Follows the store."""
        super().on_mount()
        self.watch(self.app, "world", self._draw)

    def ready(self) -> None:
        """The list takes the keys."""
        self.query_one(TableView).focus()

    def _draw(self, world: World | None) -> None:
        if world is not None:
            self._list(world)

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _list(self, world: World) -> None:
        try:
            found = await self.session.read(versions_table, world, self._component)
        except Exception as error:
            self.query_one("#differs", Pane).show(trouble_lines(error))
            return
        if self.is_attached:
            table = self.query_one(TableView)
            table.show(found)
            table.styles.height = min(table.count + 1, max(4, self.app.size.height // 3))

    @work(group="differs", exclusive=True, exit_on_error=False)
    async def on_table_view_moved(self) -> None:
        """Shows what the version under the cursor changed; of an index, which takes reading, what it is."""
        world, pin = self.session.world, self._pin
        if world is None or pin is None:
            return
        try:
            if self._component.kind is Kind.INDEX:
                lines = await self.session.read(detail_lines, world, pin)
            else:
                lines = await self.session.read(_differs, self.session, world, pin)
        except Exception as error:
            lines = trouble_lines(error)
        if self.is_attached:
            self.query_one("#differs", Pane).show(lines)

    def on_table_view_opened(self, event: TableView.Opened) -> None:
        """Enter shows what the version changed."""
        event.stop()
        self.action_compare()

    @property
    def _pin(self) -> Pin | None:
        version = self.query_one(TableView).key
        return Pin(self._component, version) if version else None

    def action_compare(self) -> None:
        """The difference from the version before."""
        self._compare()

    @work(exclusive=True, exit_on_error=False)
    async def _compare(self) -> None:
        world, pin = self.session.world, self._pin
        if world is None or pin is None:
            return
        older = _older(pin)
        head = f"{older} → {pin.version}" if older else f"{pin}: the first version"
        try:
            lines = await self.session.work(_differs, self.session, world, pin)
        except Exception as error:
            lines = trouble_lines(error)
        self.app.push_screen(MessagePanel(head, lines, tall=True))

    def action_copy(self) -> None:
        """Copies `kind/name@vN`."""
        if self._pin is not None:
            cast("LockgateApp", self.app).copy(str(self._pin))

    def action_serve(self) -> None:
        """Serves the version under the cursor in an environment."""
        pin, world = self._pin, self.session.world
        if pin is None or world is None or self.session.readonly:
            return
        offer_switch(cast("LockgateApp", self.app), world, pin, self._environment)


def _older(pin: Pin) -> Pin | None:
    return Pin(pin.component, f"v{pin.number - 1}") if pin.number > 1 else None


def _differs(session: Session, world: World, pin: Pin) -> tuple[Line, ...]:
    return diff_lines(session.workspace, world.snapshot, _older(pin), pin, base="")


def offer_switch(app: LockgateApp, world: World, pin: Pin, preferred: str | None = None) -> None:
    """Switches to `pin`: at once where one environment comes into question, else after asking which."""
    choices = environment_choices(world, pin)
    names = [row.key for row in choices.rows]

    def begin(environment: str | None) -> None:
        if environment is None:
            return

        def make(reason: str | None) -> Plan:
            return switch.plan(app.session.workspace, str(pin), environment, override=reason)

        app.operator.begin(Intent(make, overridable=True))

    if not names:
        app.say(f"No environment serves another version of {pin.component}.", severity="warning")
    elif preferred in names or len(names) == 1:
        begin(preferred if preferred in names else names[0])
    else:
        app.push_screen(ChooseDialog(f"Switch to {pin} where?", choices), begin)
