"""One run of evals that the console began: it works in a thread, and is looked at from the screen."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic

from console.operations import evaluate
from console.operations.evaluate import Task
from console.screens.session import Session
from console.views.stage import CategoryProgress
from store.progress import Progress
from store.records.verdict import Verdict


class LiveRun:
    """A run under way. What it tells comes from its thread; reading it is always safe."""

    def __init__(self, session: Session, task: Task) -> None:
        self.task = task
        self.step = Progress("starting")
        self._session = session
        self._stop = threading.Event()
        self._began = monotonic()
        self._categories: dict[str, CategoryProgress] = {}

    @property
    def categories(self) -> tuple[CategoryProgress, ...]:
        """What is known of each category by now."""
        return tuple(dict(self._categories).values())

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return monotonic() - self._began

    def stop(self) -> None:
        """Asks it to stop; what was answered stays in its journal."""
        self._stop.set()

    async def verdict(self) -> Verdict:
        """Runs to the end. Raises Cancelled when it was stopped, else as `evaluate.run` does."""
        with self._session.doing(f"Evals of {self.task.release.id}"):
            return await self._session.work(self._run)

    def _run(self) -> Verdict:
        """In a thread of its own, with an event loop of its own: Chroma and graders may block there."""
        return asyncio.run(
            evaluate.run(
                self._session.workspace,
                self.task,
                report=self._reported,
                stop=lambda: self._stop.is_set() or self._session.closed,
                on_category=self._on_category,
            )
        )

    def _reported(self, step: Progress) -> None:
        self.step = step

    def _on_category(
        self, name: str, candidate: float | None, baseline: float | None, done: int, total: int
    ) -> None:
        self._categories[name] = CategoryProgress(name, candidate, baseline, done, total)
