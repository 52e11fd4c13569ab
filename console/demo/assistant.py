"""The demo's application under load: users ask, the assistant answers what the client resolves for them.

It reports each request through the client, with the score that the suite's own graders give the
answer, as an application with a grading worker would.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from console.operations.arms import Bench
from evals.case import Case
from evals.evaluate import Arm
from evals.graders.grading import grade
from evals.suite import Suite, parse_suite
from lockgate_client import Client, Resolution
from store.errors import InputError
from store.records.component import Pin
from store.snapshot import Snapshot
from store.workspace import Workspace

QUESTIONS = 20
"""Different ones that users ask: each costs the model once per release."""
PER_SECOND = 20.0
"""Requests."""
_ASKED = "evals/support@v1"


@dataclass(slots=True)
class Counts:
    """What was answered so far, by release."""

    answered: dict[str, int] = field(default_factory=dict)
    quality: dict[str, float] = field(default_factory=dict)
    """Sums."""

    def add(self, release: str, quality: float | None) -> None:
        """One more answer."""
        self.answered[release] = self.answered.get(release, 0) + 1
        self.quality[release] = self.quality.get(release, 0.0) + (quality or 0.0)

    def line(self) -> str:
        """ "r5 212 answers, quality 0.71 · r6 70 answers, quality 0.74"."""
        parts = (
            f"{release} {count} answers, quality {self.quality[release] / count:.2f}"
            for release, count in sorted(self.answered.items())
        )
        return " · ".join(parts)


async def serve_until(
    workspace: Workspace, done: Callable[[], bool], *, seconds: float, told: Callable[[Counts], None]
) -> Counts:
    """Answers a stream of questions from ever new users until `done` or `seconds` have passed.

    Raises LockgateError when the model or an index cannot be used at all.
    """
    try:
        return await _served(workspace, done, seconds, told)
    except BaseExceptionGroup as error:
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def _served(
    workspace: Workspace, done: Callable[[], bool], seconds: float, told: Callable[[Counts], None]
) -> Counts:
    suite = _suite(workspace)
    counts = Counts()
    client = Client(workspace.live("production"))
    ends = time.monotonic() + seconds
    snapshot = workspace.store.at()
    async with Bench(workspace, snapshot) as bench:
        assistant = _Assistant(snapshot, bench, suite, client, counts)
        async with asyncio.TaskGroup() as group:
            running = asyncio.Semaphore(4)
            for number in itertools.count():
                if done() or time.monotonic() > ends:
                    break
                await running.acquire()
                group.create_task(_one(assistant, number, running))
                if number % 100 == 99:
                    told(counts)
                await asyncio.sleep(1 / PER_SECOND)
    client.close()
    return counts


async def _one(assistant: _Assistant, number: int, running: asyncio.Semaphore) -> None:
    try:
        await assistant.request(number)
    finally:
        running.release()


def _suite(workspace: Workspace) -> Suite:
    snapshot = workspace.store.at()
    return parse_suite(snapshot.files(Pin.parse(_ASKED)), _ASKED)


def asked_about(workspace: Workspace) -> tuple[Case, ...]:
    """The cases whose questions users ask."""
    return _questions(_suite(workspace))


def _questions(suite: Suite) -> tuple[Case, ...]:
    found = [case for case in suite.select("full") if case.category == "relevance" and case.context_ids]
    if not found:
        raise InputError("the demo's suite has no questions that users could ask.")
    return tuple(found[:QUESTIONS])


class _Assistant:
    """Keeps one pipeline for each release, and the score of each answer that was given before."""

    def __init__(
        self, snapshot: Snapshot, bench: Bench, suite: Suite, client: Client, counts: Counts
    ) -> None:
        self._snapshot = snapshot
        self._bench = bench
        self._suite = suite
        self._questions: Sequence[Case] = _questions(suite)
        self._client = client
        self._counts = counts
        self._known: dict[tuple[str, str], tuple[float | None, bool]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._arms: dict[str, Arm] = {}
        self._opening = asyncio.Lock()
        self._run = f"{time.time_ns():x}"

    async def request(self, number: int) -> None:
        """One user asks one question."""
        unit = f"user-{self._run}-{number}"
        case = random.Random(unit).choice(self._questions)
        resolution = self._client.resolve(unit)
        started = time.monotonic()
        quality, failed = await self._answered(resolution, case)
        self._client.observe(
            resolution,
            request_id=f"{self._run}-{number}",
            unit=unit,
            latency_ms=(time.monotonic() - started) * 1000,
            error=failed,
            quality=quality,
            category=case.category,
        )
        self._counts.add(resolution.release, quality)

    async def _answered(self, resolution: Resolution, case: Case) -> tuple[float | None, bool]:
        """The answer's score, and whether there was none; the same question is answered once a release."""
        key = (resolution.release, case.id)
        async with self._locks.setdefault("/".join(key), asyncio.Lock()):
            if key not in self._known:
                self._known[key] = await self._asked(resolution.release, case)
        return self._known[key]

    async def _asked(self, release: str, case: Case) -> tuple[float | None, bool]:
        found = self._snapshot.release(release)
        async with self._opening:
            if release not in self._arms:
                self._arms[release] = await self._bench.arm(found, self._suite)
        answer = await self._arms[release].target.answer(case, 0)
        score = await grade(case, answer, self._bench.context(found))
        return score.score, answer.error is not None
