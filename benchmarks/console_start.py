"""Console start on a real pty: from fork to the newest operation on the screen, beside a trivial Textual app.

Both are started in turn by the same Python, several times; medians are compared.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

import pyte

from benchmarks.history import filled

COLUMNS, ROWS = 120, 40
RUNS = 7
_TIME_OUT_SECONDS = 60
_TRIVIAL = """
from textual.app import App
from textual.widgets import Static
class Trivial(App):
    def compose(self):
        yield Static("it stands here")
Trivial().run()
"""
_ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?2026$p": b"\x1b[?2026;2$y"}
"""What a terminal answers to the questions that full-screen programs ask."""


def run(operations: int = 10_000) -> dict[str, Any]:
    """Medians in milliseconds; the workspace has `operations` in its history."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        workspace = filled(Path(folder) / "acme", operations)
        console = [sys.executable, "-m", "console", "-C", str(workspace.root)]
        trivial = [sys.executable, "-c", _TRIVIAL]
        ours, floor = [], []
        for _ in range(RUNS):  # in turn, so that a busy machine slows both
            floor.append(until_text(trivial, "it stands here"))
            ours.append(until_text(console, "Deployed prompt support"))
    ours_ms, floor_ms = statistics.median(ours) * 1000, statistics.median(floor) * 1000
    return {
        "name": f"console start to full paint at {operations:,} operations",
        "ours": round(ours_ms, 1),
        "floor": round(floor_ms, 1),
        "unit": "ms",
        "peer": "a trivial Textual app",
        "ratio": round(ours_ms / floor_ms, 2),
        "aim": 1.5,
    }


def until_text(command: list[str], text: str) -> float:
    """Seconds from fork until `text` stands on the emulated screen of `command`."""
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor"})
        os.execvp(command[0], command)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        return _watch(terminal, text, started)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)


def _watch(terminal: int, text: str, started: float) -> float:
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    while time.perf_counter() - started < _TIME_OUT_SECONDS:
        ready, _, _ = select.select([terminal], [], [], 0.01)
        if not ready:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        for question, answer in _ANSWERS.items():
            if question in data:
                os.write(terminal, answer)
        stream.feed(data)
        if any(text in line for line in screen.display):
            return time.perf_counter() - started
    shown = "\n".join(line.rstrip() for line in screen.display)
    raise RuntimeError(f"{text!r} never showed; the screen was:\n{shown}")


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
