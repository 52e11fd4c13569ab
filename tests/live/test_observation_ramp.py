"""A ramp over 100,000 users, as an application sees it, and what it reports of it."""

from __future__ import annotations

import pytest

from lockgate_client import bucket, in_canary, in_matched_control

STEPS = (1.0, 5.0, 25.0, 50.0, 100.0)
USERS = 100_000


@pytest.fixture(scope="module", params=["production/r42", "01JNXQ7M3V8ZC5W0T4B9KD2HAE"])
def buckets(request: pytest.FixtureRequest) -> list[int]:
    return [bucket(request.param, f"user-{number}@example.org") for number in range(USERS)]


def test_each_step_serves_its_share_of_users_within_0_3_points(buckets: list[int]) -> None:
    for percent in STEPS:
        canary = sum(in_canary(one, percent) for one in buckets)
        assert canary / USERS * 100 == pytest.approx(percent, abs=0.3)
        if percent <= 50:
            control = sum(in_matched_control(one, percent) for one in buckets)
            assert control / USERS * 100 == pytest.approx(percent, abs=0.3)


def test_who_is_in_stays_in_and_shares_nothing_with_the_control(buckets: list[int]) -> None:
    before: set[int] = set()
    for percent in STEPS:
        canary = {user for user, one in enumerate(buckets) if in_canary(one, percent)}
        control = {user for user, one in enumerate(buckets) if in_matched_control(one, percent)}
        assert before <= canary and len(canary) > len(before)
        assert not canary & control
        before = canary
    assert len(before) == USERS
