"""How many requests are under way at once: the rule itself, and against a server that bears only a few."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.models.endpoint import Endpoint, EndpointError
from evals.models.lane import Lane, Lanes
from evals.models.retry import Limits, status_failure
from evals.models.window import Window
from store.records.versions import ModelPin
from tests.evals.server import MODEL, FaultServer

PIN = ModelPin(provider="openai", id=MODEL)
ASK = [{"role": "user", "content": "hello"}]
PATIENT = Limits(attempts=40, timeout_s=5, deadline_s=20, backoff_s=0.01, longest_wait_s=0.05)
HISTORY = st.lists(st.one_of(st.none(), st.floats(0, 10)), max_size=200)
"""None is an answer; a number is a refusal to a request that was sent so many seconds before."""


def after(history: list[float | None], ceiling: int) -> Window:
    window = Window.of(ceiling)
    for now, age in enumerate(history):
        window = window.succeeded() if age is None else window.throttled(now - age, float(now))
    return window


@given(HISTORY, st.integers(-3, 300))
def test_always_between_one_and_the_ceiling(history: list[float | None], ceiling: int) -> None:
    window = after(history, ceiling)
    assert 1 <= window.allowed <= window.size <= window.ceiling == max(1, ceiling)


@given(HISTORY, st.integers(1, 64))
def test_it_gets_back_to_the_ceiling_one_at_a_time(history: list[float | None], ceiling: int) -> None:
    window = after(history, ceiling)
    for _ in range(ceiling * ceiling * 2):
        grown = window.succeeded()
        assert window.size <= grown.size <= window.size + 1
        window = grown
    assert window.allowed == ceiling


@given(HISTORY, st.integers(2, 300), st.lists(st.floats(0.001, 5), min_size=1, max_size=50))
def test_a_burst_of_refusals_is_one_cut(history: list[float | None], ceiling: int, ages: list[float]) -> None:
    before = after(history, ceiling)
    once = before.throttled(1_000.0, 1_001.0)
    assert once.size == max(1.0, before.size / 2)
    more = once
    for age in ages:
        more = more.throttled(1_001.0 - age, 1_002.0)
    assert more == once
    assert once.throttled(1_003.0, 1_004.0).size == max(1.0, once.size / 2)


@pytest.mark.parametrize(("status", "everyone"), [(429, True), (503, True), (500, False), (408, False)])
def test_what_says_that_it_is_too_much(status: int, everyone: bool) -> None:
    assert status_failure(status, {}, "x").everyone is everyone
    assert status_failure(status, {"retry-after-ms": "1500", "retry-after": "9"}, "x").wait_s == 1.5


async def test_a_server_that_bears_three_is_asked_by_about_three() -> None:
    with FaultServer(bears=3, delay_s=0.01) as server:
        lane = Lane(16)
        async with Endpoint(PIN, server.url(), limits=PATIENT, lane=lane) as endpoint:
            answers = await asyncio.gather(*(endpoint.complete(ASK) for _ in range(200)))
        assert len(answers) == 200 and all(one.text == "ok hello" for one in answers)
        assert server.refused < 120  # 16 at once without a limit that learns: nearly all are refused at first
        assert lane.allowed <= 7


async def test_both_arms_and_the_judge_share_one_limit() -> None:
    lanes = Lanes(4)
    with FaultServer(delay_s=0.01) as server:
        lane = lanes.of(server.url(), "key")
        assert lanes.of(server.url() + "/", "key") is lane
        assert lanes.of(server.url(), "other") is not lane
        endpoints = [Endpoint(PIN, server.url(), "key", lane=lane) for _ in range(3)]
        await asyncio.gather(*(endpoint.complete(ASK) for endpoint in endpoints * 10))
        for endpoint in endpoints:
            await endpoint.aclose()
        assert server.most_at_once == 4


async def test_to_stand_in_line_is_no_failure() -> None:
    limits = Limits(attempts=1, timeout_s=5, deadline_s=0.3)
    with FaultServer(delay_s=0.05) as server:
        async with Endpoint(PIN, server.url(), limits=limits, lane=Lane(1)) as endpoint:
            answers = await asyncio.gather(*(endpoint.complete(ASK) for _ in range(12)))
    assert len(answers) == 12 and server.most_at_once == 1


async def test_a_wait_that_outlasts_the_deadline_is_a_failure_that_says_so() -> None:
    limits = Limits(attempts=2, timeout_s=1, deadline_s=1, longest_wait_s=30)
    with FaultServer() as server:
        async with Endpoint(PIN, server.url("429-long"), limits=limits) as endpoint:
            with pytest.raises(EndpointError, match="too many requests"):
                await endpoint.complete(ASK)
            with pytest.raises(EndpointError, match=r"asked to be left alone for over 1 seconds"):
                await endpoint.complete(ASK)
        assert len(server.requests) == 1


async def test_a_place_is_given_back_by_who_leaves_the_line() -> None:
    lane = Lane(1)
    await lane.enter()
    waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    lane.leave()  # the second gets the place, and is cancelled in the same moment
    waiting[1].cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, True, False]
    lane.leave()
    async with asyncio.timeout(1):
        await lane.enter()
