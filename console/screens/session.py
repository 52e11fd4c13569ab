"""What all screens share: the workspace, what is known of it, and the lanes in which slow work runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.views.world import World
    from store.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """One run of the console.

    Reading and working have a thread each: reads stay in order and never wait for a long verify or
    an operation, and neither ever runs on the event loop.
    """

    def __init__(self, workspace: Workspace, *, readonly: bool = False) -> None:
        self.workspace = workspace
        self.readonly = readonly
        self.world: World | None = None
        """What was read last; None before the first read."""
        self.running: list[str] = []
        """What is being done, in words, for the question before quitting."""
        self.closed = False
        """Set when the console ends: work that can be stopped stops."""
        self._reader = ThreadPoolExecutor(1, "lockgate-read")
        self._worker = ThreadPoolExecutor(2, "lockgate-work")

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `call`, run in the reading thread."""
        return await self._in(self._reader, lambda: call(*args, **kwargs))

    async def work(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `call`, run in a working thread."""
        return await self._in(self._worker, lambda: call(*args, **kwargs))

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """While it is open, `what` counts as running."""
        self.running.append(what)
        try:
            yield
        finally:
            self.running.remove(what)

    def close(self) -> None:
        """Takes no more work; what has begun ends by itself."""
        self.closed = True
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._worker.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    async def _in(lane: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(lane, call)
