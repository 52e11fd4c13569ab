"""The test under the null and under change, its e-values, the schedule and the paired test."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.drift.accumulation import ALARM, Evidence, accumulated, after, e_value
from evals.drift.border import gap
from evals.drift.calls import Round
from evals.drift.paired import movements, paired_p_value
from evals.drift.permutation import TOLERANCE, features, p_value
from evals.drift.schedule import is_due
from evals.drift.weekly import Point, lines, monday, wilson

P = st.floats(1e-6, 1.0)


def rounds(source: random.Random, count: int = 10, shift: float = 0.0, noise: float = 0.05) -> list[Round]:
    """Five prompts with ten tokens; `shift` moves one of them."""
    return [
        tuple(
            tuple(
                (f"t{k}", round(-1 - k / 2 + (shift if k == 0 else 0) + source.gauss(0, noise), 4))
                for k in range(10)
            )
            for _ in range(5)
        )
        for _ in range(count)
    ]


def caught_after(source: random.Random, clean: int, shift: float, noise: float) -> int:
    """The number of checks after a change that it takes to raise the alarm; 99 for more than five."""
    pool, evidence = rounds(source, noise=noise), Evidence()
    for number in range(clean + 5):
        today = rounds(source, shift=shift if number >= clean else 0.0, noise=noise)
        evidence = after(evidence, p_value("logprobs", pool, today, number))
        pool += today
        if evidence.is_alarm:
            return number - clean + 1
    return 99


def test_nothing_changes_in_two_hundred_checks_and_nothing_is_said() -> None:
    source = random.Random(20261)
    alarms = 0
    for pin in range(4):
        pool, evidence = rounds(source, 5), Evidence()
        for number in range(50):
            today = rounds(source, 5)
            evidence = after(evidence, p_value("logprobs", pool, today, 1000 * pin + number))
            pool += today
        alarms += evidence.is_alarm
    assert alarms == 0


def test_nothing_changes_in_two_hundred_checks_of_tokens_and_nothing_is_said() -> None:
    source = random.Random(20262)

    def drawn() -> list[Round]:
        return [tuple(((source.choice("ab"), 0.0),) for _ in range(10)) for _ in range(5)]

    for pin in range(4):
        pool, evidence = drawn(), Evidence()
        for number in range(50):
            today = drawn()
            evidence = after(evidence, p_value("tokens", pool, today, 1000 * pin + number))
            pool += today
        assert not evidence.is_alarm


@pytest.mark.parametrize("clean", [0, 1, 7, 30])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_change_is_caught_within_three_checks(clean: int, noise: float) -> None:
    assert caught_after(random.Random(clean), clean, 0.3, noise) <= 3


def test_a_move_within_the_tolerance_is_no_change_however_certain() -> None:
    source = random.Random(3)
    pool, today = rounds(source, noise=0.0), rounds(source, shift=TOLERANCE * 0.9, noise=0.0)
    assert p_value("logprobs", pool, today, 1) == 1.0


def test_the_p_value_is_the_share_of_all_choices_that_differ_as_much() -> None:
    source = random.Random(5)
    earlier, today = rounds(source, 4), rounds(source, 4, shift=0.06)
    values = features("logprobs", (*earlier, *today))

    def statistic(chosen: tuple[int, ...]) -> float:
        rest = [i for i in range(8) if i not in chosen]
        difference = values[list(chosen)].mean(axis=0) - values[rest].mean(axis=0)
        return float(sum(max(0.0, abs(one) - TOLERANCE) for one in difference))

    seen = statistic((4, 5, 6, 7))
    exact = fmean(statistic(chosen) >= seen - 1e-9 for chosen in combinations(range(8), 4))
    assert p_value("logprobs", earlier, today, 1) == pytest.approx(exact, abs=0.03)


def test_a_token_that_is_not_told_is_at_most_as_likely_as_the_last_one() -> None:
    calls = [(("a", -0.5), ("b", -1.0)), (("a", -0.5), ("c", -2.0))]
    values = features("logprobs", [(call,) for call in calls])
    assert values.tolist() == [[-0.5, -1.0, -1.0], [-0.5, -2.0, -2.0]]
    tokens = features("tokens", [((("a", 0.0),),), ((("b", 0.0),),)])
    assert tokens.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_damaged_rounds_are_no_evidence() -> None:
    good = rounds(random.Random(1))
    for bad in ([((("a", math.nan),),) * 5], [good[0][:3]], [((),) * 5]):
        with pytest.raises(ValueError):
            p_value("logprobs", good, bad, 1)


def test_the_e_value_is_at_most_one_on_average_and_falls_with_p() -> None:
    steps = 200_000
    mean = math.fsum(e_value((i + 0.5) / steps) for i in range(steps)) / steps
    assert 0.85 < mean <= 1.0
    assert e_value(1.0) == 0.5 and e_value(1e-4) == pytest.approx(117.7, abs=0.1)
    for wrong in (0.0, -0.1, 1.1, math.nan):
        with pytest.raises(ValueError):
            e_value(wrong)


@given(P, P)
def test_a_smaller_p_is_never_less_evidence(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert e_value(low) >= e_value(high) >= 0.5


@given(st.lists(P, max_size=60))
def test_what_the_checks_come_to_is_the_weighted_sum_of_products(p_values: list[float]) -> None:
    found = accumulated(p_values)
    weights = [j**-1.5 / 2.6123753486854883 for j in range(1, len(p_values) + 1)]
    worth = 1 - math.fsum(weights)
    for start, weight in enumerate(weights):
        worth += weight * math.prod(e_value(p) for p in p_values[start:])
    assert found.e_value == pytest.approx(min(worth, 1e200), rel=1e-6)
    assert found.checks == len(p_values) and found.peak >= found.e_value
    assert math.isfinite(found.peak)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_evidence_is_worth_one_on_average_while_nothing_changes(seed: int, checks: int) -> None:
    """The mean over 500 pins is 1 at most, but for chance: of what any bet is worth, cut off at 20 (which
    only makes it less), the mean of 500 lies within half of its own."""
    source = random.Random(seed)
    worth = [accumulated(1 - source.random() for _ in range(checks)).e_value for _ in range(500)]
    assert fmean(min(one, 20.0) for one in worth) <= 1.5


def test_of_many_pins_that_never_change_at_most_one_in_a_hundred_ever_alarms() -> None:
    source = random.Random(99)
    alarms = sum(accumulated(1 - source.random() for _ in range(365)).is_alarm for _ in range(1_000))
    assert alarms <= 1_000 / ALARM


def test_the_real_p_values_of_one_pin_are_worth_one_on_average() -> None:
    """Checks on one baseline share it, and later ones hold the earlier: still no product of them gains."""
    source = random.Random(11)
    worth = []
    for pin in range(100):
        pool, evidence = rounds(source, 4), Evidence()
        for number in range(4):
            today = rounds(source, 4)
            evidence = after(evidence, p_value("logprobs", pool, today, pin * 10 + number))
            pool += today
        worth.append(evidence.e_value)
    assert fmean(worth) < 1.35


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@given(st.floats(-1e6, 1e6), st.sampled_from([1.0, 24.0, 168.0]))
def test_a_check_is_due_after_its_time_or_when_the_clock_jumped_back(hours: float, every: float) -> None:
    now = NOON + timedelta(hours=hours)
    assert not is_due(NOON, now, 0)
    if hours >= every or hours < -0.1:
        assert is_due(NOON, now, every)
    elif 0 <= hours < every * 0.9:
        assert not is_due(NOON, now, every)


def test_the_paired_test_never_counts_points_but_cases() -> None:
    source = random.Random(4)

    def run(worse: int, flaky: int = 30) -> dict[str, list[float]]:
        steady = {f"c{i}": [0.0 if i < worse else 1.0] * 3 for i in range(100)}
        return {
            case: [float(source.random() < 0.7) for _ in range(3)] if i >= 100 - flaky else scores
            for i, (case, scores) in enumerate(steady.items())
        }

    unchanged = [paired_p_value(run(0), run(0), seed) for seed in range(20)]
    assert sum(p <= 0.05 for p in unchanged) <= 3
    assert paired_p_value(run(0), run(6)) < 0.05
    assert paired_p_value({"a": [1.0]}, {"b": [0.0]}) == 1.0


def test_categories_that_moved_are_told_with_intervals_and_held_to_all_of_them() -> None:
    before = {("evals/x@v1", "a"): {str(i): [1.0, 1.0, 1.0] for i in range(20)}}
    now = {("evals/x@v1", "a"): {str(i): [float(i > 7)] * 3 for i in range(20)}}
    before[("evals/x@v1", "b")] = now[("evals/x@v1", "b")] = {"z": [1.0, 0.0, 1.0]}
    before[("evals/x@v1", "gone")] = {"q": [1.0]}
    first, second = movements(before, now)
    assert (first.name, first.cases, first.moved) == ("a", 20, True)
    assert first.difference == pytest.approx(-0.4) and first.low <= -0.4 <= first.high < 0
    assert (second.name, second.moved) == ("b", False)


def test_gap_is_the_lead_of_the_first_token() -> None:
    from collections import Counter

    assert gap(Counter("aabb")) == 0 and gap(Counter("aaab")) == 0.5 and gap(Counter("aaaa")) == 1


def test_a_line_of_weeks_has_the_newest_of_each_and_marks_what_changed() -> None:
    def point(days: int, release: str, mean: float) -> Point:
        return Point(NOON + timedelta(days=days), "evals/x", "a", release, mean, 50, "verdict")

    releases = {"r1": {"prompt/p": "v1", "model/m": "v1"}, "r2": {"prompt/p": "v2", "model/m": "v1"}}
    points = [point(0, "r1", 0.9), point(8, "r1", 0.7), point(9, "r1", 0.8), point(15, "r2", 1.0)]
    (line,) = lines(points, releases, monday(NOON) + timedelta(weeks=1))
    assert [(week.point.mean, week.changed) for week in line.weeks] == [
        (0.8, ()),
        (1.0, ("prompt/p v1 → v2",)),
    ]
    assert line.weeks[0].low < 0.8 < line.weeks[0].high
    assert lines(points, releases, NOON + timedelta(weeks=9)) == ()


@given(st.floats(0, 1), st.integers(0, 5_000))
def test_intervals_hold_what_was_seen_and_stay_within_bounds(mean: float, cases: int) -> None:
    low, high = wilson(mean, cases)
    assert 0 <= low <= mean + 1e-9 and mean - 1e-9 <= high <= 1
