"""Pictures of the real console: `python -m console.demo.picture WORKSPACE OUT.svg --size 100x30 --press 4,s`.

Opens the console without a terminal, presses the keys, waits until it is idle after each, and writes
what a terminal would show as SVG. With an OUT that ends in .txt it writes the text alone.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from console.app import LockgateApp
from console.screens.dialog import Dialog
from store.workspace import Workspace

_PAUSES = 500


async def settled(pilot: Pilot[None]) -> None:
    """Waits until nothing is being read or done and a dialog, if there is one, listens to keys."""
    app = pilot.app
    quiet = 0
    for _ in range(_PAUSES):
        await pilot.pause()
        busy = any(
            not worker.is_finished for worker in app.workers if not _waits_for_person(app, worker.group)
        )
        deaf = isinstance(app.screen, Dialog) and not app.screen.armed
        quiet = 0 if busy or deaf else quiet + 1
        if quiet == 2:
            return
        if not quiet:
            await asyncio.sleep(0.005)


def _waits_for_person(app: App[None], group: str) -> bool:
    return group == "operate" and isinstance(app.screen, Dialog)


def screen_text(app: App[None]) -> str:
    """The screen as lines of text, without the spaces at their ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


async def picture(
    workspace: Workspace, size: tuple[int, int], press: list[str], readonly: bool
) -> LockgateApp:
    """The console after `press`, still holding its last screen, with `shot` and `text` taken of it."""
    app = LockgateApp(workspace, readonly=readonly)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        for key in press:
            await pilot.press(key)
            await settled(pilot)
        app.shot = app.export_screenshot(title="lockgate")  # type: ignore[attr-defined]
        app.text = screen_text(app)  # type: ignore[attr-defined]
    return app


def without_web_fonts(svg: str) -> str:
    """`svg` drawn with fonts of the reader's machine: looking at a picture asks no server for anything."""
    return re.sub(r"@font-face\s*\{[^}]*\}", "", svg).replace(
        "Fira Code", "DejaVu Sans Mono, Menlo, Consolas"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="console.demo.picture")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="100x30", help="columns x rows")
    parser.add_argument("--press", default="", help="keys as Textual names them, separated by commas")
    parser.add_argument("--readonly", action="store_true")
    given = parser.parse_args()
    columns, rows = (int(part) for part in given.size.split("x"))
    keys = [key for key in given.press.split(",") if key]
    app = asyncio.run(picture(Workspace.find(given.workspace), (columns, rows), keys, given.readonly))
    shot = without_web_fonts(app.shot)  # type: ignore[attr-defined]
    given.out.write_text(app.text if given.out.suffix == ".txt" else shot)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
