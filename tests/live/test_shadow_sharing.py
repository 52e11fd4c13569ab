"""What workers share: claims given once, caps that hold for all; and what a live document carries."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.live.budget import DAY, MINUTE, Budget
from evals.live.capped import CappedEmbedder, Rate
from evals.live.work_file import TRIES, WorkFile
from store.errors import MachineryError
from store.records.base import Person
from store.records.environment import Environment
from store.records.rollout import Rollout, Stage
from store.records.rollout_policy import RolloutPolicy, Step
from store.records.shadow import Shadow
from store.records.versions import EmbedderIdentity
from store.rules.shadow import carried, rests, running, started, stopped

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA = Person(name="Ana")
ONE, TWO = "01JN0000000000000000000001", "01JN0000000000000000000002"


@pytest.fixture
def file(tmp_path: Path) -> WorkFile:
    return WorkFile(tmp_path / "state" / "work.sqlite")


def test_each_request_is_given_to_one_worker(file: WorkFile) -> None:
    ids = [f"r{number}" for number in range(60)]
    ready = threading.Barrier(4)

    def work(name: str) -> list[str]:
        ready.wait()
        return [one for one in ids if file.claim("job", one, name, 1000.0, 60)]

    with ThreadPoolExecutor(4) as pool:
        taken = [one for mine in pool.map(work, "abcd") for one in mine]
    assert sorted(taken) == sorted(ids)


def test_a_lease_that_ran_out_is_taken_up_and_not_for_ever(file: WorkFile) -> None:
    now = 1000.0
    for attempt in range(TRIES):
        assert file.claim("job", "r", f"w{attempt}", now, 60)
        assert not file.claim("job", "r", "other", now + 59, 60)
        assert file.states_of("job", ["r", "s"], now + 59) == {"r": "working"}
        now += 61
        assert file.states_of("job", ["r"], now) == {}
    assert not file.claim("job", "r", "last", now, 60)
    assert file.states("job") == {"failed": 1}


def test_a_claim_for_which_nothing_was_tried_costs_no_try(file: WorkFile) -> None:
    for _ in range(TRIES + 5):
        assert file.claim("job", "r", "w", 1000.0, 60)
        file.unclaim("job", "r", "w")
    assert file.states("job") == {}
    file.claim("job", "r", "w", 1000.0, 60)
    file.release("job", "r", "w", 1000.0, 30)
    assert not file.claim("job", "r", "v", 1029.0, 60) and file.claim("job", "r", "v", 1031.0, 60)


def test_caps_hold_for_all_workers_together(file: WorkFile) -> None:
    budget = Budget(file, "shadow/production", 20, 1.0, lambda: 1000.0)
    other = Budget(file, "shadow/staging", 20, 1.0, lambda: 1000.0)
    with ThreadPoolExecutor(4) as pool:
        booked = [one for one in pool.map(lambda _: budget.book(0.01), range(60)) if one is not None]
    assert len(booked) == 20 and budget.spent().calls_last_minute == 20
    assert not budget.has_room(1, 0) and other.has_room(20, 1.0)


def test_money_comes_back_when_a_call_cost_less_and_after_a_day(file: WorkFile) -> None:
    clock = [1000.0]
    budget = Budget(file, "b", 1000, 1.0, lambda: clock[0])
    first = budget.book(0.9)
    assert first is not None and budget.book(0.2) is None
    budget.correct(first, 0.1)
    assert budget.book(0.9) is not None and budget.book(0.01) is None
    clock[0] += MINUTE + 1
    assert budget.spent().calls_last_minute == 0 and budget.book(0.01) is None
    clock[0] += DAY
    assert budget.book(1.0) is not None
    clock[0] -= 2 * DAY  # a clock that was set back spends nothing twice
    assert budget.book(0.01) is None


def test_an_embedder_that_costs_is_not_called_past_the_cap(file: WorkFile) -> None:
    called: list[int] = []

    class Costly:
        identity = EmbedderIdentity(name="openai:x", dimension=1)

        def embed(self, texts: object) -> object:
            called.append(1)
            return texts

    budget = Budget(file, "b", 2, 1.0, lambda: 1000.0)
    capped = CappedEmbedder(Costly(), Costly.identity, budget, Rate(1.0, 0.0))  # type: ignore[arg-type]
    capped.embed(["one"])
    capped.embed(["two"])
    with pytest.raises(MachineryError, match="cap"):
        capped.embed(["three"])
    assert len(called) == 2


def test_a_file_of_another_program_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "work.sqlite").write_bytes(b"not a database, and long enough to be looked at" * 50)
    with pytest.raises(MachineryError, match="move it away"):
        WorkFile(tmp_path / "work.sqlite").states("job")


def shadow(release: str = "r9") -> Shadow:
    return Shadow(
        attempt=ONE, release=release, percent=10, generation=5, since=AT, until=AT + timedelta(days=7), by=ANA
    )


POLICY = RolloutPolicy(
    steps=(Step(percent=20, shadow=True), Step(percent=50), Step(percent=100)), graded_percent=30
)


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    """Any pointer that can come about."""
    rollout = None
    state = draw(st.sampled_from(("none", "pending", "shadow step", "half", "watched", "aborted")))
    if state != "none":
        step = {"pending": -1, "shadow step": 0, "half": 1}.get(state, 2)
        rollout = Rollout(
            attempt=TWO,
            release="r2",
            stable="r1",
            state={"pending": "pending", "watched": "succeeded", "aborted": "aborted"}.get(
                state, "progressing"
            ),  # type: ignore[arg-type]
            policy=POLICY,
            step=step,
            percent=50 if state == "half" else 0,
            shadow_percent=20 if state == "shadow step" else 0,
            salt="salt",
            stages=() if step < 0 else (Stage(step=max(step, 0), generation=3, percent=0, since=AT),),
            by=ANA,
            started_at=AT,
            since=AT,
            watch_until=AT if state == "watched" else None,
        )
    of_its_own = draw(st.sampled_from((None, "r1", "r2", "r9")))
    return Environment(
        name="production",
        generation=7,
        stable="r2" if state == "watched" else "r1",
        rollout=rollout,
        shadow=None if of_its_own is None else shadow(of_its_own),
    )


@given(environments())
@settings(max_examples=100)
def test_what_a_document_carries_is_whole_and_serves_nobody_for_a_shadow(environment: Environment) -> None:
    found, on = carried(environment), running(environment)
    if found.release is None:
        assert found.percent == found.shadow_percent == 0
    else:
        assert found.salt and (found.percent > 0) != (found.shadow_percent > 0)
        assert found.release != environment.stable
    assert (on is not None) == (found.shadow_percent > 0)
    if on is not None:
        assert (on.release, on.percent) == (found.release, found.shadow_percent)
        assert found.percent == 0
    if environment.shadow is not None and (on is None or on.attempt != ONE):
        assert rests(environment)
    assert (found.captured_percent > 0) == (
        environment.rollout is not None
        and (environment.rollout.percent > 0 or environment.rollout.watch_until is not None)
    )


@given(environments())
@settings(max_examples=30)
def test_beginning_and_ending_move_one_generation_and_touch_nothing_else(environment: Environment) -> None:
    begun = started(environment, shadow(), TWO)
    over = stopped(begun, ONE)
    assert (begun.generation, over.generation) == (8, 9) and over.shadow is None
    same = {"generation": 7, "record": None, "shadow": environment.shadow}
    assert over.model_copy(update=same) == environment


def test_whoever_makes_the_file_may_take_a_while(file: WorkFile) -> None:
    file.path.parent.mkdir()
    other = sqlite3.connect(file.path, isolation_level=None, check_same_thread=False)
    other.execute("begin exclusive")
    ended = threading.Timer(0.8, lambda: other.execute("rollback"))
    ended.start()
    assert file.claim("job", "r", "a", 1000.0, 60)
    ended.join()
    other.close()
