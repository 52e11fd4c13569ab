"""What is said before a rollout comes true in it."""

from __future__ import annotations

from statistics import median

import pytest

from evals.live.analysis import analyse
from evals.live.outlook import outlook
from store.errors import InputError
from store.records.rollout_policy import FOUR_STEPS, RolloutPolicy, Step
from tests.live.simulated import MEAN, PER_MINUTE, QUALITY, START, Behaviour, evidence, window

QUALITY_ONLY = RolloutPolicy(steps=(Step(percent=5, hold_minutes=60), Step(percent=100)), triggers=QUALITY)


def test_the_time_to_notice_a_drop_is_what_simulated_rollouts_take() -> None:
    five_points = QUALITY.model_copy(update={"quality_drop": 0.05})
    policy = QUALITY_ONLY.model_copy(update={"triggers": five_points})
    told = outlook(policy, PER_MINUTE, 1.0)[0].detect_minutes
    took = []
    for seed in range(17):
        found = evidence(seed, 5, 90, canary=Behaviour(quality=MEAN - 0.05))
        verdict = analyse(found, window(5), QUALITY, (START + 91) * 60.0).metrics[0]
        took.append((verdict.blocked_at or (START + 90) * 60.0) / 60 - START + 1)
    assert told == pytest.approx(median(took), rel=0.35)


def test_the_time_until_a_good_release_may_go_on_is_what_simulated_rollouts_take() -> None:
    told = outlook(QUALITY_ONLY, PER_MINUTE, 1.0)[0].pass_minutes
    assert told is not None
    passed = {
        minutes: sum(
            analyse(evidence(seed, 5, minutes), window(5), QUALITY, (START + minutes + 1) * 60.0).outcome
            == "pass"
            for seed in range(8)
        )
        for minutes in (round(told * 0.4), round(told * 1.8))
    }
    few, most = passed.values()
    assert few <= 4 <= most


def test_a_step_that_cannot_notice_is_warned_of_with_what_would_help() -> None:
    first = outlook(FOUR_STEPS, 60, 0.05)[0]
    assert first.detect_minutes is not None and first.detect_minutes > first.hold_minutes
    assert any("Step 1 (5 %) holds for 24 h" in one and "days" in one for one in first.warnings)
    busy = outlook(FOUR_STEPS, PER_MINUTE, 0.5)
    assert [one.warnings for one in busy] == [(), (), (), ()]
    assert [one.percent for one in busy] == [5, 25, 50, 100]


def test_more_traffic_or_more_scores_take_less_time() -> None:
    slow, twice, scored = (
        outlook(FOUR_STEPS, traffic, share)[0].detect_minutes
        for traffic, share in ((100, 0.2), (200, 0.2), (100, 0.4))
    )
    assert slow is not None and twice == scored == pytest.approx(slow / 2)


def test_what_sees_no_traffic_or_no_scores_is_told_and_never_a_number() -> None:
    silent = outlook(FOUR_STEPS, 0, 0.5)[0]
    assert silent.pass_minutes is None and silent.detect_minutes is None
    assert silent.warnings == ("Step 1 (5 %) sees no traffic: nothing can be told.",)
    unscored = outlook(FOUR_STEPS, 100, 0)[0]
    assert unscored.detect_minutes is None and "scores no answers" in unscored.warnings[0]


def test_a_step_that_serves_nobody_or_everybody_compares_nothing() -> None:
    policy = RolloutPolicy(steps=(Step(percent=10, shadow=True), Step(percent=5), Step(percent=100)))
    steps = outlook(policy, 100, 0.5)
    assert [one.number for one in steps] == [2, 3]
    assert steps[1].detect_minutes is None and steps[1].warnings == ()
    assert "holds for no time" in steps[0].warnings[0]


@pytest.mark.parametrize(
    ("traffic", "share", "spread"),
    [
        (-1, 0.5, 0.2),
        (float("nan"), 0.5, 0.2),
        (1, 1.5, 0.2),
        (1, float("nan"), 0.2),
        (1, 0.5, 0.0),
        (1, 0.5, 0.7),
    ],
)
def test_what_is_no_traffic_share_or_spread_is_refused(traffic: float, share: float, spread: float) -> None:
    with pytest.raises(InputError):
        outlook(FOUR_STEPS, traffic, share, spread)
