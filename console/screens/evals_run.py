"""Evals on the stage screen: running with bars, then the verdict."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from typing import Literal

from textual.message import Message
from textual.timer import Timer

from console.operations import stage
from console.operations.stage import Composition
from console.screens.message import MessagePanel
from console.screens.session import Session
from console.views.stage import CategoryProgress, judged_lines, running_lines
from console.views.trouble import trouble_lines
from console.widgets.pane import Pane
from store.errors import Cancelled
from store.progress import Progress
from store.records.verdict import Verdict


class EvalsRun(Pane):
    """Owns one run at a time. What it reports comes from its thread and is drawn four times a second."""

    class Changed(Message):
        """A run began or ended, or its verdict does not count any more."""

    def __init__(self, session: Session, *, id: str) -> None:
        super().__init__(id=id)
        self._session = session
        self._digest: str | None = None
        self._stop = threading.Event()
        self._categories: dict[str, CategoryProgress] = {}
        self._step = Progress("starting")
        self._began = 0.0
        self._timer: Timer | None = None
        self.verdicts: tuple[Verdict, ...] = ()
        """Of the composition that is followed; empty before a run."""

    @property
    def running(self) -> bool:
        """Whether evals are running."""
        return self._timer is not None

    @property
    def visible_now(self) -> bool:
        """Whether there is something to see."""
        return self.running or bool(self.verdicts)

    @property
    def outcome(self) -> Literal["pass", "block", "inconclusive"] | None:
        """The first environment's verdict, or None."""
        return self.verdicts[0].outcome if self.verdicts else None

    def follow(self, composition: Composition | None) -> None:
        """Verdicts count for the components they were made with; others are dropped."""
        digest = composition.release.digest if composition else None
        if digest != self._digest and not self.running:
            self._digest, self.verdicts = digest, ()
            self.post_message(self.Changed())

    def begin(self, composition: Composition) -> None:
        """Runs the gate on `composition`."""
        self._digest, self.verdicts = composition.release.digest, ()
        self._categories, self._step = {}, Progress("starting")
        self._stop = threading.Event()
        self._began = monotonic()
        self._timer = self.set_interval(0.25, self._draw)
        self._draw()
        self.post_message(self.Changed())
        self.app.run_worker(self._run(composition), group="evals", exit_on_error=False)

    def stop(self) -> None:
        """Asks the run to stop."""
        self._stop.set()

    async def _run(self, composition: Composition) -> None:
        trouble: Exception | None = None
        try:
            with self._session.doing(f"Evals of {composition.release.id}"):
                self.verdicts = await self._session.work(self._judge, composition)
        except Cancelled:
            self.app.notify("Evals were stopped; what was answered is kept for the next run.", markup=False)
        except Exception as error:
            trouble = error
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.show(judged_lines(self.verdicts, needs_gate=True))
        self.post_message(self.Changed())
        if trouble is not None:
            self.app.push_screen(MessagePanel("Evals did not finish", trouble_lines(trouble)))

    def _judge(self, composition: Composition) -> tuple[Verdict, ...]:
        """In a thread of its own, with an event loop of its own: Chroma and graders may block there."""
        return asyncio.run(
            stage.gate(
                self._session.workspace,
                composition,
                report=self._reported,
                stop=lambda: self._stop.is_set() or self._session.closed,
                on_category=self._on_category,
            )
        )

    def _reported(self, step: Progress) -> None:
        self._step = step

    def _on_category(
        self, name: str, candidate: float | None, baseline: float | None, done: int, total: int
    ) -> None:
        self._categories[name] = CategoryProgress(name, candidate, baseline, done, total)

    def _draw(self) -> None:
        categories = tuple(dict(self._categories).values())
        self.show(running_lines(categories, self._step, monotonic() - self._began), keep=True)
