"""A seeded workspace, built once and copied for each test, and a console opened on it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from console.app import LockgateApp
from console.demo.picture import screen_text, settled
from store.git.lock import held
from store.workspace import Workspace
from tests.console.hostile import seed_hostile
from tests.console.probing import HereProber
from tests.console.seeded import open_seeded, seed
from tests.console.watchdog import watched


class Console:
    """The console under test: press keys, look at the screen."""

    def __init__(self, pilot: Pilot[None], app: LockgateApp) -> None:
        self.pilot = pilot
        self.app = app
        self.pressed = 0

    async def press(self, *keys: str) -> None:
        """Presses `keys`, waiting until the console is idle after each."""
        for key in keys:
            if key.startswith("type:"):
                await self.type(key.removeprefix("type:"))
                continue
            self.pressed += 1
            await self.pilot.press(key)
            await settled(self.pilot)

    async def type(self, text: str) -> None:
        """Types `text` into what has the focus; it does not count as pressed keys."""
        await self.pilot.press(*(_KEYS.get(character, character) for character in text))
        await settled(self.pilot)

    async def erase(self, characters: int) -> None:
        """Backspaces."""
        await self.pilot.press(*["backspace"] * characters)

    async def settle(self) -> None:
        """Waits until the console is idle."""
        await settled(self.pilot)

    @property
    def text(self) -> str:
        """The screen as text."""
        return screen_text(self.app)


_KEYS = {" ": "space", ":": "colon", "/": "slash", "-": "minus", ",": "comma", ".": "full_stop", "@": "at"}

Opener = Callable[..., AbstractAsyncContextManager[Console]]


@pytest.fixture(autouse=True)
def by_ana(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever's machine this is, pictures name one person."""
    monkeypatch.setenv("LOCKGATE_AUTHOR", "ana <ana@example.org>")


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path, Path], None]) -> Path:
    """A workspace that is made once, whichever test process comes first."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    home = base / name
    with held(base / f"{name}.lock"):
        if not (home / "done").exists():
            home.mkdir()
            make(home / "acme", home / "scratch")
            (home / "done").touch()
    return home / "acme"


@pytest.fixture(scope="session")
def seeded_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded workspace itself; never changed."""
    return shared(tmp_path_factory, "seeded", seed)


@pytest.fixture(scope="session")
def hostile_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile workspace itself; never changed."""
    return shared(tmp_path_factory, "hostile", seed_hostile)


@pytest.fixture
def workspace(seeded_root: Path, tmp_path: Path) -> Workspace:
    """A copy of it that a test may change."""
    shutil.copytree(seeded_root, tmp_path / "acme")
    return open_seeded(tmp_path / "acme")


async def _one_turn(*_: float) -> None:
    """In place of Textual's waiting for an idle processor after each key: `settled` looks at the queues."""
    await asyncio.sleep(0)


def _undrawn(screen: Screen[object]) -> None:
    """In place of writing every change to a terminal that nobody sees; `Console.text` draws when asked."""
    screen._dirty_widgets.clear()


@pytest.fixture
def console(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Opens the console: `async with console(size=(80, 24), readonly=False) as it`."""
    monkeypatch.setattr("console.screens.dialog.GUARD_SECONDS", 0.001)
    monkeypatch.setattr("textual.app.wait_for_idle", _one_turn)
    monkeypatch.setattr("indexes.opened.Prober", HereProber)
    monkeypatch.setattr("textual.screen.Screen._compositor_refresh", _undrawn)

    @asynccontextmanager
    async def opened(
        size: tuple[int, int] = (100, 40), readonly: bool = False, on: Workspace | None = None
    ) -> AsyncIterator[Console]:
        app = LockgateApp(on or workspace, readonly=readonly)
        with watched() as dog:
            async with app.run_test(size=size, notifications=True) as pilot:
                await settled(pilot)
                yield Console(pilot, app)
        assert dog.seen == [], "the event loop waits for files"

    return opened
