"""What a controller does beside its ticks: sampled answers are graded, and replayed by shadows.

In a thread of its own, so that no model and no index can delay a rollback.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from console.operations.heartbeat import worker_beat
from store.errors import LockgateError, words_of
from store.progress import Stop, never
from store.records.environment import Environment
from store.rules.shadow import running
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from console.controller.work_grading import GradingDesk
    from console.controller.work_shadow import ShadowDesk

EVERY_SECONDS = 1.0
_PRUNED_EVERY = timedelta(hours=1)
_TOLD_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Worked:
    """What one pass did."""

    graded: int = 0
    """Answers of users."""
    replayed: int = 0
    """Requests that a shadow answered."""
    ended: tuple[str, ...] = ()
    """Environments whose shadow came to its end."""
    problems: tuple[str, ...] = ()
    """One sentence for each thing that could not be done."""


class Worker:
    """Does what waits, pass by pass, and keeps what it opened. For one thread and one event loop."""

    def __init__(self, workspace: Workspace, stop: Stop = never) -> None:
        self._workspace = Workspace(workspace.root, workspace.clock)  # git objects stay in one thread
        self._stop = stop
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._grading: dict[str, GradingDesk] = {}
        self._shadows: dict[str, ShadowDesk] = {}
        self._pruned: datetime | None = None
        self._told: tuple[datetime, tuple[str, ...]] | None = None

    async def aclose(self) -> None:
        """Lets go of indexes, model servers and connections."""
        for grading in self._grading.values():
            await grading.aclose()
        for shadow in self._shadows.values():
            await shadow.aclose()
        self._grading, self._shadows = {}, {}

    async def go(self) -> Worked:
        """One pass. Never raises for one environment what would keep it from the others."""
        problems: list[str] = []
        snapshot = self._workspace.store.at()
        await self._prune(problems)
        graded, (replayed, ended) = await asyncio.gather(
            self._grade(snapshot, problems), self._replay(snapshot, problems)
        )
        self._tell(tuple(problems))
        return Worked(graded, replayed, ended, tuple(problems))

    def _tell(self, problems: tuple[str, ...]) -> None:
        """Leaves what goes wrong for `rollout status`; what has not changed is written only now and then."""
        now = self._workspace.clock.now()
        told = self._told
        if told is None or told[1] != problems or (problems and now - told[0] >= _TOLD_EVERY):
            worker_beat(self._workspace, problems)
            self._told = (now, problems)

    async def _grade(self, snapshot: Snapshot, problems: list[str]) -> int:
        from console.controller.work_grading import GradingDesk, gradings

        done = 0
        tasks = {one.environment: one for one in gradings(snapshot)}
        for environment, desk in list(self._grading.items()):
            task = tasks.get(environment)
            if task is None or task.rollout.attempt != desk.attempt:
                await self._grading.pop(environment).aclose()
        for environment, task in tasks.items():
            with _told(problems, f"answers in {environment} are not graded"):
                if environment not in self._grading:
                    self._grading[environment] = GradingDesk(self._workspace, snapshot, task, self._name)
                done += await self._grading[environment].work(task.rollout, self._stop)
        return done

    async def _replay(self, snapshot: Snapshot, problems: list[str]) -> tuple[int, tuple[str, ...]]:
        from console.controller.work_shadow import ShadowDesk
        from console.operations.shadow.verdicts import job_of

        done, ended = 0, []
        on = {one.name: found for one in snapshot.pointers().read if (found := running(one)) is not None}
        for environment, desk in list(self._shadows.items()):
            if environment not in on or job_of(on[environment]) != desk.job:
                await self._shadows.pop(environment).aclose()
        for pointer in snapshot.pointers().read:
            with _told(problems, f"the shadow in {pointer.name} is not ended"):
                if self._is_over(pointer) and self._end(snapshot, pointer):
                    ended.append(pointer.name)
                    on.pop(pointer.name, None)
        for environment, shadow in on.items():
            with _told(problems, f"nothing is replayed in {environment}"):
                if environment not in self._shadows:
                    self._shadows[environment] = ShadowDesk(
                        self._workspace, snapshot, environment, shadow, self._name
                    )
                done += await self._shadows[environment].work(shadow, self._stop)
        return done, tuple(ended)

    def _is_over(self, pointer: Environment) -> bool:
        return pointer.shadow is not None and pointer.shadow.until <= self._workspace.clock.now()

    def _end(self, snapshot: Snapshot, pointer: Environment) -> bool:
        """False where somebody else was faster."""
        from console.operations.apply import StalePlan, apply
        from console.operations.plan import Overtaken
        from console.operations.shadow.stop import over

        assert pointer.shadow is not None
        by = self._workspace.person.as_controller
        try:
            apply(self._workspace, over(snapshot, pointer.name, pointer.shadow, by), "its time is over")
        except (Overtaken, StalePlan):
            return False
        return True

    async def _prune(self, problems: list[str]) -> None:
        now = self._workspace.clock.now()
        if self._pruned is not None and now - self._pruned < _PRUNED_EVERY:
            return
        from console.operations.shadow.paths import envelopes_of, work_file_of

        with _told(problems, "sampled requests are not forgotten"):
            await asyncio.to_thread(envelopes_of(self._workspace).prune, now.timestamp())
            if (file := work_file_of(self._workspace)).path.exists():
                await asyncio.to_thread(file.prune, now.timestamp())
            self._pruned = now


@contextmanager
def _told(problems: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except (LockgateError, OSError) as error:
        problems.append(one_line(f"{what}: {error}", 400))


def work_once(workspace: Workspace, stop: Stop = never) -> Worked:
    """One pass, for cron and tests: everything is opened for it and closed after it."""

    async def once() -> Worked:
        worker = Worker(workspace, stop)
        try:
            return await worker.go()
        finally:
            await worker.aclose()

    return asyncio.run(once())


class Work:
    """The worker of a controller, in a thread of its own."""

    def __init__(self, workspace: Workspace, stopped: Event) -> None:
        self._workspace = workspace
        self._stopped = stopped
        self._ended = Event()
        self._thread: Thread | None = None
        self._problems: deque[str] = deque(maxlen=100)

    def go_on(self) -> tuple[str, ...]:
        """Begins, unless it has; what went wrong since it was last asked, each sentence once."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="work", daemon=True)
            self._thread.start()
        told: dict[str, None] = {}
        while self._problems:
            told[self._problems.popleft()] = None
        return tuple(told)

    def finish(self, seconds: float = 5.0) -> None:
        """Ends it, and waits for what is being done, at most `seconds`; a lease that is kept runs out."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        asyncio.run(self._loop())

    async def _loop(self) -> None:
        worker = Worker(self._workspace, self._is_over)
        try:
            while not self._is_over():
                await self._pass(worker)
                await asyncio.to_thread(self._ended.wait, EVERY_SECONDS)
        finally:
            await worker.aclose()

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._ended.is_set()

    async def _pass(self, worker: Worker) -> None:
        try:
            self._problems.extend((await worker.go()).problems)
        except Exception as error:  # a worker that gave up would leave flags unconfirmed
            self._problems.append(one_line(f"sampled requests are not worked on: {words_of(error)}", 400))
