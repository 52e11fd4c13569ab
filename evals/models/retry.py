"""Tries again where trying again can help, within a deadline, and says how often it tried."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from evals.models.lane import Lane
from store.clock import Clock, SystemClock

T = TypeVar("T")

_HOPELESS = {
    401: "refused the key",
    403: "refused access",
    404: "knows no such model or path",
    405: "does not take this request",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often one answer is tried for."""

    attempts: int = 5
    timeout_s: float = 60.0
    """Of one attempt, from sending to the last byte."""
    deadline_s: float = 180.0
    """Of all attempts and waits together."""
    backoff_s: float = 0.5
    """The wait after the first failure; it doubles."""
    longest_wait_s: float = 60.0
    """The longest wait between two attempts, whatever the endpoint asks for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that failed."""

    what: str
    """Half a sentence."""
    retry: bool = True
    hopeless: bool = False
    """Whether no other request to this endpoint would fare better."""
    wait_s: float | None = None
    """What the endpoint asked for."""
    everyone: bool = False
    """Whether the endpoint has too much to do: fewer ask at once then, and a wait holds for all."""


@dataclass(frozen=True, slots=True)
class Success(Generic[T]):
    """An attempt that brought `value`."""

    value: T
    attempts: int
    latency_ms: float
    """Of the attempt that succeeded."""


class GaveUp(Exception):
    """All attempts failed; `failure` is the last one."""

    def __init__(self, failure: Failure, attempts: int) -> None:
        super().__init__(failure.what)
        self.failure = failure
        self.attempts = attempts


class Patience:
    """The attempts of all requests that share a lane: when the endpoint asks to wait, all of them wait."""

    def __init__(self, limits: Limits, lane: Lane | None = None) -> None:
        """`lane` is shared with others who ask the same endpoint; without it, the lane is its own."""
        self.limits = limits
        self._lane = lane or Lane()

    async def run(self, attempt: Callable[[float], Awaitable[T | Failure]]) -> Success[T]:
        """Calls `attempt` with the seconds it may take until one succeeds. Raises GaveUp.

        The deadline does not run while it stands in line behind other requests.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limits.deadline_s
        count = 0
        while True:
            queued = loop.time()
            await self._lane.enter()
            try:
                deadline += loop.time() - queued
                await self._lane.hold(deadline)
                started = loop.time()
                if started >= deadline:
                    seconds = f"{self.limits.deadline_s:g} seconds"
                    raise GaveUp(Failure(f"the endpoint asked to be left alone for over {seconds}"), count)
                count += 1
                outcome = await attempt(min(self.limits.timeout_s, deadline - started))
                took = loop.time() - started
                if not isinstance(outcome, Failure):
                    self._lane.succeeded()
                    return Success(outcome, count, took * 1000)
                wait = self._wait(outcome, count)
                if outcome.everyone:
                    self._lane.throttled(started, None if outcome.wait_s is None else wait)
            finally:
                self._lane.leave()
            last = not outcome.retry or count >= self.limits.attempts
            if last or loop.time() + wait >= deadline:
                raise GaveUp(outcome, count)
            await asyncio.sleep(wait)

    def _wait(self, failure: Failure, attempts: int) -> float:
        if failure.wait_s is not None:
            return min(failure.wait_s, self.limits.longest_wait_s)
        spread = random.uniform(0.75, 1.25)
        return min(self.limits.backoff_s * 2.0 ** (attempts - 1) * spread, self.limits.longest_wait_s)


def status_failure(status: int, headers: Mapping[str, str], said: str, clock: Clock | None = None) -> Failure:
    """What an HTTP status other than success means. `said` is the endpoint's own word on it."""
    if 300 <= status < 400:
        return Failure(f"the endpoint redirects (status {status}), which is not followed", retry=False)
    if status in _HOPELESS:
        return Failure(f"the endpoint {_HOPELESS[status]} (status {status})", retry=False, hopeless=True)
    if status == 429:
        wait = _asked_wait(headers, clock or SystemClock())
        return Failure("the endpoint has too many requests (status 429)", wait_s=wait, everyone=True)
    if status in (408, 409) or status >= 500:
        wait = _asked_wait(headers, clock or SystemClock())
        return Failure(f"the endpoint failed (status {status})", wait_s=wait, everyone=status == 503)
    return Failure(f"the endpoint refused the request (status {status}: {said})", retry=False)


def _asked_wait(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds that `retry-after-ms` or `retry-after` (seconds or a date, RFC 9110 §10.2.3) ask for."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = str(headers.get(name, "")).strip()
        digits = text.replace(".", "", 1)
        if digits.isascii() and digits.isdigit():
            return float(text) * scale
    try:
        at = parsedate_to_datetime(str(headers.get("retry-after", "")))
        return max(0.0, (at - clock.now()).total_seconds())
    except (ValueError, TypeError):
        return None
