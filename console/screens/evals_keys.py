"""What the keys of the Evals screen do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action
from console.operations import evaluate
from console.operations.evals.shelf import Run
from console.operations.evals.tasks import task_for, task_of
from console.operations.evaluate import Task
from console.screens.choose import ChooseDialog
from console.screens.evals_live import LiveRun
from console.screens.operate import Intent
from console.views.evals import NO_BASELINE, against_choices, suite_choices
from console.views.versions import release_choices
from store.progress import Report, Stop
from store.records.component import Component, Kind

if TYPE_CHECKING:
    from console.screens.evals import EvalsScreen


class EvalsKeys:
    """The actions of one Evals screen."""

    def __init__(self, screen: EvalsScreen) -> None:
        self._screen = screen
        self._app = screen.lockgate
        self._session = screen.session
        self._workspace = screen.session.workspace

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        run, world = self._screen.selected, self._screen.session.world
        if action.id in ("begin_run", "go_on") and self._screen.live is not None:
            return "Evals are running; x stops them."
        if action.id == "begin_run":
            has_release = world is not None and world.snapshot.release_ids()
            return None if has_release else "There is no release yet: 2 stages one."
        if action.id == "go_on":
            can = run is not None and run.state in ("stopped", "going on")
            return None if can else "Only a run that was stopped goes on."
        if action.id == "stop_run":
            return None if self._screen.live is not None else "No evals are running here."
        if action.id == "flips":
            return None if run is not None else "No run is chosen."
        if action.id == "keep_verdict":
            return self._why_not_kept(run)
        if action.id == "weeks":
            return None if self._watched else "No environment serves anything yet."
        if action.id == "label":
            has_suite = world is not None and world.snapshot.components(Kind.EVALS)
            return None if has_suite else "There is no eval suite yet: `lockgate add evals` adds one."
        return None

    def _why_not_kept(self, run: Run | None) -> str | None:
        if run is None:
            return "No run is chosen."
        if run.state == "evidence":
            return "It is evidence already."
        if run.verdict is None:
            return "Only a verdict of a run that was begun here can be kept; e runs the same again."
        return None

    @property
    def _watched(self) -> str | None:
        """Whose weeks are shown first: production where that serves, else the last that does."""
        world = self._screen.session.world
        serving = [one.name for one in world.snapshot.environments() if one.stable] if world else []
        production = (
            [one.name for one in world.snapshot.policy.environments if one.production] if world else []
        )
        return next((name for name in production if name in serving), next(reversed(serving), None))

    # -- running ------------------------------------------------------------------------------

    def do_begin_run(self) -> None:
        """Chooses a release and what it is compared with, then runs."""
        self._screen.run_worker(self._begin(), group="asking", exit_on_error=False)

    async def _begin(self) -> None:
        world = self._screen.session.world
        if world is None:
            return
        run = self._screen.selected
        at = run.release if run is not None else None
        release = await self._app.push_screen_wait(
            ChooseDialog("Run evals of", release_choices(world), at=at)
        )
        if release is None:
            return
        choices = against_choices(world, release)
        against = await self._app.push_screen_wait(ChooseDialog(f"Compare {release} with", choices))
        if against is not None:
            self._app.run_worker(self._prepared(release, against), group="evals-begin", exit_on_error=False)

    async def _prepared(self, release: str, against: str) -> None:
        def look(_: Report, __: Stop) -> Task:
            return task_for(self._workspace, release, None if against == NO_BASELINE else against)

        self._start(await self._app.operator.attempt(f"Evals of {release}", look))

    def do_go_on(self) -> None:
        """Goes on with the run that was stopped: what its journal has is not asked again."""
        run = self._screen.selected
        if run is not None:
            self._app.run_worker(self._again(run), group="evals-begin", exit_on_error=False)

    async def _again(self, run: Run) -> None:
        def look(_: Report, __: Stop) -> Task:
            return task_of(self._workspace, run)

        self._start(await self._app.operator.attempt(f"Evals of {run.release}", look))

    def _start(self, task: Task | None) -> None:
        if task is not None and self._screen.live is None:
            self._screen.begin(LiveRun(self._session, task))

    def do_stop_run(self) -> None:
        """Stops after the answers that are on their way."""
        if self._screen.live is not None:
            self._screen.live.stop()

    def do_keep_verdict(self) -> None:
        """Commits the verdict as evidence, after a plan."""
        run = self._screen.selected
        verdict = run.verdict if run is not None else None
        if verdict is not None:
            self._app.operator.begin(Intent(lambda _: evaluate.plan(self._workspace, verdict)))

    # -- cases and labels -----------------------------------------------------------------------

    def do_flips(self) -> None:
        """The cases that flipped."""
        from console.screens.flips import FlipsScreen

        if (run := self._screen.selected) is not None:
            self._app.push_screen(FlipsScreen(self._session, run))

    def do_weeks(self) -> None:
        """How each category did, week by week."""
        from console.screens.quality import QualityScreen

        if (environment := self._watched) is not None:
            self._app.push_screen(QualityScreen(self._session, environment))

    def do_label(self) -> None:
        """Walks through answers that a judge graded; of several suites one is chosen first."""
        self._screen.run_worker(self._label(), group="asking", exit_on_error=False)

    async def _label(self) -> None:
        from console.screens.label import LabelScreen

        world, run = self._screen.session.world, self._screen.selected
        if world is None:
            return
        suites = world.snapshot.components(Kind.EVALS)
        own = {pin.partition("@")[0] for pin in run.suites} if run is not None else set()
        chosen = str(suites[0])
        if len(suites) > 1:
            at = next((str(one) for one in suites if str(one) in own), None)
            dialog = ChooseDialog("Label answers to", suite_choices(suites), at=at)
            answer = await self._app.push_screen_wait(dialog)
            if answer is None:
                return
            chosen = answer
        self._app.push_screen(LabelScreen(self._session, Component.parse(chosen)))

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the run under the cursor."""
        run = self._screen.selected
        if run is None:
            return ("lockgate eval rN -m WHY",)
        against = f" --against {run.baseline}" if run.baseline else " --no-baseline"
        return (
            f"lockgate eval {run.release}{against} --tier {run.tier} -m WHY",
            f"lockgate show {run.release}",
        )
