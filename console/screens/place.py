"""What the numbered screens have in common: frame, keys from the registry, refresh from the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkType

from console.actions import Action, Place, find, of
from console.screens.message import MessagePanel
from console.screens.session import Session
from console.views.line import Line, Part, line
from console.views.trouble import trouble_text
from console.widgets.frame import KeyHint, KeyLine, Notice, TitleLine

if TYPE_CHECKING:
    from console.app import LockgateApp
    from console.views.world import World

T = TypeVar("T")
FOOTER_KEYS = 6
WIDE = 110
"""Columns from which panes stand beside each other."""
FRAME_LINES = 4
"""Title, its rule and the keys."""
STILL_READING = "The store is still being read."


def bindings_of(place: Place) -> list[BindingType]:
    """The registry's keys for one screen. Enter comes from the table that has the focus."""
    return [
        Binding(action.key, f"act({action.id!r})", action.label, show=False)
        for action in of(place)
        if action.key != "enter"
    ]


class PlaceScreen(Screen[None]):
    """One numbered screen. Subclasses name their `place`, compose a body and draw a view."""

    place: ClassVar[Place]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._seen: World | None = None
        self.drawn = asyncio.Event()
        """Set once the screen has shown the store for the first time."""

    @property
    def lockgate(self) -> LockgateApp:
        """The app, as what it is."""
        return cast("LockgateApp", self.app)

    def compose(self) -> ComposeResult:
        """Title, trouble, body, keys."""
        yield TitleLine(self.place)
        yield Notice(id="notice", markup=False)
        yield from self.body()
        yield KeyLine(id="keys")

    def body(self) -> Iterable[Widget]:
        """What is between title and keys."""
        raise AssertionError("a screen has a body")

    # -- what is shown ------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Follows the store."""
        self.query_one(TitleLine).show(self.session.workspace.root.name, "reading…", self.session.readonly)
        self.watch(self.app, "world", self._world_changed)
        self.watch(self.app, "trouble", self._trouble_changed)
        self.refresh_keys()

    def on_screen_resume(self) -> None:
        """What changed while another screen was in front is drawn now."""
        self._world_changed(self.session.world)

    def _world_changed(self, world: World | None) -> None:
        if world is None or world is self._seen or not self.is_current:
            return
        self._seen = world
        self.query_one(TitleLine).show(world.name, world.title, self.session.readonly)
        self.draw(world)

    def _trouble_changed(self, trouble: str) -> None:
        self.query_one(Notice).say(trouble)

    def draw(self, world: World) -> None:
        """Shows `world`."""

    def load(self, make: Callable[[], T], show: Callable[[T], object], group: str = "view") -> None:
        """Runs `make` in the reading thread, then `show` with its result; the newest of a group counts."""
        work: WorkType[None] = partial(self._loaded, make, show)
        self.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    async def _loaded(self, make: Callable[[], T], show: Callable[[T], object]) -> None:
        try:
            made = await self.session.read(make)
            if self.is_attached:
                show(made)
        except Exception as error:  # whatever it is, the screen says so and goes on
            self.query_one(Notice).say(trouble_text(error))
        else:
            self.drawn.set()
            self.refresh_keys()

    # -- keys ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Read-only takes away what changes the store."""
        if action == "act" and self.session.readonly:
            return not find(str(parameters[0])).changes
        return True

    def action_act(self, id: str) -> None:
        """Does what a key of the registry says, or says why it cannot be done now."""
        why_not = self.why_not(find(id))
        if why_not is not None:
            self.lockgate.say(why_not, severity="warning")
            return
        owner = self if hasattr(self, f"do_{id}") else self.doer
        getattr(owner, f"do_{id}")()

    @property
    def doer(self) -> object:
        """What has the do_ methods that the screen has not."""
        return self

    def why_not(self, action: Action) -> str | None:  # noqa: ARG002
        """Why `action` cannot be done now, in a sentence; None when it can."""
        return None if self.session.world else STILL_READING

    def refresh_keys(self) -> None:
        """Draws the footer for what can be done now."""
        actions = [one for one in of(self.place, self.session.readonly) if one.footer][:FOOTER_KEYS]
        self.query_one(KeyLine).show(
            [KeyHint(one.key_text, one.label, self.why_not(one) is None) for one in actions]
        )

    def aim(self, target: str) -> None:
        """Puts the cursor on what another screen points to."""

    def do_shell(self) -> None:
        """Shows the shell commands for what is selected."""
        commands = self.shell_lines()
        lines: list[Line] = [line(Part(one, "strong")) for one in commands]
        panel = MessagePanel("In the shell", lines or [line("nothing is selected")], copy="\n".join(commands))
        self.app.push_screen(panel)

    def do_copy(self) -> None:
        """Copies the id of what is selected."""
        id = self.selected_id()
        if id is None:
            self.lockgate.say("Nothing is selected that has an id.", severity="warning")
        else:
            self.lockgate.copy(id)

    def selected_id(self) -> str | None:
        """The reference of what is selected, as the shell takes it."""
        return None

    def shell_lines(self) -> tuple[str, ...]:
        """The shell commands for what is selected."""
        return ()
