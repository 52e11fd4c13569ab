"""Text that tries to act: through every screen, nothing reaches the terminal but what can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.color import Color

from console.operations import note, promote, rollback, stage
from console.operations.init import init
from console.widgets.guard import Guard
from store.clock import FixedClock
from store.records.base import Person
from store.settings import Settings
from store.workspace import Workspace
from tests.console.conftest import Opener, shared
from tests.console.seeded import NOW, POLICY, Journey, judged, open_seeded

NASTY = (
    "[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \x1b[2J \x9b31m \u202eevil\u202c "
    "\u200bzero 漢字かな 👩‍👩‍👧 $x {y}"
)
LONG = "10 kB " + "ab [b] " * 1500
_ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture(scope="session")
def hostile_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose every prose field is hostile."""
    return shared(tmp_path_factory, "hostile", seed_hostile)


def seed_hostile(root: Path, scratch: Path) -> None:
    """Two releases, everything about them nasty."""
    journey = Journey(root, scratch)
    workspace = journey.workspace
    mallory = Person(name="[/red]mal\u202elory", email="m@example.org")
    workspace.__dict__["settings"] = Settings(author=mallory, embedder="lexical")
    workspace.__dict__["person"] = mallory
    journey.prompt(f"{NASTY}\n{LONG}\n", NASTY)
    journey.model("gpt-4o-2024-05-13", NASTY)
    journey.index({"[@click=app.quit]x 漢字.md": f"# {NASTY}\n\n{LONG}\n"}, NASTY)
    journey.index({"second [b].md": f"# two\n\n{NASTY}\n"}, LONG, parent="v1")
    composition = stage.compose(workspace, ("prompt/support", "model/chat", "index/handbook=v1"))
    plan = stage.plan(workspace, composition, judged(workspace, composition, "pass"), override=NASTY)
    journey.do(plan, NASTY)
    journey.do(promote.plan(workspace, "r1", "production", override=NASTY), LONG)
    journey.prompt(f"{NASTY} other\n{LONG}\n", NASTY)
    composition = stage.compose(workspace, ("prompt/support", "index/handbook=v2"))
    blocked = judged(workspace, composition, "block")
    journey.do(stage.plan(workspace, composition, blocked, override=NASTY), LONG)
    done = journey.do(promote.plan(workspace, "r2", "production", override=NASTY), NASTY)
    journey.do(note.plan(workspace, done.record.id, NASTY))
    journey.do(rollback.plan(workspace, "production"), NASTY)


WALK = (
    ("enter", "escape"),
    ("down", "down", "enter", "d", "escape", "escape"),
    ("r", "enter", "escape"),
    ("p", "escape"),
    ("n", "escape"),
    ("c", "enter", "escape"),
    ("o", "escape"),
    ("ctrl+p", "left_square_bracket", "slash", "escape"),
    ("4", "enter", "escape"),
    ("d", "escape"),
    ("s", "enter", "escape"),
    ("5", "enter", "escape"),
    ("down", "down", "enter", "escape"),
    ("slash", "left_square_bracket", "slash", "r", "e", "d", "right_square_bracket", "enter", "escape"),
    ("2", "down", "enter", "down", "enter"),
    ("b", "escape"),
)
"""Through every screen and dialog; after each key the screen is looked at."""


@pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_nothing_acts(size: tuple[int, int], hostile_root: Path, console: Opener) -> None:
    async with console(size=size, on=open_seeded(hostile_root, NOW)) as it:
        for keys in WALK:
            for key in keys:
                await it.press(key)
                assert it.app.is_running, f"{key} of {keys} ended the console"
                assert not _ACTING.search(it.text), f"after {key} of {keys} something acts"
                for strip in it.app.screen._compositor.render_strips():
                    for segment in strip:
                        assert "@click" not in (segment.style.meta if segment.style else {}), keys
            assert not _ACTING.search(it.app.export_screenshot().replace("\t", " "))


async def test_hostile_text_is_shown_literally(hostile_root: Path, console: Opener) -> None:
    async with console(size=(200, 50), on=open_seeded(hostile_root, NOW)) as it:
        assert "[/red] [@click=app.quit]x[/] ␛]52;c;aGk=␇" in it.text
        assert "‹202E›evil" in it.text


async def test_a_toast_shows_markup_literally(console: Opener) -> None:
    async with console() as it:
        it.app.say(NASTY, title="done")
        await it.settle()
        assert "[@click=app.quit]x" in it.text.replace("\n", "")
        assert not _ACTING.search(it.text)


def test_the_guard_keeps_widths_and_drops_what_acts() -> None:
    dirty = [Segment("a\x1b[2Jb\u202ec\u200bd"), Segment("plain")]
    clean = Guard().apply(dirty, Color(0, 0, 0))
    assert [segment.text for segment in clean] == ["a[2Jbcd", "plain"]
    assert clean[1] is dirty[1]


async def test_a_crash_shows_no_values(tmp_path: Path, console: Opener) -> None:
    workspace = init(tmp_path / "crash", POLICY, FixedClock(NOW))
    shown: list[str] = []

    async def crash(on: Workspace) -> None:
        async with console(on=on) as it:
            secret = "\x1b[31msk-secret-value"
            try:
                raise RuntimeError(f"broken {len(secret)}")
            except RuntimeError:
                it.app._fatal_error()
            shown.extend(str(one) for one in it.app._exit_renderables)
            it.app._exit_renderables.clear()

    await crash(workspace)
    assert "RuntimeError: broken" in shown[0]
    assert "sk-secret-value" not in shown[0]
