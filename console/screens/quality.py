"""Quality by week: how each category of an environment did, and what was changed before it moved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations.drift.report import DriftReport, report
from console.operations.drift.sentences import weeks_as_data
from console.screens.ask import AskDialog
from console.screens.message import MessagePanel
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.export import write_rows
from console.views.line import line
from console.views.quality import categories_table, drift_lines, head_line, week_lines
from console.views.world import World
from console.widgets.content import flat
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.progress import Report, Stop

WEEKS = 26


class QualityScreen(PlaceScreen):
    """On top of the Evals screen; Esc goes back."""

    place = "quality"
    CSS_PATH = "quality.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("quality"),
        Binding("escape", "back", "back", show=False),
    ]
    AUTO_FOCUS = "#categories"

    def __init__(self, session: Session, environment: str) -> None:
        super().__init__(session)
        self._environment = environment
        self._now: DriftReport | None = None

    def body(self) -> Iterable[Widget]:
        """The environment, its categories, the weeks of one."""
        yield Static("", id="head", markup=False)
        yield TableView(id="categories")
        yield Pane(id="weeks")

    def draw(self, world: World) -> None:  # noqa: ARG002
        """Reads verdicts and drift runs in the reading thread."""
        environment = self._environment
        self.load(lambda: report(self.session.workspace, environment, WEEKS), self._show)

    def _show(self, now: DriftReport) -> None:
        self._now = now
        self.query_one("#head", Static).update(flat(head_line(now)))
        table = self.query_one("#categories", TableView)
        table.show(categories_table(now))
        most = 6 if self.size.height < 30 else 14
        table.styles.height = max(2, min(most, table.count + 1))
        self.on_table_view_moved()

    def on_table_view_moved(self) -> None:
        """The weeks of the category under the cursor."""
        key = self.query_one("#categories", TableView).key
        lines = self._now.lines if self._now else ()
        one = lines[int(key)] if key is not None and int(key) < len(lines) else None
        self.query_one("#weeks", Pane).show(week_lines(one, self.size.width) if one else ())
        self.refresh_keys()

    def on_resize(self) -> None:
        """Intervals are drawn anew for the new width."""
        if self._now is not None:
            self._show(self._now)

    # -- keys ---------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if self.session.world is None or self._now is None:
            return STILL_READING
        if action.id == "export_weeks" and not self._now.lines:
            return "Nothing was measured in these weeks."
        if action.id == "next_environment" and len(self._environments) < 2:
            return "There is no other environment."
        return None

    @property
    def _environments(self) -> tuple[str, ...]:
        world = self.session.world
        return tuple(one.name for one in world.snapshot.environments()) if world else ()

    def action_back(self) -> None:
        """To the screen below."""
        self.dismiss(None)

    def do_drift(self) -> None:
        """What the drift checks say of the models that serve."""
        if self._now is not None:
            self.app.push_screen(MessagePanel(f"Drift in {self._environment}", drift_lines(self._now)))

    def on_table_view_opened(self) -> None:
        """Enter."""
        self.action_act("drift")

    def do_next_environment(self) -> None:
        """The same of another environment."""
        names = self._environments
        place = names.index(self._environment) if self._environment in names else -1
        self._environment = names[(place + 1) % len(names)]
        if (world := self.session.world) is not None:
            self.draw(world)

    def do_export_weeks(self) -> None:
        """Writes every category and week to a file."""

        def answered(name: str | None) -> None:
            if name is not None and self._now is not None:
                self.run_worker(self._export(name.strip(), self._now), exit_on_error=False)

        hint = line("A file name ending in .jsonl or .csv, in the workspace or anywhere.")
        name = f"quality-{self._environment}.csv"
        self.app.push_screen(AskDialog("Export these weeks to", (hint,), name), answered)

    async def _export(self, name: str, now: DriftReport) -> None:
        def do(_: Report, __: Stop) -> str:
            return write_rows(self.session.workspace, name, weeks_as_data(now))

        said = await self.lockgate.operator.attempt(f"Export to {name}", do)
        if said is not None:
            self.lockgate.say(said)

    def shell_lines(self) -> tuple[str, ...]:
        """The commands for the same."""
        return (
            f"lockgate drift report --env {self._environment} --weeks {WEEKS}",
            f"lockgate drift report --env {self._environment} --weeks {WEEKS} --markdown",
        )
