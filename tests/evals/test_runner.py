"""The runner: bounded, stoppable, and it gives up when nothing works."""

import asyncio

import pytest

from evals.answer import Answer
from evals.case import Case
from evals.models.endpoint import EndpointError
from evals.runner import HOPELESS_AFTER, Graded, Job, run
from store.bounded import validate
from store.errors import Cancelled, InputError, MachineryError


def case(number: int) -> Case:
    data = {"id": f"c{number}", "input": f"q{number}", "category": "x"}
    return validate(Case, {**data, "expect": [{"grader": "contains", "any": ["yes"]}]}, "c")


class Scripted:
    """Answers by a function of the case's id and the repeat."""

    def __init__(self, say=lambda _id, _repeat: Answer("yes")) -> None:
        self.say = say
        self.at_once = self.most_at_once = 0
        self.asked: list[tuple[str, int]] = []

    async def answer(self, case: Case, repeat: int) -> Answer:
        self.asked.append((case.id, repeat))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = self.say(case.id, repeat)
        if isinstance(answer, Exception):
            raise answer
        return answer


def jobs(target: Scripted, count: int, repeats: tuple[int, ...] = (1,)) -> list[Job]:
    return [Job("candidate", target, case(number), repeats) for number in range(count)]


async def test_every_job_once_and_not_more_at_once_than_allowed() -> None:
    target, seen = Scripted(), list[Graded]()
    await run(jobs(target, 40, (1, 2)), seen.append, concurrency=5)
    assert sorted(target.asked) == sorted((f"c{n}", r) for n in range(40) for r in (1, 2))
    assert target.most_at_once == 5
    assert len(seen) == 80
    assert all(one.score.score == 1.0 for one in seen)


async def test_errors_have_no_score_and_the_rest_goes_on() -> None:
    target = Scripted(lambda id, _: Answer(error="500.") if id == "c3" else Answer("no"))
    seen = list[Graded]()
    await run(jobs(target, 6), seen.append, concurrency=1)
    scores = {one.case.id: one.score.score for one in seen}
    assert scores == {"c0": 0.0, "c1": 0.0, "c2": 0.0, "c3": None, "c4": 0.0, "c5": 0.0}


async def test_it_gives_up_when_nothing_works() -> None:
    target = Scripted(lambda *_: Answer(error="connection refused."))
    with pytest.raises(
        MachineryError, match=rf"first {HOPELESS_AFTER} answers all failed.*connection refused"
    ):
        await run(jobs(target, 500), lambda _: None, concurrency=4)
    assert len(target.asked) < 30


@pytest.mark.parametrize(
    "error", [EndpointError("bad key", 1, True), InputError("no value"), ValueError("bug")]
)
async def test_what_concerns_every_case_ends_the_run(error: Exception) -> None:
    target = Scripted(lambda id, _: error if id == "c5" else Answer("yes"))
    with pytest.raises(type(error)) as caught:
        await run(jobs(target, 100), lambda _: None, concurrency=4)
    assert caught.value is error
    assert len(target.asked) < 20


async def test_it_stops_in_the_middle_of_an_answer() -> None:
    class Endless:
        started = asyncio.Event()
        ended = False

        async def answer(self, _case: Case, _repeat: int) -> Answer:
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True
            return Answer()

    target = Endless()
    asked = [Job("candidate", target, case(1), (1,))]
    async with asyncio.timeout(5):
        with pytest.raises(Cancelled):
            await run(asked, lambda _: None, concurrency=2, stop=target.started.is_set)
    assert target.ended


async def test_a_stop_before_the_start_asks_nothing() -> None:
    target = Scripted()
    with pytest.raises(Cancelled):
        await run(jobs(target, 3), lambda _: None, concurrency=2, stop=lambda: True)
    assert not target.asked


async def test_no_jobs() -> None:
    await run([], lambda _: None, concurrency=4)
