"""Patterns and schemas that would not end are stopped, and cost the answer nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from evals.answer import Answer
from evals.case import Case
from evals.graders import GradeContext, grade, killable, process
from store.errors import InputError, MachineryError

ENDLESS = r"(a+)+$"
VICTIM = "a" * 5000 + "!"


def case(spec: Mapping[str, object]) -> Case:
    return Case.model_validate_json(
        json.dumps({"id": "c1", "input": "x", "expect": [spec], "category": "safety"})
    )


def test_an_endless_search_is_killed_and_the_next_one_works() -> None:
    started = time.monotonic()
    with pytest.raises(MachineryError, match=r"stopped after 0\.3 s"):
        killable.search(ENDLESS, VICTIM, timeout_s=0.3)
    assert time.monotonic() - started < 30
    assert killable.search("b", "abc") is True
    assert killable.search("d", "abc") is False


async def test_an_endless_pattern_is_an_error_not_a_failed_answer() -> None:
    found = await grade(case({"grader": "regex", "pattern": ENDLESS}), Answer(text=VICTIM), GradeContext())
    assert (found.score, found.passed) == (None, None)
    assert found.error is not None and "stopped after 1 s" in found.error


def test_an_endless_pattern_in_a_schema_is_killed_too() -> None:
    with pytest.raises(MachineryError, match="stopped"):
        killable.schema_violation({"pattern": ENDLESS}, VICTIM, timeout_s=2.0)


async def test_a_schema_that_refers_to_itself_for_ever_gives_no_score() -> None:
    spec = {"grader": "json_schema", "schema": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}}
    found = await grade(case(spec), Answer(text="{}"), GradeContext())
    assert found.score is None


def test_large_texts_and_any_characters_arrive_whole() -> None:
    text = "x" * 300_000 + "\x00\ud800 é\n"
    assert killable.search(r"\x00\ud800 é\n\Z", text, timeout_s=30.0)


def test_a_pattern_that_is_none_is_an_input_error() -> None:
    with pytest.raises(InputError, match="cannot be searched for"):
        killable.search("(", "x")
    with pytest.raises(InputError, match="not a regular expression"):
        killable.check_pattern("a{99999999999999}")
    with pytest.raises(InputError, match="2,000"):
        killable.search("a" * 2001, "x")


def test_a_worker_that_died_is_replaced() -> None:
    assert killable.search("a", "a")
    running = killable._worker._process
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    assert killable.search("a", "a")


def test_many_threads_share_it() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: killable.search(f"^{n}$", str(n % 7), 30.0), range(60)))
    assert [n for n, hit in enumerate(found) if hit] == list(range(7))


def test_an_interrupted_question_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert killable.search("a", "a")

    def interrupted(*_: object) -> dict[str, object]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(process, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            killable.search("a", "a")
    assert killable.search("a", "b") is False
