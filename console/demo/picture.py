"""Pictures of the real console: `python -m console.demo.picture WORKSPACE OUT.svg --size 100x30 --press 4,s`.

Opens the console without a terminal, presses the keys, waits until it is idle after each, and writes
what a terminal would show as SVG. With an OUT that ends in .txt it writes the text alone.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path
from time import monotonic

from textual.app import App
from textual.pilot import Pilot

from console.app import LockgateApp
from console.screens.dialog import Dialog
from console.screens.place import PlaceScreen
from console.screens.plan_dialog import PlanDialog
from console.screens.progress import ProgressPanel
from store.workspace import Workspace

_PATIENCE_SECONDS = 40.0
_ROUNDS = 6
"""Times in a row that everything is found at rest: a message climbs one widget a round."""


async def settled(pilot: Pilot[None]) -> None:
    """Waits until nothing is being read or done, no message is on its way, and a dialog, if there is
    one, listens to keys; or for forty seconds."""
    app = pilot.app
    quiet, deadline = 0, monotonic() + _PATIENCE_SECONDS
    while quiet < _ROUNDS and monotonic() < deadline:
        await pilot._wait_for_screen()
        if not _at_rest(app):
            quiet = 0
            await asyncio.sleep(0.002)
            continue
        quiet += 1
        if quiet == _ROUNDS and (app.screen._layout_required or app.screen._dirty_widgets):
            await pilot.pause(0)  # draws, which may be what the next message waits for
            quiet = 0


def _at_rest(app: App[None]) -> bool:
    screen = app.screen
    if any(not one.is_finished for one in app.workers if not _waits_for_person(app, one.group)):
        return False
    if isinstance(screen, Dialog) and not screen.armed:
        return False
    if isinstance(screen, PlaceScreen) and screen.session.world is not None and not screen.drawn.is_set():
        return False
    nodes = (app, *screen.walk_children(with_self=True))
    return not any(one.message_queue_size for one in nodes)


def _waits_for_person(app: App[None], group: str) -> bool:
    if group == "asking":
        return isinstance(app.screen, Dialog) and not isinstance(app.screen, ProgressPanel)
    return group == "operate" and isinstance(app.screen, PlanDialog)


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
