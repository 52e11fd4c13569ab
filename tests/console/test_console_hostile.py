"""Text that tries to act: through every screen, nothing reaches the terminal but what can be read."""

from __future__ import annotations

from pathlib import Path

from rich.segment import Segment
from textual.color import Color

from console.operations.init import init
from console.widgets.guard import Guard
from store.clock import FixedClock
from store.workspace import Workspace
from tests.console.conftest import Opener
from tests.console.hostile import ACTING, NASTY
from tests.console.seeded import NOW, POLICY, open_seeded

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
    ("6", "enter", "enter", "escape", "slash", "left_square_bracket", "enter", "escape", "escape"),
    ("m", "escape", "e", "enter", "escape"),
    ("2", "down", "enter", "down", "enter"),
    ("b", "escape"),
)
"""Through every screen and dialog; after each key the screen is looked at."""


async def test_nothing_acts(hostile_root: Path, console: Opener) -> None:
    async with console(size=(120, 30), on=open_seeded(hostile_root, NOW)) as it:
        for keys in WALK:
            for key in keys:
                await it.press(key)
                assert it.app.is_running, f"{key} of {keys} ended the console"
                assert not ACTING.search(it.text), f"after {key} of {keys} something acts"
                for strip in it.app.screen._compositor.render_strips():
                    for segment in strip:
                        assert "@click" not in (segment.style.meta if segment.style else {}), keys
            assert not ACTING.search(it.app.export_screenshot().replace("\t", " "))


async def test_hostile_text_is_shown_literally(hostile_root: Path, console: Opener) -> None:
    async with console(size=(200, 50), on=open_seeded(hostile_root, NOW)) as it:
        assert "[/red] [@click=app.quit]x[/] ␛]52;c;aGk=␇" in it.text
        assert "‹202E›evil" in it.text


async def test_a_toast_shows_markup_literally(console: Opener) -> None:
    async with console() as it:
        it.app.say(NASTY, title="done")
        await it.settle()
        assert "[@click=app.quit]x" in it.text.replace("\n", "")
        assert not ACTING.search(it.text)


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
