"""What makes the two tests tests: no bet gains on average under H0, exactly, and looks do not matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.live.eprocess import DifferenceTest, RateTest

Batch = tuple[int, float]
"""Trials, and p0."""
PROBABILITY = st.floats(0.01, 0.99)
BATCHES = st.lists(st.tuples(st.integers(0, 3), PROBABILITY), min_size=1, max_size=3)
SHARE = st.floats(0, 1)


def counts(batches: Sequence[Batch], rate: Callable[[float], float]) -> Iterator[tuple[list[int], float]]:
    """Every outcome of the batches with its probability, where a trial is a hit with rate(p0)."""
    for hits in product(*(range(trials + 1) for trials, _ in batches)):
        chance = 1.0
        for (trials, p0), count in zip(batches, hits, strict=True):
            p = rate(p0)
            chance *= math.comb(trials, count) * p**count * (1 - p) ** (trials - count)
        yield list(hits), chance


@given(BATCHES, SHARE, st.lists(SHARE, min_size=3, max_size=3))
def test_a_rate_at_p0_gains_nothing_on_average_whatever_is_bet_when(
    batches: list[Batch], truth: float, bets: list[float]
) -> None:
    def expected(rate: Callable[[float], float]) -> float:
        total = 0.0
        for hits, chance in counts(batches, rate):
            test = RateTest()
            for (trials, p0), count, bet in zip(batches, hits, bets, strict=False):
                test.wealth.invest(bet)
                test.add(count, trials, p0)
            total += chance * test.wealth.now
        return total

    assert expected(lambda p0: p0) == pytest.approx(1)
    assert expected(lambda p0: truth * p0) <= 1 + 1e-9


def test_the_chance_that_it_ever_rejects_is_at_most_alpha() -> None:
    alpha, p0, trials = 0.1, 0.3, 14
    ever = 0.0
    for outcome in product((0, 1), repeat=trials):
        test = RateTest()
        test.wealth.invest(1.0)
        for hit in outcome:
            test.add(hit, 1, p0)
        hits = sum(outcome)
        ever += (test.peak >= 1 / alpha) * p0**hits * (1 - p0) ** (trials - hits)
    assert 0 < ever <= alpha


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_the_split_of_bad_events_between_two_equal_arms_gains_nothing_on_average(
    canary: int, control: int, data: st.DataObject
) -> None:
    bad = data.draw(st.integers(1, canary + control))
    total = 0.0
    for hits in range(max(0, bad - control), min(bad, canary) + 1):
        test = RateTest()
        test.wealth.invest(1.0)
        test.add(hits, bad, canary / (canary + control))
        ways = math.comb(canary, hits) * math.comb(control, bad - hits)
        total += ways / math.comb(canary + control, bad) * test.wealth.now
    assert total <= 1 + 1e-9


LEVELS = (0.0, 0.6, 1.0)


@st.composite
def arms(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Two distributions over LEVELS."""
    weights = [draw(st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any)) for _ in range(2)]
    first, second = ([one / sum(row) for one in row] for row in weights)
    return first, second


def mean(chances: Sequence[float]) -> float:
    return sum(level * chance for level, chance in zip(LEVELS, chances, strict=True))


@given(arms(), st.sampled_from([(1, 1), (1, 2), (2, 1)]), st.lists(SHARE, min_size=2, max_size=2))
def test_a_drop_of_just_the_margin_gains_nothing_on_average(
    both: tuple[list[float], list[float]], sizes: tuple[int, int], bets: list[float]
) -> None:
    first, second = both
    margin = mean(first) - mean(second)
    n, m = sizes
    total = 0.0
    outcomes = list(product(range(3), repeat=n + m))
    for one, two in product(outcomes, repeat=2):
        test = DifferenceTest(margin)
        chance = 1.0
        for batch, bet in zip((one, two), bets, strict=True):
            for place, index in enumerate(batch):
                chance *= (first if place < n else second)[index]
            if not chance:
                break
            test.wealth.invest(bet)
            test.add([LEVELS[i] for i in batch[:n]], [LEVELS[i] for i in batch[n:]])
        total += chance * test.wealth.now if chance else 0.0
    assert total <= 1 + 1e-9


VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=150)
MARGIN = st.sampled_from([-0.5, -0.02, 0.0, 0.02, 0.5])


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4), MARGIN, st.randoms())
def test_the_order_within_a_batch_does_not_matter_and_nothing_is_ever_not_a_number(
    batches: list[tuple[list[float], list[float]]], margin: float, random: object
) -> None:
    shuffle = random.shuffle  # type: ignore[attr-defined]
    test, other = DifferenceTest(margin), DifferenceTest(margin)
    for one in (test, other):
        one.wealth.invest(0.7)
    for first, second in batches:
        test.add(first, second)
        mixed_first, mixed_second = list(first), list(second)
        shuffle(mixed_first)
        shuffle(mixed_second)
        other.add(mixed_first, mixed_second)
        assert math.isfinite(test.wealth.now) and test.wealth.now >= 0
        assert test.wealth.peak >= test.wealth.now
    assert other.wealth.now == pytest.approx(test.wealth.now, rel=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=6),
    st.floats(1e-6, 1 - 1e-6),
    st.randoms(),
)
def test_batches_commute_and_counts_of_any_size_stay_numbers(
    batches: list[tuple[int, int]], p0: float, random: object
) -> None:
    test, other, once = RateTest(), RateTest(), RateTest()
    for one in (test, other, once):
        one.wealth.invest(0.5)
    peak = 1.0
    for hits, more in batches:
        test.add(hits, hits + more, p0)
        assert test.peak >= peak
        peak = test.peak
    random.shuffle(batches)  # type: ignore[attr-defined]
    for hits, more in batches:
        other.add(hits, hits + more, p0)
    once.add(sum(h for h, _ in batches), sum(h + m for h, m in batches), p0)
    worth = test.wealth.now
    assert math.isfinite(worth) and worth >= 0
    if worth < 1e100 and max(test.peak, other.peak, once.peak) < 1e100:
        assert other.wealth.now == pytest.approx(worth, rel=1e-6)
        assert once.wealth.now == pytest.approx(worth, rel=1e-6)


@given(st.integers(1, 400), st.integers(0, 400), st.floats(0.001, 0.9))
def test_one_more_hit_is_never_less_evidence_and_a_higher_p0_never_more(
    trials: int, hits: int, p0: float
) -> None:
    hits = min(hits, trials - 1)

    def worth(hits: int, p0: float) -> float:
        test = RateTest()
        test.wealth.invest(1.0)
        test.add(hits, trials, p0)
        return test.wealth.now

    assert worth(hits + 1, p0) >= worth(hits, p0)
    assert worth(hits, min(0.99, p0 * 1.1)) <= worth(hits, p0) * (1 + 1e-9)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=3), st.integers(0, 149))
def test_a_lower_score_of_the_second_arm_is_never_less_evidence_of_a_drop(
    batches: list[tuple[list[float], list[float]]], place: int
) -> None:
    def worth(last: list[float]) -> float:
        test = DifferenceTest(0.0)
        test.wealth.invest(1.0)
        for first, second in [*batches[:-1], (batches[-1][0], last)]:
            test.add(first, second)
        return test.wealth.now

    second = batches[-1][1]
    lower = list(second)
    lower[place % len(second)] = 0.0
    assert worth(lower) >= worth(second) * (1 - 1e-9)


def test_looks_between_batches_change_neither_worth_nor_peak() -> None:
    looked, unlooked = RateTest(), RateTest()
    for one in (looked, unlooked):
        one.wealth.invest(0.5)
    for hits, trials in ((0, 900), (3, 40), (0, 700), (0, 5), (1, 900)):
        looked.add(hits, trials, 0.001)
        assert looked.wealth.now <= looked.peak
        unlooked.add(hits, trials, 0.001)
    assert unlooked.peak == pytest.approx(looked.peak)
    assert unlooked.wealth.now == pytest.approx(looked.wealth.now)


def test_what_is_no_batch_is_refused() -> None:
    for hits, trials, p0 in ((2, 1, 0.5), (-1, 1, 0.5), (0, 1, 0.0), (0, 1, 1.0), (0, 1, math.nan)):
        with pytest.raises(ValueError, match="is no batch"):
            RateTest().add(hits, trials, p0)
    with pytest.raises(ValueError, match="both arms"):
        DifferenceTest(0.0).add([0.5], [])
