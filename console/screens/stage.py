"""Stage: pick versions, see what differs, run the evals, go."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations import stage
from console.operations.plan import Plan
from console.operations.stage import Composition
from console.screens.choose import ChooseDialog
from console.screens.evals_run import EvalsRun
from console.screens.operate import Intent
from console.screens.place import PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.diff import diff_lines
from console.views.line import Line
from console.views.stage import base_release, note_for, picks_table, useful_picks
from console.views.table import Table
from console.views.versions import release_choices, versions_table
from console.views.words import counted
from console.views.world import World
from console.widgets.content import literal
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.records.component import Component, Pin


class StageScreen(PlaceScreen):
    """Components at the left, the difference at the right, evals below."""

    place = "stage"
    CSS_PATH = "stage.tcss"
    BINDINGS = bindings_of("stage")
    AUTO_FOCUS = "#picks"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._base: str | None = None
        self._picks: dict[str, str] = {}
        self._composition: Composition | None = None

    def body(self) -> Iterable[Widget]:
        """Picks, difference, evals."""
        yield Static("", id="composed", markup=False)
        with Container(id="panes"):
            yield TableView(id="picks")
            yield Pane(id="difference")
        yield EvalsRun(self.session, id="evals")

    # -- what is composed ---------------------------------------------------------------------

    def draw(self, world: World) -> None:
        """Picks that landed meanwhile are forgotten."""
        self._picks = useful_picks(world, self._base, self._picks)
        self.load(lambda: self._read(world), self._show)

    def _read(self, world: World) -> tuple[Table, Composition | None]:
        picks = dict(self._picks)
        table = picks_table(world, self._base, picks)
        sets = [f"{name}={version}" for name, version in picks.items()]
        if not sets:
            return table, None
        return table, stage.compose(self.session.workspace, sets, self._base)

    def _show(self, made: tuple[Table, Composition | None]) -> None:
        table, composition = made
        self._composition = composition
        self.query_one("#picks", TableView).show(table)
        self.query_one(EvalsRun).follow(composition)
        self.query_one("#composed", Static).update(literal(self._sentence()))
        self._trouble_changed(self.lockgate.trouble)

    def _sentence(self) -> str:
        made = self._composition
        world = self.session.world
        if made is None:
            first = world.environments[0] if world else "the first environment"
            return f"Pick versions with ⏎; the release goes into {first}."
        name = f"{made.release.id} (there already)" if made.existing else f"{made.release.id} (new)"
        against = f" against {made.base.id}" if made.base else ""
        return f"{name}: {counted(len(made.changes), 'component')} changed{against}"

    def _changed(self) -> None:
        if self.session.world is not None:
            self.draw(self.session.world)

    # -- the cursor ---------------------------------------------------------------------------

    @property
    def _component(self) -> Component | None:
        key = self.query_one("#picks", TableView).key
        return Component.parse(key) if key else None

    def on_table_view_moved(self) -> None:
        """Shows the difference of the component under the cursor."""
        component, world = self._component, self.session.world
        if component is None or world is None:
            self.query_one("#difference", Pane).show(())
            return
        base = base_release(world, self._base)
        before = base.version_of(component) if base else None
        after = self._picks.get(str(component), before)
        older = Pin(component, before) if before else None
        newer = Pin(component, after) if after else None

        def make() -> tuple[Line, ...]:
            return diff_lines(self.session.workspace, world.snapshot, older, newer)

        self.load(make, self.query_one("#difference", Pane).show, group="difference")

    def on_table_view_opened(self) -> None:
        """Enter picks."""
        self.action_act("pick")

    def on_evals_run_changed(self) -> None:
        """Evals began, ended or were dropped: other keys work now."""
        self.set_class(self.query_one(EvalsRun).visible_now, "-evals")
        self.refresh_keys()

    # -- actions ------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Evals and going on need something picked."""
        world = self.session.world
        if world is None:
            return "The store is still being read."
        run = self.query_one(EvalsRun)
        if action.id == "stop":
            return None if run.running else "No evals are running."
        if run.running and action.id != "shell":
            return "Evals are running; x stops them."
        if action.id in ("evals", "go", "keep") and self._composition is None:
            return "Pick a version with ⏎ first."
        if action.id == "keep" and run.outcome != "block":
            return "Only a release that its evals block is kept without going anywhere."
        if action.id == "pick" and self._component is None:
            return "There is no component yet: `lockgate add` makes one."
        if action.id == "reset" and not self._picks:
            return "Nothing is picked."
        return None

    def do_pick(self) -> None:
        """Chooses a version of the component under the cursor."""
        component, world = self._component, self.session.world
        if component is None or world is None:
            return

        def chosen(version: str | None) -> None:
            if version is not None:
                self._picks = useful_picks(world, self._base, {**self._picks, str(component): version})
                self._changed()

        def ask(choices: Table) -> None:
            at = self._picks.get(str(component)) or (choices.rows[0].key if choices.rows else None)
            self.app.push_screen(ChooseDialog(f"{component}: which version?", choices, at=at), chosen)

        self.load(partial(versions_table, world, component), ask, group="pick")

    def do_base(self) -> None:
        """Chooses the release to start from."""
        world = self.session.world
        if world is None:
            return

        def chosen(release: str | None) -> None:
            if release is not None:
                self._base = release
                self._changed()

        self.app.push_screen(ChooseDialog("Start from which release?", release_choices(world)), chosen)

    def do_reset(self) -> None:
        """Forgets what was picked."""
        self._picks, self._base = {}, None
        self._changed()

    def do_evals(self) -> None:
        """Runs the gate in a worker."""
        if self._composition is not None:
            self.query_one(EvalsRun).begin(self._composition)

    def do_stop(self) -> None:
        """Stops the gate."""
        self.query_one(EvalsRun).stop()

    def do_go(self) -> None:
        """The plan, then the first environment."""
        self._begin(keep_blocked=False)

    def do_keep(self) -> None:
        """Records the blocked release."""
        self._begin(keep_blocked=True)

    def _begin(self, *, keep_blocked: bool) -> None:
        composition = self._composition
        if composition is None:
            return
        verdicts = self.query_one(EvalsRun).verdicts

        def make(reason: str | None) -> Plan:
            workspace = self.session.workspace
            return stage.plan(workspace, composition, verdicts, override=reason, keep_blocked=keep_blocked)

        self.lockgate.operator.begin(Intent(make, why=note_for(composition.changes), overridable=True))

    def selected_id(self) -> str | None:
        """The version that is picked, or else the base's."""
        component, world = self._component, self.session.world
        if component is None or world is None:
            return None
        base = base_release(world, self._base)
        version = self._picks.get(str(component)) or (base.version_of(component) if base else None)
        return str(Pin(component, version)) if version else str(component)

    def shell_lines(self) -> tuple[str, ...]:
        """The stage command for what is picked."""
        sets = " ".join(f"--set {name}={version}" for name, version in self._picks.items())
        base = f" --base {self._base}" if self._base else ""
        return (f"lockgate stage {sets or '--set kind/name=vN'}{base} -m WHY",)
