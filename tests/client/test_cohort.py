"""The bucket and the arms made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate_client import bucket, in_canary, in_matched_control

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cohort.json").read_text())["vectors"]
buckets = st.integers(0, 99_999)
percents = st.floats(0, 100, allow_nan=False)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['salt']}-{v['unit']}")
def test_vectors(vector: dict[str, object]) -> None:
    assert bucket(vector["salt"], vector["unit"]) == vector["bucket"]


@given(st.text(), st.text())
def test_a_bucket_is_stable_and_in_range(salt: str, unit: str) -> None:
    assert 0 <= bucket(salt, unit) < 100_000
    assert bucket(salt, unit) == bucket(salt, unit)


@given(buckets, percents, percents)
def test_who_is_in_at_less_is_in_at_more(number: int, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert in_canary(number, large) or not in_canary(number, small)


@given(buckets, percents)
def test_canary_and_matched_control_share_nobody(number: int, percent: float) -> None:
    assert not (in_canary(number, percent) and in_matched_control(number, percent))


@given(st.integers(0, 50_000))
def test_both_arms_have_exactly_the_buckets_of_their_percent(thousandths: int) -> None:
    percent = thousandths / 1000
    assert in_canary(thousandths - 1, percent) or thousandths == 0
    assert not in_canary(thousandths, percent)
    assert in_matched_control(50_000 + thousandths - 1, percent) or thousandths == 0
    assert not in_matched_control(50_000 + thousandths, percent)


def test_the_ends() -> None:
    assert not in_canary(0, 0)
    assert in_canary(99_999, 100)
    assert not in_canary(16_100, 16.1), "16.1 * 1000 is a little over 16100 in binary"
    assert not any(in_matched_control(number, 50.001) for number in range(0, 100_000, 7))


def test_five_percent_of_users_are_about_five_percent() -> None:
    among = sum(in_canary(bucket("production/r42", f"user-{n}"), 5) for n in range(20_000))
    assert 850 < among < 1150  # 5 standard deviations
