"""Rollout: the ladder of steps, canary against stable, what moved it, and the keys that move it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations.rollout.scene import Scene, Watcher
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.interval import LEGEND
from console.views.line import line, muted
from console.views.rollout import RolloutView, rollout_view
from console.widgets.content import flat, paragraphs
from console.widgets.frame import Notice
from console.widgets.table import TableView

if TYPE_CHECKING:
    from console.screens.rollout_keys import RolloutKeys
    from console.views.world import World

AGAIN_SECONDS = 5.0
"""How often the evidence of a rollout that is on its way is looked at."""


class RolloutScreen(PlaceScreen):
    """One environment's rollout."""

    place = "rollout"
    CSS_PATH = "rollout.tcss"
    BINDINGS = bindings_of("rollout")
    AUTO_FOCUS = "#metrics"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.environment: str | None = None
        """What is shown; None until it is known which one wants to be looked at."""
        self.scene: Scene | None = None
        self.view: RolloutView | None = None
        self._watcher = Watcher(session.workspace)

    def body(self) -> Iterable[Widget]:
        """Head, ladder, metrics, records."""
        yield Notice(id="alarm", markup=False)
        yield Static("", id="head", markup=False)
        yield TableView(id="steps", quiet=True)
        yield TableView(id="metrics")
        yield Static(flat(line(muted(LEGEND))), id="legend", markup=False)
        yield TableView(id="records", quiet=True)

    def on_mount(self) -> None:
        """Follows the evidence too; Textual calls the floor's own on_mount by itself."""
        self.set_interval(AGAIN_SECONDS, self._look_again)

    def draw(self, world: World) -> None:  # noqa: ARG002
        """Reads the rollout in the reading thread."""
        self._read()

    def _look_again(self) -> None:
        waits = any(one.group == "view" and not one.is_finished for one in self.workers)
        if self.is_current and not waits and self.view is not None and self.view.live:
            self._read()

    def _read(self) -> None:
        self.load(lambda: _read(self._watcher, self.environment), self._show)

    def _show(self, made: tuple[Scene, RolloutView]) -> None:
        self.scene, self.view = made
        shown = self.view
        self.environment = shown.environment
        self.query_one("#alarm", Notice).say(shown.alarm)
        self.query_one("#head", Static).update(paragraphs(shown.head))
        for name, table in (("steps", shown.steps), ("metrics", shown.metrics), ("records", shown.records)):
            widget = self.query_one(f"#{name}", TableView)
            widget.display = bool(table.columns)
            widget.show(table)
        is_tight = bool(shown.alarm) and self.size.height < 28
        self.query_one("#legend").display = bool(shown.metrics.rows) and not is_tight
        self._fit()

    def on_resize(self) -> None:
        """The tables share the height anew."""
        self._fit()

    def _fit(self) -> None:
        steps, metrics = self.query_one("#steps", TableView), self.query_one("#metrics", TableView)
        records = self.query_one("#records", TableView)
        steps.styles.height = min(steps.count + 1, 5 if self.size.height < 30 else 12)
        metrics.styles.height = min(metrics.count + 1, max(5, self.size.height // 2)) if metrics.count else 2
        records.styles.height = "1fr"

    # -- keys ---------------------------------------------------------------------------------

    @cached_property
    def doer(self) -> RolloutKeys:
        """What the keys do."""
        from console.screens.rollout_keys import RolloutKeys

        return RolloutKeys(self)

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if self.session.world is None or self.view is None:
            return STILL_READING
        return self.doer.why_not(action)

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the rollout."""
        return self.doer.shell_lines()

    def selected_id(self) -> str | None:
        """The record under the cursor, or the release."""
        records = self.query_one("#records", TableView)
        return records.key if records.has_focus else self.doer.release

    def aim(self, target: str) -> None:
        """Shows the rollout of the environment `target`."""
        self.environment = target
        if self.session.world is not None:
            self._read()

    def on_table_view_moved(self) -> None:
        """What can be done depends on the row."""
        self.refresh_keys()

    def on_table_view_opened(self, event: TableView.Opened) -> None:
        """Enter: a metric, or the whole record of what moved it."""
        if event.table.id == "records" and event.table.key:
            self.lockgate.open_at("history", event.table.key)
        elif event.table.id == "metrics":
            self.action_act("metric")


def _read(watcher: Watcher, environment: str | None) -> tuple[Scene, RolloutView]:
    """In the reading thread: loads what the keys do, too."""
    import console.screens.rollout_keys  # noqa: F401

    scene = watcher.scene(environment)
    return scene, rollout_view(scene)
