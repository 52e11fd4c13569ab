"""Intervals that hold at every look, and agree with the tests."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from evals.live.eprocess import RateTest
from evals.live.intervals import difference_interval, rate_interval
from evals.live.power import answers_left, answers_to_reject
from tests.live.simulated import SD, binomial


@given(st.integers(0, 5000), st.integers(1, 5000), st.sampled_from([0.01, 0.05]))
def test_a_rate_is_within_its_interval_and_the_interval_says_what_the_test_says(
    hits: int, trials: int, alpha: float
) -> None:
    hits = min(hits, trials)
    low, high = rate_interval(hits, trials, alpha)
    assert 0 <= low <= hits / trials <= high <= 1
    for p0 in (low * 0.99, low * 1.01):
        if 0 < p0 < 1:
            test = RateTest()
            test.wealth.invest(1.0)
            test.add(hits, trials, p0)
            assert (test.wealth.now >= 1 / alpha) == (p0 < low)


def test_nothing_seen_is_any_rate() -> None:
    assert rate_interval(0, 0, 0.01) == (0.0, 1.0)


def test_a_rate_is_missed_less_often_than_alpha_says_over_all_looks() -> None:
    rng, missed = random.Random(1), 0
    for _ in range(150):
        hits = trials = 0
        for _ in range(12):
            trials += 60
            hits += binomial(rng, 60, 0.02)
            low, high = rate_interval(hits, trials, 0.05)
            if not low <= 0.02 <= high:
                missed += 1
                break
    assert missed <= 15


def test_a_difference_is_missed_less_often_than_alpha_says_over_all_looks() -> None:
    rng, missed = random.Random(2), 0
    for _ in range(200):
        total = squares = 0.0
        count = 0
        for _ in range(20):
            for _ in range(50):
                value = rng.gauss(0.05, SD)
                total, squares, count = total + value, squares + value * value, count + 1
            mean = total / count
            low, high = difference_interval(mean, (squares / count - mean * mean) / count, 0.05)
            if not low <= 0.05 <= high:
                missed += 1
                break
    assert missed <= 20


def test_twice_the_drop_takes_a_quarter_of_the_answers_and_money_at_hand_shortens_it() -> None:
    far = answers_to_reject(0.04, SD**2, 0.01, 1.0, 0.5)
    near = answers_to_reject(0.02, SD**2, 0.01, 1.0, 0.5)
    assert near == 4 * far
    poor = answers_left([0.1] * 5, 0.02, SD**2, 0.05, 1.0)
    rich = answers_left([5.0] * 5, 0.02, SD**2, 0.05, 1.0)
    assert poor is not None and rich is not None and 0 < rich < poor
    assert answers_left([20.0] * 5, 0.02, SD**2, 0.05, 1.0) == 0
    assert answers_left([1.0] * 5, -0.02, SD**2, 0.05, 1.0) is None
