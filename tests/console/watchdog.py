"""What the console does on its event loop, where nothing may take long.

Files, databases and processes belong into the working threads: Python's audit events tell when one is
opened, and asyncio knows by which task. What a test itself does on the same loop does not count.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove"} | {
    "sqlite3.connect",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
}
_MEANT = "first_paint.py:recall"
"""Two small files that say what the overview showed last, so that the first paint shows it."""
_OURS = ("/console/", "/store/", "/evals/", "/indexes/", "/prompts/", "/lockgate_client/")


class Watchdog:
    """Notes what tasks other than the test's own open, for as long as it watches."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        """`open /path by file.py:function < file.py:function …`."""
        self._test = asyncio.current_task()
        self._thread = threading.current_thread()

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """One audit event."""
        if threading.current_thread() is not self._thread or not self._is_the_consoles():
            return
        what = str(arguments[0]) if arguments else ""
        places = list(_places(sys._getframe(2)))
        if places and _MEANT not in places and not what.endswith(".tcss"):  # Textual reads a style sheet once
            self.seen.append(f"{event} {what} by {' < '.join(places)}")

    def _is_the_consoles(self) -> bool:
        try:
            return asyncio.current_task() not in (None, self._test)
        except RuntimeError:  # no loop runs
            return False


_watching: list[Watchdog] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in _EVENTS:
        for one in _watching:
            one.note(event, arguments)


sys.addaudithook(_hook)  # for good: Python has no way to take one off


@contextmanager
def watched() -> Iterator[Watchdog]:
    """Watches the loop that runs."""
    dog = Watchdog()
    _watching.append(dog)
    try:
        yield dog
    finally:
        _watching.remove(dog)


def _places(frame: FrameType | None) -> Iterator[str]:
    """Our functions that led there, innermost first; none while a module is imported, which is once."""
    found: list[str] = []
    while frame is not None:
        file = frame.f_code.co_filename
        if "importlib" in file:
            return
        if any(part in file for part in _OURS) and "site-packages" not in file and "/tests/" not in file:
            found.append(f"{file.rsplit('/', 1)[-1]}:{frame.f_code.co_name}")
        frame = frame.f_back
    yield from found


@contextmanager
def timed(limit_s: float) -> Iterator[list[str]]:
    """Notes every single step of the loop that takes more than `limit_s` seconds of this thread's
    processor time: waiting for another process is no fault of a screen."""
    slow: list[str] = []
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        took = time.thread_time() - began
        if took > limit_s:
            slow.append(f"{took * 1000:.0f} ms in {handle!r}")

    asyncio.Handle._run = measured  # type: ignore[method-assign]
    try:
        yield slow
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
