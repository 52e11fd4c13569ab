"""Every screen and dialog as text, at both sizes. LOCKGATE_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from console.operations import stage
from tests.console.conftest import Opener
from tests.console.test_console_flows import gate_that

GOLDEN = Path(__file__).parent / "golden"
SMALL, LARGE = (80, 24), (140, 45)
SIZES = (SMALL, LARGE)
SCREENS = {
    "overview": (),
    "versions": ("down", "down", "enter"),
    "release": ("enter",),
    "rollback-choice": ("r",),
    "rollback-plan": ("r", "enter"),
    "promote-blocked": ("p",),
    "indexes": ("4",),
    "index-switch-where": ("4", "s"),
    "index-switch-plan": ("4", "s", "enter"),
    "index-diff": ("4", "d"),
    "index-documents": ("4", "enter"),
    "history": ("5", "down"),
    "history-record": ("5", "down", "down", "down", "enter"),
    "history-filter": ("5", "slash", "t", "o", "n", "e"),
    "history-note": ("5", "down", "n"),
    "stage-empty": ("2",),
    "stage-versions": ("2", "down", "enter"),
    "stage-picked": ("2", "down", "enter", "enter"),
    "stage-blocked": ("2", "down", "enter", "enter", "e"),
    "stage-plan": ("2", "down", "enter", "enter", "e", "g"),
    "help": ("question_mark",),
    "shell": ("o",),
}
_MASKS = (
    (re.compile(r"main [0-9a-f]{7}"), "main ·······"),
    (re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b"), "·" * 26),
    (re.compile(r"sha256:[0-9a-f]+"), lambda found: "sha256:" + "·" * (len(found[0]) - 7)),
    (re.compile(r"\b[0-9a-f]{11,40}\b"), lambda found: "·" * len(found[0])),
    (re.compile(r"lockgate \S+ on \S+"), "lockgate · on ·"),
    (re.compile(r"\d+ sealed files, [\d.]+ MB"), "· sealed files"),
    (re.compile(r"[▁▂▃▄▅▆▇█]$", re.MULTILINE), ""),  # the scroll bar's thumb
)


def masked(text: str) -> str:
    """`text` without what differs from run to run."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)  # type: ignore[arg-type]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


BOTH = (
    "overview",
    "versions",
    "index-switch-plan",
    "indexes",
    "history",
    "stage-picked",
    "stage-blocked",
    "help",
)
"""The screens at both sizes; their dialogs look the same at any."""


@pytest.mark.parametrize(
    ("name", "size"),
    [(name, size) for name in SCREENS for size in SIZES if size == SMALL or name in BOTH],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
async def test_screen(
    name: str, size: tuple[int, int], console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that("block"))
    async with console(size=size) as it:
        await it.press(*SCREENS[name])
        shown = masked(it.text)
        svg = it.app.export_screenshot()
    assert all(ord(character) >= 32 or character in "\n\t" for character in svg)
    path = GOLDEN / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("LOCKGATE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown)
    assert shown == path.read_text(), f"{path.name} differs; LOCKGATE_GOLDEN=write writes it anew"


async def test_read_only(console: Opener) -> None:
    async with console(size=SMALL, readonly=True) as it:
        shown = masked(it.text)
    path = GOLDEN / "readonly-80x24.txt"
    if os.environ.get("LOCKGATE_GOLDEN") == "write":
        path.write_text(shown)
    assert shown == path.read_text()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_empty_workspace_says_what_to_do_next(
    size: tuple[int, int], console: Opener, tmp_path: Path
) -> None:
    from console.operations.init import init
    from store.clock import FixedClock
    from tests.console.seeded import NOW

    empty = init(tmp_path / "fresh", clock=FixedClock(NOW))
    async with console(size=size, on=empty) as it:
        screens = [it.text]
        for key in ("2", "4", "5"):
            await it.press(key)
            screens.append(it.text)
    assert "serves nothing yet" in screens[0] or "nothing yet" in screens[0]
    assert "lockgate add prompt NAME --from DIR" in screens[1]
    assert "lockgate add index NAME --from PATH" in screens[2]
    assert "Made the workspace" in screens[3]


async def test_without_colours_the_words_are_the_same(
    console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(size=SMALL) as it:
        assert masked(it.text) == (GOLDEN / "overview-80x24.txt").read_text()
        for strip in it.app.screen._compositor.render_strips():
            for segment in strip:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    triplet = colour.triplet if colour else None
                    assert triplet is None or max(triplet) - min(triplet) <= 1, "a colour with NO_COLOR set"
