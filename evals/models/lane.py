"""The requests of everybody who asks one endpoint with one key: both arms and the judge share one lane."""

from __future__ import annotations

import asyncio
from collections import deque

from evals.models.window import Window

OWN_CEILING = 256
"""At once, where nobody set a lower number."""


class Lane:
    """Lets through as many requests at once as the endpoint bears. For one event loop."""

    def __init__(self, ceiling: int = OWN_CEILING) -> None:
        self._window = Window.of(ceiling)
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._resume_at = 0.0

    @property
    def allowed(self) -> int:
        """Requests that may be under way at once, as it stands."""
        return self._window.allowed

    async def enter(self) -> None:
        """Waits for a place, first come first served. Every place has to be left."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given a place in the same moment
                self.leave()
            raise

    def leave(self) -> None:
        """Gives the place back."""
        self._under_way -= 1
        self._let_in()

    async def hold(self, until: float) -> None:
        """Waits for as long as the endpoint wants nobody to ask, but not past `until` (the loop's time)."""
        loop = asyncio.get_running_loop()
        while (seconds := min(self._resume_at, until) - loop.time()) > 0:
            await asyncio.sleep(seconds)

    def succeeded(self) -> None:
        """An answer came."""
        self._window = self._window.succeeded()
        self._let_in()

    def throttled(self, sent_at: float, wait_s: float | None) -> None:
        """The endpoint has too much to do; `wait_s` is how long it wants to be left alone, if it says so."""
        now = asyncio.get_running_loop().time()
        self._window = self._window.throttled(sent_at, now)
        if wait_s is not None:
            self._resume_at = max(self._resume_at, now + wait_s)

    def _let_in(self) -> None:
        while self._waiting and self._under_way < self._window.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)


class Lanes:
    """One lane for each (address, key)."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._lanes: dict[tuple[str, str], Lane] = {}

    def of(self, address: str, key: str) -> Lane:
        """The lane of everybody who asks `address` with `key`."""
        return self._lanes.setdefault((address.rstrip("/"), key), Lane(self._ceiling))
