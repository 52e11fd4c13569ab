"""The verdict on a shadow: by simulation, and in its words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from evals.live.comparison import ComparedArm, Comparison, insert, read
from evals.live.pairwise import Choice, PreferenceWatch, preferred
from evals.live.shadow import ShadowWatch
from evals.live.shadow_verdict import ShadowVerdict, judge
from evals.live.work_file import WorkFile
from store.errors import MachineryError
from store.records.shadow import ShadowPolicy

POLICY = ShadowPolicy(quality_drop=0.05)
START = 1_772_452_800.0


def one(number: int, arm: ComparedArm, minute: float, **values: object) -> Comparison:
    given = {"failed": False, "quality": None, "unit": b"%d" % number, **values}
    return Comparison(f"r{number}", arm, START + minute * 60, category="", **given)  # type: ignore[arg-type]


def stream(
    minutes: int,
    candidate: Callable[[], dict[str, object]],
    again: Callable[[], dict[str, object]],
    per_minute: int = 20,
) -> Iterator[tuple[int, list[tuple[int, Comparison]]]]:
    """(minute, its comparisons): every fifth request is asked again."""
    numbers = count(1)
    for minute in range(minutes):
        rows = []
        for turn in range(per_minute):
            number = next(numbers)
            rows.append((2 * number, one(number, "candidate", minute, **candidate())))
            if turn % 5 == 0:
                rows.append((2 * number + 1, one(number, "again", minute, **again())))
        yield minute, rows


def watched(
    policy: ShadowPolicy,
    minutes: int,
    candidate: Callable[[], dict[str, object]],
    again: Callable[[], dict[str, object]],
) -> ShadowVerdict:
    """The verdict at which it stopped: the first block, or the last look."""
    watch = ShadowWatch(policy)
    found = judge(watch, START)
    for minute, rows in stream(minutes, candidate, again):
        now = START + (minute + 1) * 60
        watch.feed(rows, now)
        found = judge(watch, now, START)
        if found.outcome == "block":
            break
    return found


def scores(random_numbers: random.Random, mean: float) -> Callable[[], dict[str, object]]:
    return lambda: {"quality": float(random_numbers.random() < mean), "similarity": random_numbers.random()}


def test_a_shadow_that_is_as_good_is_hardly_ever_blocked_however_often_one_looks() -> None:
    blocked = sum(
        watched(POLICY, 60, scores(source, 0.9), scores(source, 0.9)).outcome == "block"
        for source in map(random.Random, range(60))
    )
    assert blocked <= 3  # 1 % for each of four metrics


def test_a_clear_drop_is_blocked_and_an_equal_one_passes_in_time() -> None:
    source = random.Random(1)
    bad = watched(POLICY, 240, scores(source, 0.7), scores(source, 0.9))
    assert bad.outcome == "block" and bad.compared < 2_500
    assert bad.reasons[0].startswith("Quality is ") and "certainly a drop" in bad.reasons[0]
    fine = watched(
        POLICY.model_copy(update={"quality_drop": 0.2, "similarity_drop": 0.5}),
        240, scores(source, 0.9), scores(source, 0.9),
    )  # fmt: skip
    assert fine.outcome == "pass" and fine.reasons == () and fine.reason == ""
    assert fine.healthy_minutes == 240 and fine.scored == fine.compared == 4800


def test_noise_of_stable_itself_is_no_ones_fault() -> None:
    """A model at a high temperature: two answers of stable are as unlike each other as the shadow's is."""
    source = random.Random(2)
    unlike = lambda: {"similarity": source.uniform(0.2, 0.6), "ranked": 1.0}  # noqa: E731
    assert watched(POLICY, 120, unlike, unlike).outcome == "pass"
    farther = lambda: {"similarity": source.uniform(0.0, 0.1), "ranked": 1.0}  # noqa: E731
    found = watched(POLICY, 120, farther, unlike)
    assert found.outcome == "block" and "Likeness of the answers" in found.reason


def test_failures_count_against_who_fails_more() -> None:
    good: Callable[[], dict[str, object]] = lambda: {"similarity": 1.0}  # noqa: E731
    bad: Callable[[], dict[str, object]] = lambda: {"failed": True}  # noqa: E731
    found = watched(POLICY, 60, bad, good)
    assert found.outcome == "block" and "replays failed" in found.reason
    both = watched(POLICY, 60, bad, bad)
    assert both.outcome == "inconclusive" and "too many to tell" in both.reason


def test_harm_blocks_once_confirmed_and_holds_before() -> None:
    good: Callable[[], dict[str, object]] = lambda: {"similarity": 1.0, "harmful": 0}  # noqa: E731
    for harmful, outcome in ((1, "inconclusive"), (2, "block")):
        watch = ShadowWatch(POLICY)
        for minute, rows in stream(60, good, good):
            watch.feed(rows, START + (minute + 1) * 60)
        assert judge(watch, START + 3600).outcome == "pass"
        watch.feed([(10**6, one(10**6, "candidate", 60, harmful=harmful, similarity=1.0))], START + 3700)
        found = judge(watch, START + 3700)
        assert (found.outcome, found.flagged) == (outcome, harmful == 1)


def test_nothing_to_go_by_never_passes() -> None:
    assert judge(ShadowWatch(POLICY), START).outcome == "inconclusive"
    nothing: Callable[[], dict[str, object]] = dict
    found = watched(POLICY, 60, nothing, nothing)
    assert found.outcome == "inconclusive" and "Nothing can be compared" in found.reason


def test_a_metric_at_one_is_left_out() -> None:
    off = POLICY.model_copy(update={"similarity_drop": 1.0})
    source = random.Random(3)
    unlike = lambda: {"similarity": 0.0, "ranked": 1.0, "quality": 1.0}  # noqa: E731
    alike = lambda: {"similarity": source.uniform(0.9, 1), "ranked": 1.0, "quality": 1.0}  # noqa: E731
    assert watched(off, 120, unlike, alike).outcome == "pass"


def test_only_the_first_answer_of_a_user_counts_and_needs_are_told() -> None:
    watch = ShadowWatch(POLICY)
    rows = [(n, one(n, "candidate", 0, quality=1.0, unit=b"ana")) for n in range(1, 50)]
    watch.feed(rows, START + 60)
    assert watch.candidate.compared == 1 and watch.upto == 49
    found = judge(watch, START + 60)
    assert found.metrics[1].needs is not None and "more compared answers" in found.reason


def test_fed_in_pieces_or_at_once_it_says_the_same(tmp_path: Path) -> None:
    source = random.Random(4)
    file = WorkFile(tmp_path / "state" / "work.sqlite")
    rows = [row for _, batch in stream(30, scores(source, 0.8), scores(source, 0.9)) for _, row in batch]
    piecemeal, now = ShadowWatch(POLICY), START
    for start in range(0, len(rows), 50):
        with file.transaction() as connection:
            insert(connection, "job", rows[start : start + 50])
            insert(connection, "job", rows[start : start + 50])  # written twice, counted once
        now = rows[min(start + 49, len(rows) - 1)].at + 1
        piecemeal.feed(read(file, "job", piecemeal.upto), now)
    at_once = ShadowWatch(POLICY)
    for watch in (piecemeal, at_once):
        watch.feed(read(file, "job", watch.upto), now + 3600)
    assert judge(piecemeal, now) == judge(at_once, now)
    assert at_once.candidate.compared + at_once.again.compared == len(rows)


class Scripted:
    """A judge that says what it was told to, by (first, second)."""

    def __init__(self, said: dict[tuple[str, str], Choice]) -> None:
        self.said, self.asked = said, 0

    async def compare(self, question: str, first: str, second: str) -> Choice:  # noqa: ARG002
        self.asked += 1
        if (first, second) not in self.said:
            raise MachineryError("the judge is away.")
        return self.said[first, second]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({("c", "s"): "first", ("s", "c"): "second"}, "candidate"),
        ({("c", "s"): "second", ("s", "c"): "first"}, "stable"),
        ({("c", "s"): "first", ("s", "c"): "first"}, "tie"),
        ({("c", "s"): "tie", ("s", "c"): "second"}, "tie"),
    ],
)
async def test_a_judge_is_asked_in_both_orders(said: dict[tuple[str, str], Choice], wanted: str) -> None:
    judging = Scripted(said)
    assert await preferred(judging, "?", "c", "s") == wanted and judging.asked == 2
    assert await preferred(judging, "?", "same", "same") == "tie" and judging.asked == 2


async def test_a_judge_that_is_away_says_nothing() -> None:
    with pytest.raises(MachineryError):
        await preferred(Scripted({}), "?", "c", "s")


def test_losing_more_than_half_becomes_certain_and_ties_say_nothing() -> None:
    source = random.Random(5)
    even, worse, ties = PreferenceWatch(), PreferenceWatch(), PreferenceWatch()
    for _ in range(400):
        even.add("stable" if source.random() < 0.5 else "candidate")
        worse.add("stable" if source.random() < 0.8 else "candidate")
        ties.add("tie")
    assert not even.is_worse and worse.is_worse and not ties.is_worse and ties.ties == 400
