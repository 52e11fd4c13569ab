"""Answers sampled requests with a shadow's release, and a part of them with stable again."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from console.controller.backlog import Backlog
from console.operations.shadow.access import rate_of
from console.operations.shadow.paths import envelopes_of, work_file_of
from console.operations.shadow.replays import Replays, suites_of
from console.operations.shadow.verdicts import budget_of, job_of
from evals.answer import Answer
from evals.judge.pairs import PairJudge
from evals.live.alike import compared
from evals.live.asking import asked
from evals.live.capped import OVER_CAP, Rate
from evals.live.comparison import ComparedArm, Comparison, insert
from evals.live.envelopes import Captured, Mark
from evals.live.grading import LiveGrading
from evals.live.pairwise import preferred
from evals.live.work_file import settle
from evals.models.endpoint import EndpointError
from evals.pipeline import Pipeline
from lockgate_client.envelope import share
from store.errors import InputError, LockgateError, MachineryError
from store.progress import Stop, never
from store.records.component import Kind
from store.records.release import Release
from store.rules.shadow import Running
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

AGAIN_SECONDS = 60.0
"""Until what a machine's trouble kept from being answered is tried again."""
_CAPPED_SECONDS = 15.0
"""Until a request is tried again for which there was not money enough."""
_PASS_SECONDS = 20.0
"""After so long a pass begins nothing more, so that the next one sees what changed."""
_SALT = b"lockgate/again/1\0"


@dataclass(frozen=True, slots=True)
class _Opened:
    """What answers and what judges."""

    pipelines: dict[ComparedArm, Pipeline]
    rates: dict[ComparedArm, Rate]
    graders: LiveGrading
    judge: PairJudge | None


class _Stopped(Exception):
    """Nothing more is to be begun in this pass; says why where it is a problem."""


class ShadowDesk:
    """Everything that one shadow needs; opened when the first request waits, and kept."""

    def __init__(
        self, workspace: Workspace, snapshot: Snapshot, environment: str, shadow: Running, worker: str
    ) -> None:
        self.job = job_of(shadow)
        self._workspace = workspace
        self._snapshot = snapshot
        self._environment = environment
        self._shadow = shadow
        self._worker = worker
        self._file = work_file_of(workspace)
        self._envelopes = envelopes_of(workspace)
        self._backlog = Backlog(self._file, self._envelopes, environment, self.job)
        self._budget = budget_of(workspace, environment, shadow)
        self._candidate = snapshot.release(shadow.release)
        self._stable = snapshot.release(shadow.stable)
        self._stack = AsyncExitStack()
        self._opened: _Opened | None = None
        self._resume_at = 0.0
        self._units: set[bytes] = set()
        self._counted = 0

    async def aclose(self) -> None:
        """Lets go of all of it."""
        self._opened = None
        await self._stack.aclose()

    async def work(self, shadow: Running, stop: Stop = never) -> int:
        """Answers what waits, as far as the caps allow; returns how many requests were replayed.

        Raises InputError or MachineryError when nothing can be answered.
        """
        self._shadow = shadow
        if self._now() < self._resume_at:
            return 0
        waiting = self._waiting()
        if not waiting:
            return 0
        await self._open()
        queue = iter(waiting)
        done: list[int] = []
        end = asyncio.get_running_loop().time() + _PASS_SECONDS
        halted: list[_Stopped] = []

        async def work() -> None:
            for mark in queue:
                if stop() or halted or asyncio.get_running_loop().time() > end:
                    return
                try:
                    done.append(await self._replay(mark))
                except _Stopped as reason:
                    halted.append(reason)
                except LockgateError as error:
                    halted.append(_Stopped(error.message))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(shadow.policy.concurrency, len(waiting))):
                group.create_task(work())
        if halted and (reason := str(halted[0])):
            self._resume_at = self._now() + AGAIN_SECONDS
            raise MachineryError(f"the shadow of {shadow.release} in {self._environment}: {reason}")
        return sum(done)

    def _waiting(self) -> list[Mark]:
        """Oldest first, one for each user."""
        now = self._now()
        shadow = self._shadow
        waiting: list[Mark] = []
        repeats: list[str] = []
        found = self._backlog.waiting(shadow.generation, self._belongs, now, shadow.policy.queue)
        if found:
            more, self._counted = self._file.units(self.job, self._counted)
            self._units |= more
        units = set(self._units)
        for mark in found:
            if mark.unit is None or mark.unit not in units:
                waiting.append(mark)
            else:
                repeats.append(mark.request_id)
            if mark.unit is not None:
                units.add(mark.unit)
        if repeats:
            self._file.settle(self.job, repeats, "repeat", now)
        return waiting

    def _belongs(self, mark: Mark) -> bool:
        return mark.release == self._shadow.stable and share(mark.request_id) < self._shadow.percent

    async def _open(self) -> _Opened:
        if self._opened is None:
            deadline_s = self._shadow.policy.deadline_s
            replays = Replays(self._workspace, self._snapshot, self._budget, deadline_s)
            await self._stack.enter_async_context(replays)
            pipelines: dict[ComparedArm, Pipeline] = {
                "candidate": await replays.replayed(self._candidate),
                "again": await replays.replayed(self._stable),
            }
            graders = LiveGrading(
                suites_of(self._snapshot, self._candidate), replays.context(self._candidate)
            )
            self._opened = _Opened(
                pipelines=pipelines,
                rates={"candidate": self._rate(self._candidate), "again": self._rate(self._stable)},
                graders=graders,
                judge=await replays.pair_judge(self._candidate, self._stable),
            )
        return self._opened

    async def _replay(self, mark: Mark) -> int:
        """1 where the request was replayed, 0 where it is not to be. Raises _Stopped."""
        again = is_asked_again(mark.request_id, self._shadow.policy.again_percent)
        opened = await self._open()
        calls = 1 + again * (3 if opened.judge is not None else 1)
        if not self._budget.has_room(min(calls, self._shadow.policy.cap_rpm), 0):
            raise _Stopped
        # Two answers and a judge's word, each with its deadline, and the grading after them.
        lease = 3 * self._shadow.policy.deadline_s + 60
        if not self._file.claim(self.job, mark.request_id, self._worker, self._now(), lease):
            return 0
        captured = self._envelopes.read(mark.id)
        if captured is None or captured.answer is None or not _can_be_asked(captured):
            self._file.settle(self.job, [mark.request_id], "failed", self._now())
            return 0
        rows = await self._rows(captured, again)
        with self._file.transaction() as connection:
            insert(connection, self.job, rows)
            settle(connection, self.job, [mark.request_id], "done", self._now())
        return 1

    async def _rows(self, captured: Captured, again: bool) -> list[Comparison]:
        request_id = captured.mark.request_id
        try:
            answer = await self._answered("candidate", captured)
            if answer.error == OVER_CAP:
                self._file.unclaim(self.job, request_id, self._worker)
                self._resume_at = self._now() + _CAPPED_SECONDS
                raise _Stopped
            rows = [await self._compared("candidate", captured, answer)]
            if again:
                second = await self._answered("again", captured)
                if second.error != OVER_CAP:
                    rows = [
                        replace(rows[0], preferred=await self._preferred(captured, answer, second)),
                        await self._compared("again", captured, second),
                    ]
            return rows
        except LockgateError as error:  # not the release's fault: nothing is said of it
            self._file.release(self.job, request_id, self._worker, self._now(), AGAIN_SECONDS)
            raise _Stopped(one_line(error.message, 400)) from None

    async def _answered(self, arm: ComparedArm, captured: Captured) -> Answer:
        """What a release answers within the deadline. Raises EndpointError where nothing would answer."""
        opened, deadline_s = await self._open(), self._shadow.policy.deadline_s
        question, variables, history = asked(captured.input)
        try:
            async with asyncio.timeout(deadline_s):
                return await opened.pipelines[arm].ask(question, variables, history)
        except TimeoutError:
            return Answer(error=f"no answer came within {deadline_s:g} seconds.")
        except InputError as error:  # this release cannot be asked that
            return Answer(error=error.message)

    async def _compared(self, arm: ComparedArm, captured: Captured, answer: Answer) -> Comparison:
        opened = await self._open()
        grade = await opened.graders.grade(captured.input, answer) if answer.error is None else None
        usd, now = opened.rates[arm].usd(answer.prompt_tokens, answer.completion_tokens), self._now()
        embed = opened.graders.context.embed
        try:
            return await asyncio.to_thread(compared, arm, captured, answer, grade, embed, usd, now)
        except LockgateError as error:
            if error.message != OVER_CAP:
                raise
            return compared(arm, captured, answer, grade, None, usd, now)  # likeness was too dear

    async def _preferred(self, captured: Captured, answer: Answer, second: Answer) -> int | None:
        """1 where a judge prefers `answer` to stable's `second` one, -1 where not, 0 for a tie; None where it
        does not say. Raises EndpointError where it will say nothing of any."""
        opened = await self._open()
        if opened.judge is None or answer.error is not None or second.error is not None:
            return None
        question, _, _ = asked(captured.input)
        try:
            async with asyncio.timeout(self._shadow.policy.deadline_s):
                said = await preferred(opened.judge, question, answer.text, second.text)
        except EndpointError as error:
            if error.hopeless:
                raise
            return None
        except (LockgateError, TimeoutError):
            return None
        return {"candidate": 1, "stable": -1, "tie": 0}[said]

    def _rate(self, release: Release) -> Rate:
        (pin,) = release.pins(Kind.MODEL)
        return rate_of(self._workspace.settings, self._snapshot.model(pin))

    def _now(self) -> float:
        return self._workspace.clock.now().timestamp()


def is_asked_again(request_id: str, percent: float) -> bool:
    """Whether stable answers `request_id` once more, as `percent` of the replayed requests are."""
    digest = hashlib.sha256(_SALT + request_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * 100 < percent * 2**64


def _can_be_asked(captured: Captured) -> bool:
    try:
        asked(captured.input)
    except InputError:
        return False
    return True
