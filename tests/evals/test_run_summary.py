"""A run's verdict follows from its journal alone, wherever and however often it was interrupted."""

import asyncio
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from evals.answer import Answer
from evals.case import Case
from evals.evaluate import Arm, evaluate, evaluation_of
from evals.outcome import Evaluation
from evals.running.following import Course, summary
from evals.running.journal import Journal, entries, read_lines
from evals.running.lines import Entry, Key, Start
from evals.suite import Suite, parse_suite
from store.clock import FixedClock

AT = datetime(2026, 3, 1, tzinfo=UTC)
START = Start(run="f" * 64, at=AT, release="r2", baseline="r1", tier="full")
SIZES = {"firm": 60, "shaky": 55, "small": 12}


class Says:
    """The worse, the more often no; `shaky` cases change their answer from repeat to repeat."""

    def __init__(self, worse: int) -> None:
        self.worse = worse

    async def answer(self, case: Case, repeat: int) -> Answer:
        category, _, number = case.id.rpartition("-")
        place = int(number)
        if (category, place, repeat) == ("firm", 50, 1):
            return Answer(error="the endpoint failed.")
        shaky = (
            category == "shaky"
            and place < 12
            and random.Random(f"{self.worse}{place}{repeat}").random() < 0.5
        )
        return Answer("no" if shaky or place < self.worse else "yes")


def suite() -> Suite:
    lines = (
        {
            "id": f"{category}-{number}",
            "input": f"{category} {number}",
            "category": category,
            "expect": [{"grader": "contains", "any": ["yes"]}],
        }
        for category, size in SIZES.items()
        for number in range(size)
    )
    toml = "".join(f'[[categories]]\nname = "{category}"\n' for category in SIZES)
    return parse_suite(
        {"suite.toml": toml.encode(), "cases.jsonl": "\n".join(map(json.dumps, lines)).encode()},
        "evals/support@v1",
    )


COURSE = Course(suite(), "evals/support", "full", compared=True)
ARMS = (Arm("r2", "sha256:" + "2" * 64, Says(1)), Arm("r1", "sha256:" + "1" * 64, Says(1)))


async def run(journal: Journal) -> Evaluation:
    return await evaluate(
        *ARMS, COURSE.suite, "evals/support@v1", "full", clock=FixedClock(AT), journal=journal
    )


@cache
def whole() -> tuple[Evaluation, dict[Key, Entry]]:
    """An undisturbed run, and the answers in its journal."""
    with TemporaryDirectory() as folder:
        with Journal.open(Path(folder), START) as journal:
            found = asyncio.run(run(journal))
        with journal.path.open("rb") as file:
            return found, entries(read_lines(file))


def test_the_journal_says_what_the_run_said() -> None:
    found, kept = whole()
    assert {one.repeats for one in found.categories} > {3}  # some were run again, and some again
    assert found.errors == 2 and len(kept) == found.answers
    state = summary(kept, COURSE)
    assert state.wanted == () and evaluation_of(state, COURSE, *ARMS) == found


@given(st.integers(0, 2**32), st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_whatever_is_missing_is_wanted_and_nothing_else(seed: int, share: float) -> None:
    found, kept = whole()
    keys = random.Random(seed).sample(list(kept), int(share * len(kept)))
    here = {key: kept[key] for key in keys}
    asked = 0
    while (state := summary(here, COURSE)).wanted:
        assert not set(state.wanted) & set(here) and len(set(state.wanted)) == len(state.wanted)
        here |= {key: kept[key] for key in state.wanted}
        asked += len(state.wanted)
    assert evaluation_of(state, COURSE, *ARMS) == found
    assert asked <= len(kept)


def test_answers_that_nobody_wanted_change_nothing() -> None:
    found, kept = whole()
    some = next(iter(kept.values()))
    strange = [
        some.model_copy(update={"repeat": 99, "score": 0.0}),
        some.model_copy(update={"case": "0" * 64, "score": 0.0}),
        some.model_copy(update={"suite": "evals/other", "score": 0.0}),
    ]
    assert evaluation_of(summary({**kept, **entries(strange)}, COURSE), COURSE, *ARMS) == found


def test_a_run_that_goes_on_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    found, kept = whole()
    with Journal.open(tmp_path, START) as journal:
        for entry in list(kept.values())[::2]:
            journal.write(entry)
    with Journal.open(tmp_path, START) as journal:
        again = asyncio.run(run(journal))
    assert replace(again, took_seconds=found.took_seconds) == found
    with journal.path.open("rb") as file:
        lines = [line for line in read_lines(file) if isinstance(line, Entry)]
    failed = sum(one.score is None for one in list(kept.values())[::2])
    assert len(lines) == len(kept) + failed  # what had failed was asked again
