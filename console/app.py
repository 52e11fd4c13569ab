"""The console's hallway: it opens screens, follows the store and binds the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.reactive import reactive

from console.actions import MODES, Place
from console.screens.ask import SureDialog
from console.screens.help import help_panel
from console.screens.jump import JumpLine
from console.screens.opening import load_rest, screen_for
from console.screens.palette import Actions
from console.screens.place import PlaceScreen
from console.screens.saying import Saying
from console.screens.session import Session
from console.theme import DARK, LIGHT, THEMES
from console.views.line import line
from console.views.trouble import trouble_text
from console.widgets.guard import Guard
from store.garbage import keep_what_is_there

if TYPE_CHECKING:
    from console.screens.operate import Operator
    from console.views.world import World
    from store.workspace import Workspace

POLL_SECONDS = 1.0
"""How often the tip of `main` is looked at."""


class LockgateApp(Saying):
    """The terminal console on one workspace. `loaded` is called once all that screens import is there."""

    TITLE = "lockgate"
    CSS_PATH = "app.tcss"
    COMMANDS = {Actions}
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(mode.key, f"go({mode.id!r})", mode.title, show=False) for mode in MODES),
        Binding("question_mark", "help", "help", show=False),
        Binding("colon", "command_palette", "commands", show=False),
        Binding("ctrl+p", "command_palette", "commands", show=False, priority=True),
        Binding("g", "jump", "go to", show=False),
        Binding("escape", "overview", "back", show=False),
        Binding("q", "leave", "quit", show=False),
        Binding("ctrl+q,ctrl+c", "leave", "quit", show=False, priority=True),
    ]

    world: reactive[World | None] = reactive(None, always_update=True)
    """What the store says; every screen watches it."""
    trouble: reactive[str] = reactive("")
    """What is wrong with reading the store; stays on every screen for as long as it lasts."""

    def __init__(
        self, workspace: Workspace, *, readonly: bool = False, loaded: Callable[[], None] | None = None
    ) -> None:
        self._guard = Guard()
        self._loaded = loaded
        super().__init__()
        self.session = Session(workspace, readonly=readonly)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        for mode in MODES:
            self._modes[mode.id] = partial(screen_for, mode.id, self.session)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The variables that both themes set, for the moment before one is chosen."""
        return dict(DARK.variables)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, and after them the one that lets nothing act on the terminal."""
        return [*super().get_line_filters(), self._guard]

    @cached_property
    def operator(self) -> Operator:
        """Carries out changes; loaded with the first one."""
        from console.screens.operate import Operator

        return Operator(self)

    # -- following the store --------------------------------------------------------------------

    def on_mount(self) -> None:
        """Reads the store, then looks every second whether it moved."""
        self.look_again()
        self.set_interval(POLL_SECONDS, self._poll)

    def look_again(self) -> None:
        """Reads the store anew, whether or not `main` moved."""
        self._read(True)

    def _poll(self) -> None:
        if all(one.is_finished for one in self.workers if one.group == "look"):
            self._read(False)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _read(self, always: bool) -> None:
        try:
            world = await self.session.read(self._if_moved, always)
        except Exception as error:
            self.trouble = trouble_text(error)
            return
        self.trouble = ""
        if world is not None:
            first = self.session.world is None
            self.session.world = self.world = world
            if first:
                await self.session.read(load_rest)
                if self._loaded is not None:
                    self._loaded()

    def _if_moved(self, always: bool) -> World | None:
        from console.views.world import (
            has_moved,
            look,
        )  # pydantic and git are loaded here, behind the first paint

        known, workspace = self.session.world, self.session.workspace
        always = always or bool(self.trouble)  # what could not be read is read again, moved or not
        return look(workspace) if always or known is None or has_moved(workspace, known) else None

    # -- keys that work everywhere ----------------------------------------------------------------

    def action_go(self, place: Place) -> None:
        """Opens a screen."""
        self.switch_mode(place)

    def action_jump(self) -> None:
        """Waits for the letter of a screen."""
        self.push_screen(JumpLine(), lambda place: self.action_go(place) if place else None)

    @work(group="act", exclusive=True, exit_on_error=False)
    async def act_on(self, place: Place, action: str) -> None:
        """Opens a screen and does what one of its keys does, once the screen shows something."""
        await self.switch_mode(place)
        if isinstance(screen := self.screen, PlaceScreen):
            await screen.drawn.wait()
            screen.action_act(action)

    def open_at(self, place: Place, target: str) -> None:
        """Opens a screen with its cursor on `target`."""
        self.switch_mode(place)
        if isinstance(screen := self.screen, PlaceScreen):
            screen.aim(target)

    def action_overview(self) -> None:
        """From any screen to the overview."""
        self.switch_mode("overview")

    def action_command_palette(self) -> None:
        """Every action by name; not on top of a dialog, which wants an answer."""
        if not self.screen.is_modal:
            super().action_command_palette()

    def action_help(self) -> None:
        """Help for this screen, then for all."""
        place = self.screen.place if isinstance(self.screen, PlaceScreen) else None
        self.push_screen(help_panel(place, self.session.readonly))

    def action_next_theme(self) -> None:
        """The other theme."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def action_leave(self) -> None:
        """Quits; asks while work is running."""
        running = tuple(self.session.running)
        if not running:
            self._leave(True)
            return
        if not isinstance(self.screen, SureDialog):
            lines = tuple(line(f"· {what}") for what in running)
            self.push_screen(SureDialog("This is still running:", lines, "quit all the same"), self._leave)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            self.session.close()
            self.exit()


def run(workspace: Workspace, readonly: bool = False) -> int:
    """Opens the console on `workspace`; returns the exit code."""
    app = LockgateApp(workspace, readonly=readonly, loaded=keep_what_is_there)
    app.run()
    return app.return_code or 0
