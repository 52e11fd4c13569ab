"""Runs cases against targets, a bounded number at once, and grades what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evals.answer import Answer
from evals.case import Case
from evals.graders.base import GradeContext
from evals.graders.grading import CaseScore, grade
from evals.target import Target
from store.errors import Cancelled, LockgateError, MachineryError
from store.progress import Stop, check, never

ArmName = Literal["candidate", "baseline"]
HOPELESS_AFTER = 12
"""Failures from the very first answer on, without a success between, that end a run."""
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Job:
    """One case to be answered by one arm, once or more, one answer after the other.

    One after the other because a model server still has the beginning of the prompt in its cache then.
    """

    arm: ArmName
    target: Target
    case: Case
    repeats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graded:
    """One answer and its score."""

    arm: ArmName
    case: Case
    repeat: int
    answer: Answer
    score: CaseScore


async def run(
    jobs: Sequence[Job],
    seen: Callable[[Graded], None],
    *,
    concurrency: int,
    context: GradeContext | None = None,
    stop: Stop = never,
    halt: Stop = never,
) -> None:
    """Does all `jobs`, at most `concurrency` at once, and calls `seen` with each answer as it comes.

    When `halt` says so, nothing new is begun and what is under way is finished. Raises Cancelled when
    `stop` says so, and MachineryError when nothing but failures comes back.
    """
    check(stop, "The evals")
    waiting = iter(jobs)
    failures = _Failures()
    graders = context or GradeContext()
    try:
        async with asyncio.TaskGroup() as group:
            workers = []
            for _ in range(max(1, min(concurrency, len(jobs)))):
                workers.append(group.create_task(_work(waiting, seen, graders, failures, halt)))
                await asyncio.sleep(0)  # the first request is on its way before the last is made
            watcher = group.create_task(_watch(stop))
            await asyncio.wait(workers)
            watcher.cancel()
    except BaseExceptionGroup as error:
        raise _telling(error) from None


class _Failures:
    """Notices a run in which nothing works."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._worked = False

    def note(self, error: str | None) -> None:
        if error is None:
            self._worked = True
        elif not self._worked:
            self._in_a_row += 1
            if self._in_a_row >= HOPELESS_AFTER:
                raise MachineryError(f"the first {self._in_a_row} answers all failed; the last: {error}")


async def _work(
    waiting: Iterator[Job],
    seen: Callable[[Graded], None],
    context: GradeContext,
    failures: _Failures,
    halt: Stop,
) -> None:
    for job in waiting:
        for repeat in job.repeats:
            if halt():
                return
            answer = await job.target.answer(job.case, repeat)
            score = await grade(job.case, answer, replace(context, repeat=repeat))
            seen(Graded(job.arm, job.case, repeat, answer, score))
            failures.note(answer.error)


async def _watch(stop: Stop) -> None:
    while True:
        check(stop, "The evals")
        await asyncio.sleep(_LOOK_SECONDS)


def _telling(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that says most: a person's wish first, then what we raise on purpose."""
    errors = list(_leaves(group))
    for kind in (Cancelled, LockgateError):
        chosen = next((error for error in errors if isinstance(error, kind)), None)
        if chosen is not None:
            return chosen
    return errors[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
