"""Evals: runs and verdicts, every category against the baseline, and the way to cases and labels."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.widget import Widget

from console.actions import Action
from console.operations.evals.results import CategoryResult, results_of
from console.operations.evals.shelf import Ended, Run, Shelf
from console.screens.evals_live import LiveRun
from console.screens.message import MessagePanel
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.evals import RUNNING, live_lines, run_lines, running_row, runs_table
from console.views.line import line, muted
from console.views.table import Row
from console.views.trouble import trouble_lines
from console.views.world import World
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.errors import Cancelled
from store.records.verdict import Verdict

if TYPE_CHECKING:
    from console.screens.evals_keys import EvalsKeys

_DRAWN_EVERY = 0.25


class EvalsScreen(PlaceScreen):
    """The list of runs above; the one under the cursor below."""

    place = "evals"
    CSS_PATH = "evals.tcss"
    BINDINGS = bindings_of("evals")
    AUTO_FOCUS = "#runs"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.live: LiveRun | None = None
        """The run that was begun here and has not ended."""
        self.own: list[Verdict] = []
        """Verdicts of runs that were begun here; those that were kept come back from the store."""
        self._ended: list[Ended] = []
        self._shelf = Shelf(session.workspace)
        self._runs: tuple[Run, ...] = ()
        self._read_of: Run | None = None
        self._results: tuple[CategoryResult, ...] = ()
        self._wanted: str | None = None
        self._timer: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """The list, the run."""
        yield TableView(id="runs")
        yield Pane(id="run")

    def draw(self, world: World) -> None:  # noqa: ARG002
        """Reads verdicts and journals in the reading thread."""
        self.look_again()

    def look_again(self) -> None:
        """Reads the list anew."""
        own, ended = tuple(self.own), tuple(self._ended)
        self.load(lambda: self._shelf.runs(own, ended), self._show)

    def _show(self, runs: tuple[Run, ...]) -> None:
        self._runs = runs
        self._list()
        if self._wanted is not None and self.query_one("#runs", TableView).select(self._wanted):
            self._wanted = None

    def _list(self) -> None:
        world = self.session.world
        if world is None:
            return
        table = self.query_one("#runs", TableView)
        runs = tuple(run for run in self._runs if not self._is_live(run))
        table.show(runs_table(runs, world.now, self._live_row()))
        most = 5 if self.size.height < 30 else 12
        table.styles.height = max(2, min(most, table.count + 1))

    def on_resize(self) -> None:
        """List and bars are drawn anew for the new size."""
        self._list()

    # -- the run under the cursor --------------------------------------------------------------

    @property
    def selected(self) -> Run | None:
        """The run under the cursor; None on what runs now, and where there is none."""
        key = self.query_one("#runs", TableView).key
        return next((run for run in self._runs if run.key == key), None)

    def on_table_view_moved(self) -> None:
        """Reads the categories of another run; those of the same are drawn again."""
        run = self.selected
        self.refresh_keys()
        if run is None:
            self._draw_live()
        elif self._read_of == run:
            self.query_one("#run", Pane).show(run_lines(run, self._results, self.size.width))
        else:
            self.load(lambda: (run, results_of(self.session.workspace.store.at(), run)), self._read, "run")

    def _read(self, made: tuple[Run, tuple[CategoryResult, ...]]) -> None:
        self._read_of, self._results = made
        if self.selected == self._read_of:
            self.query_one("#run", Pane).show(run_lines(self._read_of, self._results, self.size.width))

    def _draw_live(self) -> None:
        live, pane = self.live, self.query_one("#run", Pane)
        if live is not None:
            pane.show(live_lines(live.categories, live.step, live.elapsed, self.size.width), keep=True)
        else:
            pane.show((line(muted("e runs the suites of a release against another")),))

    # -- running ------------------------------------------------------------------------------

    def begin(self, live: LiveRun) -> None:
        """Runs `live` and shows how far it is."""
        self.live = live
        self._timer = self.set_interval(_DRAWN_EVERY, self._redraw)
        self._list()
        self.query_one("#runs", TableView).select(RUNNING)
        self.app.run_worker(self._follow(live), group="evals", exit_on_error=False)

    async def _follow(self, live: LiveRun) -> None:
        trouble: Exception | None = None
        try:
            verdict = await live.verdict()
        except Exception as error:
            self._ended.append(Ended(live.task, self.session.workspace.clock.now()))
            trouble = error
        else:
            self.own.append(verdict)
            self._wanted = verdict.id
            self.lockgate.say(f"{verdict.release}: {verdict.outcome}. `s` keeps it as evidence.")
        self.live = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.is_attached:
            self.look_again()
        if isinstance(trouble, Cancelled):
            self.lockgate.say("Stopped; what was answered is kept, and `r` goes on from there.")
        elif trouble is not None:
            self.app.push_screen(MessagePanel("Evals did not finish", trouble_lines(trouble)))

    def _is_live(self, run: Run) -> bool:
        """Whether `run` is the journal of what runs here now, which has a row of its own."""
        if self.live is None or run.state not in ("going on", "stopped"):
            return False
        task = self.live.task
        return (run.release, run.baseline, run.tier) == (task.release.id, task.baseline_id, task.tier)

    def _live_row(self) -> Row | None:
        live = self.live
        if live is None:
            return None
        return running_row(live.task.release.id, live.task.baseline_id, live.task.tier, live.step)

    def _redraw(self) -> None:
        if self.is_current:
            self._list()

    # -- keys ---------------------------------------------------------------------------------

    @cached_property
    def doer(self) -> EvalsKeys:
        """What the keys do."""
        from console.screens.evals_keys import EvalsKeys

        return EvalsKeys(self)

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        return STILL_READING if self.session.world is None else self.doer.why_not(action)

    def aim(self, target: str) -> None:
        """Puts the cursor on the run `target` (a verdict's id), now or once the list is read."""
        self._wanted = None if self.query_one("#runs", TableView).select(target) else target

    def selected_id(self) -> str | None:
        """The release that was run."""
        return self.selected.release if self.selected else None

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the run."""
        return self.doer.shell_lines()

    def on_table_view_opened(self) -> None:
        """Enter: the cases that flipped."""
        self.action_act("flips")
