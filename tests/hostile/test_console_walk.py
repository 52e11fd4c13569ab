"""Every screen of the console over every payload: nothing acts, nothing crashes, no action fires."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.app import LockgateApp
from console.demo.picture import screen_text, settled
from console.widgets.guard import Guard
from store.workspace import Workspace
from tests.hostile.payloads import ACTING, PAYLOADS

_DOWN = ("down",) * 8
WALK = (
    ("enter", "escape"),
    ("down", "down", "enter", "down", "d", "escape", "escape"),
    ("4", "enter", "down", "tab", "escape"),
    ("5", *_DOWN, "enter", "escape"),
    ("6", "enter", "down", "escape"),
    ("2", "enter", "escape"),
    ("3", "enter", "escape"),
    ("1", "question_mark", "escape", "ctrl+p", "escape"),
)
"""After each key the screen is looked at."""


@pytest.mark.heavy
async def test_no_screen_lets_a_payload_act(poisoned: Path) -> None:
    app = LockgateApp(Workspace(poisoned), readonly=True)
    seen = set()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        guards = [one for one in app.get_line_filters() if isinstance(one, Guard)]
        assert guards, "the last line of defence is there"
        for keys in WALK:
            for key in keys:
                await pilot.press(key)
                await settled(pilot)
                text = screen_text(app)
                assert app.is_running, f"{key} of {keys} ended the console"
                assert not ACTING.search(text), (key, keys, ACTING.search(text))
                seen |= {name for name in PAYLOADS if name in text}
                for strip in app.screen._compositor.render_strips():
                    assert not any("@click" in (one.style.meta if one.style else {}) for one in strip)
    assert len(seen) > 8, seen
