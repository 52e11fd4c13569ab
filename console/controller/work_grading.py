"""Grades sampled answers of a rollout's two arms, and reports what it finds as an application would."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from console.controller.backlog import Backlog
from console.operations.arms import Bench
from console.operations.shadow.access import embedder_rate
from console.operations.shadow.passages import PassageTexts
from console.operations.shadow.paths import envelopes_of, work_file_of
from evals.answer import Answer
from evals.live.amending import amend
from evals.live.budget import Budget
from evals.live.capped import Rate
from evals.live.envelopes import Captured, Mark
from evals.live.grading import LiveGrade, LiveGrading
from evals.suite import parse_suite
from lockgate_client import Amendment, Observation, Reason, Resolution
from lockgate_client.envelope import share
from store.progress import Stop, never
from store.records.component import Kind
from store.records.environment import Environment
from store.records.rollout import Rollout
from store.snapshot import Snapshot
from store.workspace import Workspace

LEASE_SECONDS = 120.0
AGAIN_SECONDS = 60.0
"""Until an answer that a grader could not judge is tried again."""
QUEUE = 1_000
"""Answers that may wait; of more the oldest are dropped, and counted."""


@dataclass(frozen=True, slots=True)
class Task:
    """One rollout whose answers are to be graded now."""

    environment: str
    rollout: Rollout


def gradings(snapshot: Snapshot) -> list[Task]:
    """The rollouts whose answers are graded: those that serve users, and those that are watched."""
    return [
        Task(one.name, one.rollout)
        for one in snapshot.pointers().read
        if one.rollout is not None and _is_graded(one, one.rollout)
    ]


def _is_graded(environment: Environment, rollout: Rollout) -> bool:
    if not rollout.policy.graded_percent or not rollout.stages:
        return False
    if rollout.watch_until is not None:
        return environment.stable == rollout.release
    return rollout.active and rollout.percent > 0


class GradingDesk:
    """Everything that grading one attempt needs; opened when the first answer waits, and kept."""

    def __init__(self, workspace: Workspace, snapshot: Snapshot, task: Task, worker: str) -> None:
        self.attempt = task.rollout.attempt
        self._workspace = workspace
        self._snapshot = snapshot
        self._environment = task.environment
        self._worker = worker
        self._job = f"grade/{self.attempt}"
        self._file = work_file_of(workspace)
        self._envelopes = envelopes_of(workspace)
        self._backlog = Backlog(self._file, self._envelopes, task.environment, self._job)
        self._canary = snapshot.release(task.rollout.release)
        self._stable = snapshot.release(task.rollout.stable)
        self._stack = AsyncExitStack()
        self._opened: tuple[LiveGrading, PassageTexts, Rate] | None = None

    async def aclose(self) -> None:
        """Lets go of all of it."""
        self._opened = None
        await self._stack.aclose()

    async def work(self, rollout: Rollout, stop: Stop = never) -> int:
        """Grades what waits, as far as the caps allow; returns how many answers were graded.

        Raises InputError or MachineryError when nothing can be graded.
        """
        waiting = self._backlog.waiting(
            rollout.stages[0].generation, lambda mark: _belongs(mark, rollout), self._now(), QUEUE
        )
        if not waiting:
            return 0
        graders, _, _ = await self._open()
        if not graders.can_grade:
            self._file.settle(self._job, [one.request_id for one in waiting], "failed", self._now())
            return 0
        budget, done = self._budget(rollout), 0
        for mark in waiting:
            if stop() or not budget.has_room(1, 0):
                break
            if self._file.claim(self._job, mark.request_id, self._worker, self._now(), LEASE_SECONDS):
                if not await self._grade(mark, budget):
                    break
                done += 1
        return done

    async def _open(self) -> tuple[LiveGrading, PassageTexts, Rate]:
        if self._opened is None:
            # One yardstick for both arms: the suites of the release that is on trial.
            pins = self._canary.pins(Kind.EVALS)
            suites = [parse_suite(self._snapshot.files(pin), str(pin)) for pin in pins]
            bench = await self._stack.enter_async_context(Bench(self._workspace, self._snapshot))
            graders = LiveGrading(suites, bench.context(self._canary))
            rate = Rate()
            if graders.wants_embedder:
                rate = embedder_rate(self._workspace, self._snapshot, self._canary)
            passages = self._stack.enter_context(PassageTexts(self._workspace, self._snapshot))
            self._opened = (graders, passages, rate)
        return self._opened

    def _budget(self, rollout: Rollout) -> Budget:
        """What grading may cost; a "call" is one answer."""
        policy = rollout.policy
        return Budget(
            self._file,
            f"grade/{self._environment}",
            policy.graded_per_minute,
            policy.graded_usd_per_day,
            self._now,
        )

    async def _grade(self, mark: Mark, budget: Budget) -> bool:
        """False where a cap says no."""
        captured = self._envelopes.read(mark.id)
        if captured is None or captured.answer is None:
            self._file.settle(self._job, [mark.request_id], "failed", self._now())
            return True
        graders, _, rate = await self._open()
        answer = await self._answer(captured, captured.answer)
        texts = (answer.text, *(one.text for one in answer.retrieved))
        if budget.book(rate.usd(sum(len(text.encode()) for text in texts), 0)) is None:
            self._file.unclaim(self._job, mark.request_id, self._worker)
            return False
        said = await graders.grade(captured.input, answer, captured.retrieved is not None)
        await asyncio.to_thread(self._report, captured, said)
        if said.errors:
            self._file.release(self._job, mark.request_id, self._worker, self._now(), AGAIN_SECONDS)
        else:
            self._file.settle(self._job, [mark.request_id], "done", self._now())
        return True

    async def _answer(self, captured: Captured, text: str) -> Answer:
        graders, passages, _ = await self._open()
        if not captured.retrieved or not graders.wants_passages(captured.input):
            return Answer(text=text)
        release = self._canary if captured.mark.release == self._canary.id else self._stable
        return Answer(text, passages.find(release, captured.retrieved))

    def _report(self, captured: Captured, said: LiveGrade) -> None:
        if said.quality is said.harmful is said.confirmed is None:
            return
        found = Amendment(
            request_id=captured.mark.request_id,
            at=self._now(),
            environment=captured.environment,
            generation=captured.mark.generation,
            quality=said.quality,
            harmful=said.harmful,
            confirmed=said.confirmed,
            feedback=None,
            tokens=None,
            cost=None,
        )
        # Where requests are reported to Prometheus a score would have no request that it belongs to.
        unreported = [_observation(captured)] if self._workspace.settings.prometheus is not None else []
        amend(self._workspace.state / "observations.sqlite", [found], unreported)

    def _now(self) -> float:
        return self._workspace.clock.now().timestamp()


def _observation(captured: Captured) -> Observation:
    """The request that was graded, of which no more is known here than who was served what, and when."""
    mark = captured.mark
    reason: Reason = (
        "control" if mark.arm == "control" else "canary" if mark.arm == "canary" else "no rollout"
    )
    served = Resolution(
        mark.release, "canary" if mark.arm == "canary" else "stable", None, reason, mark.generation, {}
    )
    return Observation(
        request_id=mark.request_id,
        at=mark.at,
        environment=captured.environment,
        release=mark.release,
        arm=mark.arm,
        generation=mark.generation,
        unit=None if mark.unit is None else mark.unit.hex(),
        latency_ms=None,
        error=False,
        category=captured.category,
        quality=None,
        harmful=None,
        feedback=None,
        tokens=None,
        cost=None,
        resolution=served,
    )


def _belongs(mark: Mark, rollout: Rollout) -> bool:
    if share(mark.request_id) >= rollout.policy.graded_percent:
        return False
    if mark.arm == "control":
        return mark.release == rollout.stable
    return mark.release == rollout.release and (mark.arm == "canary" or rollout.watch_until is not None)
