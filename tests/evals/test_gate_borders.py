"""The gate exactly at its borders: what the last value that passes is, and the first that does not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evals.confirmation import regressed, standing
from evals.gate import judge_categories, judge_category
from evals.graders import FULL
from evals.statistics import (
    Comparison,
    case_means,
    compare,
    is_below,
    is_within,
    repeats_of,
    repeats_to_decide,
    surely_below,
    z_score,
)
from tests.evals.gate_scores import ALPHA, arm, category, judged

RIGHT, WRONG, ONCE = [1, 1, 1], [0, 0, 0], [0, 1, 1]
"""Three repeats of a case: all right, all wrong, wrong once."""


def seen(difference: float, error: float, cases: int = 100, repeats: int = 3) -> Comparison:
    return Comparison(cases, repeats, 0.5 + difference, 0.5, difference, error)


class TestSizes:
    @pytest.mark.parametrize(("count", "outcome"), [(9, "pass"), (10, "block"), (49, "block")])
    def test_a_confirmed_regression_counts_from_ten_cases_on(self, count: int, outcome: str) -> None:
        assert judged(arm((count - 1, RIGHT), (1, WRONG)), arm((count, RIGHT))).outcome == outcome

    @pytest.mark.parametrize(("expected", "outcome"), [(10, "block"), (49, "block"), (50, "inconclusive")])
    def test_with_cases_missing_only_a_small_category_blocks_for_a_single_one(
        self, expected: int, outcome: str
    ) -> None:
        candidate, baseline = arm((expected - 2, RIGHT), (1, WRONG)), arm((expected - 1, RIGHT))
        assert judged(candidate, baseline, expected=expected).outcome == outcome

    def test_under_ten_cases_nothing_is_compared_so_others_are_not_corrected_for_it(self) -> None:
        wide = category(arm((46, [1]), (8, [0])), arm((54, [1])))
        for count, outcome in ((9, "block"), (10, "inconclusive")):
            calm = category(arm((count, [1] * 10)), arm((count, [1] * 10)), name="calm")
            assert judge_categories([wide, *[calm] * 9], ALPHA, 10)[0].outcome == outcome


class TestSmallCategories:
    def test_what_fell_before_it_is_confirmed_waits_however_wide_the_margin(self) -> None:
        fell = judged(arm((19, [1, 1]), (1, [0, 1])), arm((20, [1, 1])), policy={"margin": 0.5})
        assert (fell.outcome, fell.needs_repeats) == ("inconclusive", 3)
        kept = judged(arm((20, [1, 1])), arm((20, [1, 1])), policy={"margin": 0.5})
        assert (kept.outcome, kept.needs_repeats) == ("pass", None)

    def test_a_baseline_that_is_not_confirmed_waits_too(self) -> None:
        verdict = judged(arm((20, RIGHT)), arm((20, [1])))
        assert (verdict.outcome, verdict.needs_repeats) == ("inconclusive", 3)

    @pytest.mark.parametrize("arm_that_varies", ["candidate", "baseline"])
    def test_what_varies_in_either_arm_takes_three_repeats_again(self, arm_that_varies: str) -> None:
        arms: dict[str, Any] = {"candidate": arm((19, [1]), (1, [0])), "baseline": arm((20, [1]))}
        assert judged(arms["candidate"], arms["baseline"], deterministic=True).outcome == "block"
        for arm_of in arms.values():
            arm_of["c001"] = [0.3, 0.1 + 0.2]  # equal but for the last bit
        assert judged(arms["candidate"], arms["baseline"], deterministic=True).outcome == "block"
        arms[arm_that_varies]["c000"] = [1, 0]
        verdict = judged(arms["candidate"], arms["baseline"], deterministic=True)
        assert (verdict.outcome, verdict.needs_repeats) == ("inconclusive", 3)

    @pytest.mark.parametrize(("wrong_once", "outcome"), [(3, "pass"), (4, "inconclusive")])
    def test_exactly_the_margin_passes(self, wrong_once: int, outcome: str) -> None:
        candidate = arm((20 - wrong_once, RIGHT), (wrong_once, ONCE))
        assert judged(candidate, arm((20, RIGHT)), policy={"margin": 0.05}).outcome == outcome

    def test_a_case_that_the_baseline_lacks_has_not_regressed(self) -> None:
        verdict = judged(arm((19, RIGHT), (1, WRONG)), arm((19, RIGHT)))
        assert (verdict.outcome, verdict.cases) == ("inconclusive", 19)

    @pytest.mark.parametrize(
        ("now", "before", "margin", "fell"),
        [
            ([0.5] * 3, [0.75] * 3, 0.25, False),
            ([0.5] * 3, [0.75] * 3, 0.2499, True),
            ([0.6] * 3, [0.9] * 3, 0.3, False),  # 0.9 - 0.6 is 0.30000000000000004
            ([0.5] * 2, [1] * 3, 0.02, False),
            ([0.5] * 3, [1] * 2, 0.02, False),
            ([0, 1, 1], [1, 1, 1], 0.02, False),
            ([0, 0, 1], [1, 1, 0], 0.02, True),
            ([0, 0, 1, 1], [1] * 4, 0.02, False),
            ([0, 0, 0, 1], [1, 1, 0, 0], 0.02, False),
        ],
    )
    def test_a_case_has_regressed_when_both_majorities_lie_more_than_the_margin_apart(
        self, now: list[float], before: list[float], margin: float, fell: bool
    ) -> None:
        assert regressed({"a": now}, {"a": before}, margin, False) == (("a",) if fell else ())


class TestSingleCases:
    @pytest.mark.parametrize(
        ("scores", "steady", "said"),
        [
            ([1, 1, 1], False, "passes"), ([0, 0, 0], False, "fails"),
            ([1, 1], False, "unsure"), ([0, 0], False, "unsure"),
            ([1, 1, 0], False, "passes"), ([1, 0, 0], False, "fails"),
            ([1, 1, 0, 0], False, "unsure"), ([1, 1, 0, 0, 0], False, "fails"),
            ([1, 1, 1, 0, 0], False, "passes"),
            ([1], True, "passes"), ([0], True, "fails"), ([], True, "unsure"), ([], False, "unsure"),
            ([FULL] * 3, False, "passes"), ([FULL - 1e-9] * 3, False, "fails"),
        ],
    )  # fmt: skip
    def test_three_scores_and_more_than_half_of_them_are_certain(
        self, scores: list[float], steady: bool, said: str
    ) -> None:
        assert standing(scores, steady) == said

    @pytest.mark.parametrize("rule", [{"policy": {"zero_tolerance": True}}, {"must_pass": {"c003"}}])
    @pytest.mark.parametrize(
        ("scores", "steady", "outcome"),
        [([FULL], False, "pass"), ([0], False, "inconclusive"), ([0], True, "block")],
    )
    def test_a_case_that_must_not_fail(
        self, rule: dict[str, Any], scores: list[float], steady: bool, outcome: str
    ) -> None:
        verdict = judged(arm((3, [1]), (1, scores)), None, deterministic=steady, **rule)
        assert verdict.outcome == outcome

    def test_every_case_that_must_pass_is_looked_at_not_only_the_first(self) -> None:
        candidate, baseline = arm((1, RIGHT), (1, WRONG), (2, WRONG)), arm((1, RIGHT), (1, WRONG), (2, RIGHT))
        verdict = judged(candidate, baseline, must_pass=set(candidate))
        assert verdict.outcome == "block"
        assert "case c001" not in verdict.reason
        assert verdict.reason.count("the must_pass case") == 2

    @pytest.mark.parametrize(
        ("scores", "before", "steady", "outcome"),
        [
            ([0], [1], True, "block"),
            ([0], [0], True, "pass"),
            (WRONG, None, False, "inconclusive"),  # the baseline has no score of it
        ],
    )
    def test_a_must_pass_case_is_held_to_the_baseline(
        self, scores: list[float], before: list[float] | None, steady: bool, outcome: str
    ) -> None:
        calm = arm((3, RIGHT))
        baseline = calm if before is None else {**calm, "c003": before}
        verdict = judged({**calm, "c003": scores}, baseline, deterministic=steady, must_pass={"c003"})
        assert verdict.outcome == outcome

    @pytest.mark.parametrize("rule", [{"zero_tolerance": True}, {"zero_tolerance": True, "floor": 0.1}])
    def test_cases_that_are_missing_hold_though_none_of_the_others_failed(self, rule: dict[str, Any]) -> None:
        verdict = judged(arm((19, RIGHT)), arm((20, RIGHT)), expected=20, policy=rule)
        assert verdict.outcome == "inconclusive"

    def test_the_floor_holds_though_no_case_failed_for_certain(self) -> None:
        verdict = judged(arm((20, [0.5, 1])), None, policy={"zero_tolerance": True, "floor": 0.9})
        assert verdict.outcome == "block"

    def test_every_case_is_looked_at_where_none_may_fail(self) -> None:
        scores = arm((1, [1]), (1, [0]), (1, [1]), (1, WRONG))
        verdict = judged(scores, None, policy={"zero_tolerance": True})
        assert (verdict.outcome, "case c003" in verdict.reason) == ("block", True)


class TestFloor:
    @pytest.mark.parametrize(
        ("right", "wrong", "expected", "outcome"),
        [
            (9, 1, 10, "pass"), (8, 2, 10, "block"),
            # ten cases are not scored: at best they are all right
            (80, 10, 100, "inconclusive"), (79, 11, 100, "block"),
            (0, 0, 10, "inconclusive"),
        ],
    )  # fmt: skip
    def test_the_floor_itself_holds(self, right: int, wrong: int, expected: int, outcome: str) -> None:
        scores = arm((right, [1]), (wrong, [0]))
        assert judged(scores, None, expected=expected, policy={"floor": 0.9}).outcome == outcome

    def test_a_floor_of_decimal_scores_is_not_missed_by_their_rounding(self) -> None:
        assert judged(arm((10, [0.1, 0.2, 0.6])), None, policy={"floor": 0.3}).outcome == "pass"
        assert judged(arm((10, [0.7])), None, policy={"floor": 0.7}).outcome == "pass"

    def test_cases_beyond_the_expected_count_as_they_are(self) -> None:
        verdict = judged(arm((10, [1]), (10, [0])), None, expected=10, policy={"floor": 0.9})
        assert verdict.outcome == "block"


class TestArithmetic:
    def test_the_interval_is_z_standard_errors_to_either_side(self) -> None:
        verdict = judged(arm((96, RIGHT), (4, ONCE)), arm((100, RIGHT)))
        variance = 4 * (1 / 3) / 3 + 2 * 0.25 / 3  # four cases of variance 1/3, a pseudo-noisy one per arm
        error = math.sqrt(variance) / 100
        spread = z_score(ALPHA) * error
        assert verdict.standard_error == pytest.approx(error)
        assert verdict.difference == pytest.approx(-4 / 300)
        assert (verdict.low, verdict.high) == pytest.approx((-4 / 300 - spread, -4 / 300 + spread))
        assert (verdict.candidate, verdict.baseline) == pytest.approx((1 - 4 / 300, 1))
        assert (verdict.cases, verdict.repeats, verdict.margin) == (100, 3, 0.02)

    def test_the_record_of_a_first_release_holds_its_mean_and_no_comparison(self) -> None:
        verdict = judged(arm((3, [1]), (1, [0, 0.5])), None, errors=2)
        assert (verdict.candidate, verdict.cases, verdict.repeats) == (3.25 / 4, 4, 2)
        compared = (verdict.baseline, verdict.difference, verdict.standard_error, verdict.low, verdict.high)
        assert compared == (None,) * 5
        nothing = judged({}, None, expected=10)
        assert (nothing.candidate, nothing.cases, nothing.repeats) == (0, 0, 0)

    @pytest.mark.parametrize("scores", [[0.1] * 3, [0.7] * 7, [1 / 3] * 3, [1.0] * 9])
    def test_means_of_inexact_scores_stay_between_0_and_1(self, scores: list[float]) -> None:
        verdict = judged(arm((60, scores)), arm((60, [0.0] * len(scores))))
        assert verdict.difference == pytest.approx(scores[0])
        assert 0 <= verdict.candidate <= 1

    def test_of_an_arm_that_was_scored_unevenly_the_fewest_scores_count(self) -> None:
        found = compare({"a": [1, 1, 1, 1], "b": [1, 0]}, {"a": [1, 1], "b": [1, 1]})
        assert found is not None
        assert found.repeats == 2
        # b: variance 1/2 over 2 scores; the pseudo-noisy case has as many scores as the arm's fewest
        assert found.standard_error == pytest.approx(math.sqrt(0.5 / 2 + 0.25 / 2 + 0.25 / 2) / 2)

    def test_a_case_scored_once_among_many_has_the_widest_variance(self) -> None:
        found = compare({"a": [1, 1], "b": [1]}, {"a": [1, 1], "b": [1, 1]})
        assert found is not None
        assert found.standard_error == pytest.approx(math.sqrt(0.25 + 0.25 + 0.25 / 2) / 2)

    def test_of_one_repeat_every_flip_may_be_noise(self) -> None:
        found = compare({"a": [1], "b": [0], "c": [0.5]}, {"a": [0], "b": [1], "c": [1]})
        assert found is not None
        assert found.standard_error == pytest.approx(math.sqrt(1 + 1 + 0.25 + 1) / 3)

    def test_only_what_both_scored_is_compared(self) -> None:
        found = compare({"a": [1], "b": [0], "c": []}, {"a": [1], "c": [1], "d": [0]})
        assert found is not None
        assert (found.cases, found.candidate, found.baseline) == (1, 1, 1)
        verdict = judged({"a": [1], "b": [0]}, {"a": [1]})
        assert (verdict.candidate, verdict.baseline, verdict.difference) == (1, 1, 0)
        assert compare({"a": [1]}, {"b": [1]}) is None
        assert compare({"a": []}, {"a": [1]}) is None

    def test_what_never_varies_has_no_error_unless_the_scores_vary(self) -> None:
        def error(candidate: list[float], baseline: list[float]) -> float:
            found = compare({"a": candidate}, {"a": baseline}, deterministic=True)
            assert found is not None
            return found.standard_error

        assert error([1, 1], [0, 0]) == 0
        assert error([0.3, 0.1 + 0.2], [1, 1]) == 0  # equal but for the last bit
        assert error([1, 0], [1, 1]) > 0
        assert error([1, 1], [1, 0]) > 0

    def test_no_scores_are_no_repeats_and_no_mean(self) -> None:
        assert (repeats_of({}), repeats_of({"a": [1], "b": [1, 1]})) == (0, 2)
        assert case_means({"a": [], "b": [1, 0]}) == {"b": 0.5}

    @pytest.mark.parametrize(
        ("alpha", "z"), [(0.05, 1.6449), (0.025, 1.96), (0.01, 2.3263), (0.4999, 0.0003)]
    )
    def test_the_quantile(self, alpha: float, z: float) -> None:
        assert z_score(alpha) == pytest.approx(z, abs=5e-5)

    @pytest.mark.parametrize(
        ("difference", "error", "within", "below"),
        [
            (-0.02, 0, True, False), (-0.0201, 0, False, True), (0, 0, True, False),
            (0.0, 0.01, True, False), (0.0, 0.0101, False, False),
            (-0.04, 0.01, False, False), (-0.0401, 0.01, False, True),
        ],
    )  # fmt: skip
    def test_a_margin_of_two_points_at_two_standard_errors(
        self, difference: float, error: float, within: bool, below: bool
    ) -> None:
        found = seen(difference, error)
        assert (is_within(found, 0.02, 2), is_below(found, 0.02, 2)) == (within, below)

    @pytest.mark.parametrize(
        ("difference", "error", "cases", "repeats", "needs"),
        [
            (-0.06, 0.04, 100, 3, 12),  # (2·0.04/0.04)² = 4 times as many
            (-0.06, 0.041, 100, 3, 13),
            (0.02, 0.02, 100, 1, 1),
            (-0.02, 0.04, 100, 3, None),
            (-0.025, 0.04, 100, 3, None),  # half a case
            (-0.0251, 0.0001, 100, 3, 1),
            (-0.52, 0.5, 1, 2, None),
        ],
    )
    def test_repeats_that_would_decide(
        self, difference: float, error: float, cases: int, repeats: int, needs: int | None
    ) -> None:
        assert repeats_to_decide(seen(difference, error, cases, repeats), 0.02, 2) == needs


class TestManyCategories:
    def test_the_surest_is_asked_first_and_the_others_by_what_is_left_of_alpha(self) -> None:
        """Of three: z(.05/3) = 2.128, then z(.025) = 1.960, then z(.05) = 1.645 standard errors below."""

        def below(*standings: float) -> set[int]:
            return set(surely_below([(seen(-0.02 + 0.01 * one, 0.01), 0.02) for one in standings], ALPHA))

        assert below(-1.7) == {0}
        assert below(-1.6) == set()
        assert below(-1.7, -2.2, -2.0) == {0, 1, 2}
        assert below(-1.7, -2.2, -1.9) == {1}
        assert below(-1.6, -2.2, -2.0) == {1, 2}
        assert below(-2.1, -2.1, -2.1) == set()

    def test_the_surest_is_the_farthest_in_standard_errors_not_in_points(self) -> None:
        near, far = seen(-0.04, 0.01), seen(-0.05, 0.02)  # 2 and 1.5 standard errors below
        assert surely_below([(far, 0.02), (near, 0.02)], ALPHA) == {1}

    def test_what_has_no_error_is_the_surest_of_all(self) -> None:
        certain, calm, doubtful = seen(-0.03, 0), seen(0.0, 0), seen(-0.04, 0.01)
        found = surely_below([(one, 0.02) for one in (doubtful, calm, certain, calm)], ALPHA)
        assert found == {2}
        assert surely_below([], ALPHA) == frozenset()

    def test_the_margin_of_each_is_its_own(self) -> None:
        assert surely_below([(seen(-0.05, 0.01), 0.1), (seen(-0.05, 0.01), 0.02)], ALPHA) == {1}
        strict = category(arm((98, RIGHT), (2, WRONG)), arm((100, RIGHT)), policy={"margin": 0.0})
        assert judge_category(strict, ALPHA, 10).outcome == "block"
