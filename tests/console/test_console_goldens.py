"""Every screen and dialog at both sizes, compared with the pictures in golden/; see album.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from console.operations import index_look, stage
from console.operations.init import init
from store.clock import FixedClock
from store.errors import MachineryError
from store.progress import Progress, check
from store.workspace import Workspace
from tests.console.album import GOLDEN, Album, masked
from tests.console.conftest import Console, Opener
from tests.console.gates import gate_that
from tests.console.hostile import NASTY
from tests.console.seeded import NOW, open_seeded
from tests.console.walks import HOSTILE, WALKS, Step

SMALL, LARGE = (80, 24), (140, 45)
SIZES = pytest.mark.parametrize("size", (SMALL, LARGE), ids=lambda size: f"{size[0]}x{size[1]}")
Size = tuple[int, int]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks and no second passes."""
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)
    for module in ("console.screens.evals_run", "console.screens.progress"):
        monkeypatch.setattr(f"{module}.monotonic", lambda: 0.0)


@pytest.fixture
def relative(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The seeded workspace by a relative path, so that messages about files are as long everywhere."""
    monkeypatch.chdir(tmp_path)
    return open_seeded(Path(workspace.root.name))


@pytest.fixture
def album(size: Size) -> Iterator[Album]:
    """The pictures of one size."""
    made = album_of("", size)
    yield made
    made.settle()


def album_of(prefix: str, size: Size) -> Album:
    return Album(f"{prefix}{size[0]}x{size[1]}", tones=size == SMALL)


async def walk(it: Console, steps: tuple[Step, ...], album: Album) -> None:
    for name, *keys in steps:
        it.app.clear_notifications()
        await it.press(*keys)
        if name:
            album.take(it, name)


@SIZES
@pytest.mark.parametrize("way", WALKS)
async def test_every_screen_and_dialog(
    way: str, size: Size, album: Album, console: Opener, relative: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that(WALKS[way].gate))
    async with console(size=size, on=relative) as it:
        await walk(it, WALKS[way].steps, album)


@SIZES
@pytest.mark.parametrize("way", HOSTILE)
async def test_every_screen_with_hostile_words(
    way: str, size: Size, console: Opener, hostile_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that(HOSTILE[way].gate, NASTY))
    album = album_of("hostile-", size)
    async with console(size=size, on=open_seeded(hostile_root, NOW)) as it:
        await walk(it, HOSTILE[way].steps, album)
    album.settle()


@SIZES
async def test_an_empty_workspace_says_what_to_do_next(
    size: Size, album: Album, console: Opener, tmp_path: Path
) -> None:
    empty = init(tmp_path / "fresh", clock=FixedClock(NOW))
    async with console(size=size, on=empty) as it:
        await walk(
            it,
            (("empty-overview",), ("empty-stage", "2"), ("empty-indexes", "4"), ("empty-history", "5")),
            album,
        )


@SIZES
async def test_read_only(size: Size, album: Album, console: Opener) -> None:
    async with console(size=size, readonly=True) as it:
        await walk(it, (("readonly",), ("readonly-versions", "end", "up", "enter")), album)


async def until(it: Console, text: str) -> None:
    """Waits for `text` while work that never ends by itself goes on."""
    for _ in range(2_000):
        if text in it.text:
            return
        await it.pilot.pause(0)
        await asyncio.sleep(0.002)
    raise AssertionError(f"{text!r} never showed:\n{it.text}")


@SIZES
async def test_running_evals(
    size: Size, album: Album, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that("waits"))
    async with console(size=size) as it:
        await it.press("2", "down", "enter", "type:v3", "enter")
        await it.pilot.press("e")
        await until(it, "10 of 30")
        album.take(it, "stage-running")
        await it.pilot.press("q")
        await until(it, "still running")
        album.take(it, "quit-sure")
        await it.pilot.press("escape", "x")
        await it.settle()
        album.take(it, "stage-stopped")


def slow_verify(*_: Any, report: Any, stop: Callable[[], bool]) -> None:
    """A verify that is at a third for ever."""
    report(Progress("verifying", 410_000_000, 1_230_000_000, "chroma/…/data_level0.bin"))
    while True:
        check(stop, "The verification")
        sleep(0.001)  # lets the screen go on


@SIZES
async def test_a_verify_on_its_way(
    size: Size, album: Album, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_look, "verify", slow_verify)
    async with console(size=size) as it:
        await it.press("4")
        await it.pilot.press("v")
        await until(it, "data_level0")
        album.take(it, "index-verifying")
        await it.pilot.press("escape")
        await it.settle()
        album.take(it, "index-verify-stopped")


@SIZES
async def test_what_is_shown_of_trouble(
    size: Size, album: Album, console: Opener, relative: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = relative.store.at()
    sealed = relative.indexes / "handbook" / "sealed"
    digest = snapshot.index(snapshot.pin("index/handbook@v2")).digest
    victim = sealed / digest.removeprefix("sha256:")[:32] / "vectors.f32"
    victim.chmod(0o600)
    victim.write_bytes(bytes(len(victim.read_bytes())))

    async def broken(*_: Any, **__: Any) -> None:
        raise MachineryError(
            "127.0.0.1:8080 refused the connection 3 times. Start the server, then try again."
        )

    def unreadable(*_: Any) -> None:
        raise MachineryError(
            "acme/store.git cannot be read: permission denied. Give this user access, or restore it."
        )

    monkeypatch.setattr(stage, "gate", broken)
    async with console(size=size, on=relative) as it:
        await it.press("4", "v")
        album.take(it, "index-damaged")
        victim.unlink()
        await it.press("escape", "p")
        album.take(it, "index-probes-missing")
        await it.press("escape", "2", "down", "enter", "type:v3", "enter", "e")
        album.take(it, "stage-evals-broken")
        monkeypatch.setattr("console.views.world.look", unreadable)
        it.app.look_again()
        await it.press("escape", "1")
        album.take(it, "store-unreadable")


@SIZES
async def test_before_anything_is_read(
    size: Size, album: Album, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.app.LockgateApp.look_again", lambda _: None)
    monkeypatch.setattr("console.app.LockgateApp._poll", lambda _: None)
    async with console(size=size) as it:
        await walk(it, (("reading-overview",), ("reading-indexes", "4")), album)


async def test_without_colours_the_words_are_the_same(
    console: Opener, relative: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    kept = (GOLDEN / "80x24" / "overview.txt").read_text()
    async with console(size=SMALL, on=relative) as it:
        assert masked(it.text) == kept[: kept.index("─" * 12 + " tones")]
        for strip in it.app.screen._compositor.render_strips():
            for segment in strip:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    triplet = colour.triplet if colour else None
                    assert triplet is None or max(triplet) - min(triplet) <= 1, "a colour with NO_COLOR set"
