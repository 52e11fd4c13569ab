"""Shadow: what a release answers for the log only, beside what users were answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations import compare
from console.operations.compare import Asked
from console.operations.plan import Plan
from console.operations.shadow import start, stop
from console.operations.shadow.status import ShadowStatus, status
from console.screens.ask import AskDialog
from console.screens.choose import ChooseDialog
from console.screens.compare import CompareScreen
from console.screens.operate import Intent
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.line import line
from console.views.shadow import ShadowView, shadow_view
from console.views.versions import release_choices
from console.views.world import World
from console.widgets.content import paragraphs
from console.widgets.frame import Notice
from console.widgets.table import TableView
from store.progress import Report, Stop

AGAIN_SECONDS = 5.0
USUAL_PERCENT = 10.0


class ShadowScreen(PlaceScreen):
    """One environment's shadow, on top of the Rollout screen; Esc goes back."""

    place = "shadow"
    CSS_PATH = "shadow.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("shadow"),
        Binding("escape", "back", "back", show=False),
    ]
    AUTO_FOCUS = "#worst"

    def __init__(self, session: Session, environment: str) -> None:
        super().__init__(session)
        self._environment = environment
        self._now: ShadowStatus | None = None

    def body(self) -> Iterable[Widget]:
        """Head, metrics, the requests that differ most."""
        yield Notice(id="alarm", markup=False)
        yield Static("", id="head", markup=False)
        yield TableView(id="metrics", quiet=True)
        yield TableView(id="worst")

    def on_mount(self) -> None:
        """Looks again every few seconds; Textual calls the floor's own on_mount by itself."""
        self.set_interval(AGAIN_SECONDS, self._look_again)

    def draw(self, world: World) -> None:  # noqa: ARG002
        """Reads the shadow in the reading thread."""
        self.load(self._read, self._show)

    def _look_again(self) -> None:
        waits = any(one.group == "view" and not one.is_finished for one in self.workers)
        if self.is_current and not waits and self._now is not None and self._now.shadow is not None:
            self.load(self._read, self._show)

    def _read(self) -> tuple[ShadowStatus, ShadowView]:
        now = status(self.session.workspace, self._environment)
        return now, shadow_view(now)

    def _show(self, made: tuple[ShadowStatus, ShadowView]) -> None:
        self._now, shown = made
        self.query_one("#alarm", Notice).say(shown.alarm)
        self.query_one("#head", Static).update(paragraphs(shown.head))
        for name, table in (("metrics", shown.metrics), ("worst", shown.worst)):
            widget = self.query_one(f"#{name}", TableView)
            widget.display = bool(table.columns)
            widget.show(table)
        self.query_one("#metrics").styles.height = max(2, min(8, len(shown.metrics.rows) + 1))

    # -- keys ---------------------------------------------------------------------------------

    def action_back(self) -> None:
        """To the screen below."""
        self.dismiss(None)

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if self.session.world is None or self._now is None:
            return STILL_READING
        own = self.session.world.snapshot.environment(self._environment).shadow
        if action.id == "begin_shadow" and own is not None:
            return f"{own.release} is in the shadow of {self._environment} already; x ends it."
        if action.id == "end_shadow" and own is None:
            return f"{self._environment} has no shadow of its own."
        if action.id == "both" and self._request is None:
            return "Nothing is compared yet."
        return None

    @property
    def _request(self) -> str | None:
        return self.query_one("#worst", TableView).key

    def do_begin_shadow(self) -> None:
        """Chooses a release and a share, then shows the plan."""
        self.run_worker(self._begin(), group="asking", exit_on_error=False)

    async def _begin(self) -> None:
        world = self.session.world
        if world is None:
            return
        head = f"In the shadow of {self._environment}"
        release = await self.app.push_screen_wait(ChooseDialog(head, release_choices(world)))
        if release is None:
            return
        hint = line("Percent of the requests; at most 60 calls a minute and $5 a day, for 7 days.")
        asked = await self.app.push_screen_wait(AskDialog(head, (hint,), f"{USUAL_PERCENT:g}"))
        if asked is None:
            return
        try:
            percent = float(asked.strip().removesuffix("%"))
        except ValueError:
            self.lockgate.say("That is no number; say how many percent, such as 10.", severity="warning")
            return

        def make(_: str | None) -> Plan:
            return start.plan(self.session.workspace, release, self._environment, percent=percent)

        self.lockgate.operator.begin(Intent(make))

    def do_end_shadow(self) -> None:
        """Ends it, after a plan."""
        self.lockgate.operator.begin(Intent(lambda _: stop.plan(self.session.workspace, self._environment)))

    def do_both(self) -> None:
        """Asks stable and shadow what that user asked, on the Compare screen."""
        if self._now is not None and self._now.shadow is not None and self._request is not None:
            shadow = self._now.shadow
            work = self._ask(shadow.stable, shadow.release, self._request)
            self.app.run_worker(work, exit_on_error=False)

    async def _ask(self, stable: str, release: str, request: str) -> None:
        workspace = self.session.workspace

        def look(_: Report, __: Stop) -> list[Asked]:
            return compare.questions(workspace, request=request)

        asked = await self.lockgate.operator.attempt(f"Request {request}", look)
        if asked is None:
            return
        self.dismiss(None)
        await self.app.switch_mode("compare")
        if isinstance(screen := self.app.screen, CompareScreen):
            await screen.drawn.wait()
            screen.ask(stable, release, asked)

    def on_table_view_moved(self) -> None:
        """What can be done depends on the row."""
        self.refresh_keys()

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("both")

    def selected_id(self) -> str | None:
        """The request's id."""
        return self._request

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the shadow."""
        environment = self._environment
        return (
            f"lockgate shadow status --env {environment}",
            f"lockgate shadow start rN --env {environment} --percent {USUAL_PERCENT:g} -m WHY",
            f"lockgate shadow stop --env {environment} -m WHY",
            *((f"lockgate compare rN rM --request {self._request}",) if self._request else ()),
        )
