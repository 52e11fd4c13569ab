"""What the keys of the overview do: the cell under the cursor becomes an operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from console.actions import Action
from console.operations import clear, freeze, note, promote, reconcile, rollback, switch
from console.operations.approval import give, review
from console.operations.plan import Plan
from console.screens.ask import AskDialog
from console.screens.choose import ChooseDialog
from console.screens.message import MessagePanel
from console.screens.operate import Intent
from console.screens.versions import VersionsDialog
from console.views import overview as view
from console.views.drill import drill_lines
from console.views.line import line
from console.views.release import release_lines
from console.views.versions import (
    EVERYTHING,
    current_version,
    rejected_choices,
    rollback_choices,
    switch_choices,
)
from console.views.world import World
from console.widgets.table import TableView
from store.progress import Report, Stop
from store.records.component import Component, Pin
from store.text import one_line

if TYPE_CHECKING:
    from console.screens.overview import OverviewScreen


class OverviewKeys:
    """The actions of one overview screen."""

    def __init__(self, screen: OverviewScreen) -> None:
        self._screen = screen
        self._app = screen.lockgate
        self._workspace = screen.session.workspace

    @property
    def _world(self) -> World:
        world = self._screen.session.world
        if world is None:
            raise AssertionError("why_not is asked first")
        return world

    @property
    def _grid(self) -> TableView:
        return self._screen.query_one("#grid", TableView)

    @property
    def _environment(self) -> str | None:
        return view.environment_at(self._world, self._grid.column)

    @property
    def _component(self) -> Component | None:
        key = self._grid.key
        return Component.parse(key) if key is not None and "/" in key else None

    def open_need(self, key: str) -> None:
        """Goes where a need is dealt with; a live document that is behind is written here."""
        need = next((one for one in view.needs(self._world) if one.key == key), None)
        if need is None:
            return
        if need.key.startswith("behind/"):
            self._screen.run_worker(self._reconcile(), exit_on_error=False)
        else:
            self._app.open_at(need.place, need.target)

    async def _reconcile(self) -> None:
        def do(report: Report, _: Stop) -> reconcile.Reconciled:
            return reconcile.reconcile(self._workspace, report=report)

        with self._screen.session.doing("Writing live documents"):
            done = await self._app.operator.attempt("Writing live documents", do)
        if done is not None:
            self._app.say("; ".join(done.problems) or f"Published {', '.join(done.published) or 'nothing'}")
            self._app.look_again()

    def why_not(self, action: Action) -> str | None:
        """Most actions need an environment that serves something."""
        world, environment = self._world, self._environment
        if action.id == "clear":
            return None if rejected_choices(world).rows else "No release is rejected."
        if action.id == "shell" or environment is None:
            return None if action.id == "shell" else "Choose an environment with ← and →."
        if action.id == "review":
            waiting = world.snapshot.environment(environment).reviews
            return None if waiting else f"Nothing in {environment} is to be reviewed."
        if action.id == "yes" and not self._wants_approvals(world, environment):
            return f"{environment} wants no approvals; lockgate.toml says how many."
        if action.id in ("promote", "yes"):
            return self._why_not_promote(world, environment)
        if action.id == "freeze":
            return None
        if action.id == "unfreeze":
            freezes = world.snapshot.environment(environment).freezes
            return None if any(one.until > world.now for one in freezes) else f"{environment} is not frozen."
        if world.snapshot.environment(environment).stable is None:
            return f"{environment} serves nothing yet; 2 stages a first release."
        if action.id == "switch" and self._component is None:
            return "Choose a component with ↑ and ↓."
        if action.id == "switch" and not self._others(world, environment):
            return f"There is no other version of {self._component}."
        return None

    def _wants_approvals(self, world: World, environment: str) -> bool:
        policy = world.snapshot.policy.environment(environment)
        return policy is not None and policy.approvals is not None

    def _others(self, world: World, environment: str) -> bool:
        component = self._component
        return component is not None and (
            current_version(world, environment, component) is not None
            and len(world.snapshot.versions(component)) > 1
        )

    def _why_not_promote(self, world: World, environment: str) -> str | None:
        place = world.environments.index(environment)
        if place == 0:
            return f"Releases come into {environment} by staging them (2)."
        before = world.environments[place - 1]
        release = world.snapshot.environment(before).stable
        if release is None:
            return f"{before} serves nothing that could be promoted."
        if release == world.snapshot.environment(environment).stable:
            return f"{environment} serves {release} already."
        return None

    def do_open(self) -> None:
        """The versions of a component; the release or its verdict on the other rows."""
        component, world, environment = self._component, self._world, self._environment
        if component is not None:
            self._app.push_screen(VersionsDialog(self._screen.session, component, environment))
        elif self._grid.key == view.DRILL:
            self._show_drill(str(environment))
        elif environment is not None and (release := world.snapshot.environment(environment).stable):
            self._screen.load(
                partial(release_lines, world.snapshot, release),
                lambda lines: self._app.push_screen(MessagePanel(f"Release {release}", lines, tall=True)),
                group="open",
            )

    def _show_drill(self, environment: str) -> None:
        found = self._world.drills.get(environment)
        lines = drill_lines(found, self._world.now) if found else (line("never rehearsed: d does it"),)
        self._app.push_screen(MessagePanel(f"Rollbacks of {environment}, rehearsed", lines, tall=True))

    def do_drill(self) -> None:
        """Rehearses every rollback of the environment under the cursor; Esc stops it."""
        self._screen.run_worker(self._drill(str(self._environment)), exit_on_error=False)

    async def _drill(self, environment: str) -> None:
        from console.operations.drill import drill

        def do(report: Report, stop: Stop) -> drill.Rehearsal:
            return drill.rehearse(self._workspace, environment, report=report, stop=stop)

        head = f"Rehearse the rollbacks of {environment}"
        with self._screen.session.doing(head):
            done = await self._app.operator.attempt(head, do, stoppable=True)
        if done is not None:
            self._app.operator.begin(Intent(lambda _: drill.plan(self._workspace, done)))

    def do_switch(self) -> None:
        """Another version of the component under the cursor."""
        environment, component = str(self._environment), self._component
        if component is None:
            return
        choices = switch_choices(self._world, environment, component)

        def chosen(pin: str | None) -> None:
            if pin is not None:

                def make(reason: str | None) -> Plan:
                    return switch.plan(self._workspace, pin, environment, override=reason)

                self._begin(make, overridable=True)

        self._app.push_screen(ChooseDialog(f"Switch {component} in {environment} to", choices), chosen)

    def do_rollback(self) -> None:
        """Everything, or one component."""
        environment = str(self._environment)
        choices = rollback_choices(self._world, environment)
        if not choices.rows:
            self._app.say(
                f"{environment} has served nothing before that could be gone back to.", severity="warning"
            )
            return

        def chosen(what: str | None) -> None:
            if what is not None:
                only = () if what == EVERYTHING else (what,)
                self._begin(lambda _: rollback.plan(self._workspace, environment, only))

        at = str(self._component) if self._component else EVERYTHING
        self._app.push_screen(ChooseDialog(f"Roll back in {environment}", choices, at=at), chosen)

    def do_promote(self) -> None:
        """The release of the environment before."""
        environment = str(self._environment)
        before = self._world.environments[self._world.environments.index(environment) - 1]
        release = str(self._world.snapshot.environment(before).stable)
        self._begin(
            lambda reason: promote.plan(self._workspace, release, environment, override=reason),
            overridable=True,
        )

    def do_note(self) -> None:
        """A remark on the operation that made the environment what it is."""
        record = self._world.snapshot.environment(str(self._environment)).record
        if record is None:
            self._app.say("There is no operation to remark on yet.", severity="warning")
            return

        def answered(text: str | None) -> None:
            if text is not None:
                self._begin(lambda _: note.plan(self._workspace, record, text), asked=True)

        operation = self._world.snapshot.operation(record)
        said = (line(one_line(operation.summary, 300)),) if operation else ()
        head = f"Note on the newest operation in {self._environment}"
        self._app.push_screen(AskDialog(head, said), answered)

    def do_freeze(self) -> None:
        """Asks until when, then freezes the environment after a plan."""
        environment = str(self._environment)

        def answered(text: str | None) -> None:
            if text is not None:
                self._begin(lambda _: self._freezing(environment, text))

        hint = line("A date, a time such as 2026-12-24T18:00 (UTC), or how long: 12h, 3d.")
        self._app.push_screen(AskDialog(f"Freeze {environment} until", (hint,)), answered)

    def _freezing(self, environment: str, text: str) -> Plan:
        from store.history.moments import coming

        now = self._workspace.clock.now()
        return freeze.plan(self._workspace, environment, coming(text.strip(), now))

    def do_unfreeze(self) -> None:
        """Lifts what was frozen by hand."""
        environment = str(self._environment)
        self._begin(lambda _: freeze.lift(self._workspace, environment))

    def do_yes(self) -> None:
        """Says yes to the release of the environment before, after a plan."""
        world, environment = self._world, str(self._environment)
        before = world.environments[world.environments.index(environment) - 1]
        release = str(world.snapshot.environment(before).stable)
        self._begin(lambda _: give.plan(self._workspace, release, environment))

    def do_review(self) -> None:
        """Takes the oldest emergency of the environment off the list, after a plan."""
        record = self._world.snapshot.environment(str(self._environment)).reviews[0].record
        self._begin(lambda _: review.plan(self._workspace, record))

    def do_clear(self) -> None:
        """Lets a rejected release be promoted again."""

        def chosen(release: str | None) -> None:
            if release is not None:
                self._begin(lambda _: clear.plan(self._workspace, release))

        self._app.push_screen(ChooseDialog("Clear which release?", rejected_choices(self._world)), chosen)

    def selected_id(self) -> str | None:
        """`kind/name@vN` of the cell, or the release on the rows that are no components."""
        environment, component = self._environment, self._component
        if environment is None:
            return str(component) if component else None
        if component is None:
            return self._world.snapshot.environment(environment).stable
        version = current_version(self._world, environment, component)
        return str(Pin(component, version)) if version else None

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the cell."""
        environment, component = self._environment, self._component
        lines = ["lockgate status"]
        if component is not None:
            lines.append(f"lockgate list {component.kind.value} {component.name}")
        if environment is not None:
            if component is not None:
                lines.append(f"lockgate switch {component}@vN --env {environment} -m WHY")
                lines.append(f"lockgate rollback --env {environment} --only {component}")
            lines += [
                f"lockgate rollback --env {environment}",
                f"lockgate promote rN --to {environment} -m WHY",
                f"lockgate history --env {environment}",
            ]
        return tuple(lines)

    def _begin(
        self, make: Callable[[str | None], Plan], *, overridable: bool = False, asked: bool = False
    ) -> None:
        self._app.operator.begin(Intent(make, overridable=overridable, asked=asked))
