"""Each rule of the gate, one example or a few at a time."""

from __future__ import annotations

from typing import Any

import pytest

from evals.gate import (
    carrying,
    decide,
    judge_categories,
    judge_category,
    next_repeats,
    undecided,
)
from store.errors import InputError
from tests.evals.gate_scores import ALPHA, arm, category, judged


class TestComparison:
    def test_a_ten_point_drop_blocks_and_says_so(self) -> None:
        verdict = judged(arm((90, [1, 1, 1]), (10, [0, 0, 0])), arm((100, [1, 1, 1])))
        assert verdict.outcome == "block"
        assert verdict.reason == (
            "relevance fell 10.0 points (100.0 → 90.0 over 100 cases, 3 repeats), more than the 2.0 allowed."
        )

    def test_exactly_the_margin_passes_where_nothing_varies(self) -> None:
        verdict = judged(arm((49, [1]), (1, [0])), arm((50, [1])), deterministic=True)
        assert (verdict.outcome, verdict.standard_error, verdict.difference) == ("pass", 0, -0.02)

    def test_one_case_more_than_the_margin_blocks_where_nothing_varies(self) -> None:
        assert judged(arm((48, [1]), (2, [0])), arm((50, [1])), deterministic=True).outcome == "block"

    def test_a_claim_of_determinism_that_the_repeats_contradict_is_not_believed(self) -> None:
        verdict = judged(arm((49, [1, 1]), (1, [1, 0])), arm((50, [1, 1])), deterministic=True)
        assert verdict.standard_error and verdict.standard_error > 0

    def test_one_repeat_without_proof_is_never_certain_at_fifty_cases(self) -> None:
        verdict = judged(arm((50, [1])), arm((50, [1])))
        assert (verdict.outcome, verdict.needs_repeats) == ("inconclusive", 3)

    def test_fewer_repeats_in_one_arm_count_as_fewer(self) -> None:
        verdict = judged(arm((60, [1, 1, 1])), arm((60, [1])))
        assert verdict.repeats == 1
        assert verdict.standard_error == pytest.approx(1 / 60)

    def test_a_case_with_one_score_among_many_widens_the_interval(self) -> None:
        full = judged(arm((60, [1, 1, 1])), arm((60, [1, 1, 1])))
        gappy = judged(arm((59, [1, 1, 1]), (1, [1])), arm((60, [1, 1, 1])))
        assert full.standard_error is not None and gappy.standard_error is not None
        assert gappy.standard_error > full.standard_error

    def test_the_last_repeat_says_that_it_was_the_last(self) -> None:
        scores = category(arm((50, [1])), arm((50, [1])))
        assert "(the suite allows 1)" in judge_category(scores, ALPHA, 1).reason
        assert "the suite allows" not in judge_category(scores, ALPHA, 10).reason

    @pytest.mark.parametrize("alpha", [0, 0.5, 1, float("nan"), -0.1])
    def test_an_impossible_alpha_is_refused(self, alpha: float) -> None:
        with pytest.raises(InputError, match="alpha"):
            judge_category(category(arm((50, [1])), arm((50, [1]))), alpha, 10)


class TestManyCategories:
    def test_what_blocks_alone_by_a_hair_does_not_among_ten(self) -> None:
        calm = [category(arm((200, [1] * 10)), arm((200, [1] * 10)), name=f"calm{i}") for i in range(9)]
        wide = category(arm((46, [1]), (8, [0])), arm((54, [1])))
        assert judge_category(wide, ALPHA, 10).outcome == "block"
        among = judge_categories([wide, *calm], ALPHA, 10)[0]
        assert among.outcome == "inconclusive"
        assert "not for certain with 10 categories" in among.reason
        assert among.needs_repeats is not None and among.needs_repeats > 1

    def test_a_clear_drop_blocks_among_many(self) -> None:
        calm = [category(arm((200, [1, 1, 1])), arm((200, [1, 1, 1])), name=f"calm{i}") for i in range(9)]
        drop = category(arm((90, [1, 1, 1]), (10, [0, 0, 0])), arm((100, [1, 1, 1])))
        assert [one.outcome for one in judge_categories([*calm, drop], ALPHA, 10)] == ["pass"] * 9 + ["block"]

    def test_passing_is_not_made_easier_or_harder_by_others(self) -> None:
        one = category(arm((100, [1, 1, 1])), arm((100, [1, 1, 1])))
        alone = judge_category(one, ALPHA, 10)
        assert judge_categories([one] * 7, ALPHA, 10)[3] == alone


class TestSmallCategories:
    def test_one_confirmed_regression_blocks_and_is_named(self) -> None:
        verdict = judged(
            arm((19, [1, 1, 1]), (1, [0, 0, 1])), arm((20, [1, 1, 1])), titles={"c019": "return-window"}
        )
        assert verdict.outcome == "block"
        assert "1 case that is worse for certain (return-window)" in verdict.reason

    def test_an_improvement_does_not_pay_for_a_regression(self) -> None:
        candidate, baseline = (
            arm((18, [1, 1, 1]), (1, [0, 0, 0]), (1, [1, 1, 1])),
            arm((18, [1, 1, 1]), (1, [1, 1, 1]), (1, [0, 0, 0])),
        )
        assert judged(candidate, baseline).outcome == "block"

    def test_an_unconfirmed_one_is_run_again(self) -> None:
        verdict = judged(arm((19, [1]), (1, [0])), arm((20, [1])))
        assert (verdict.outcome, verdict.needs_repeats) == ("inconclusive", 3)

    def test_one_repeat_of_nothing_but_right_answers_is_not_enough(self) -> None:
        assert judged(arm((20, [1])), arm((20, [1]))).outcome == "inconclusive"

    def test_three_repeats_without_a_confirmed_regression_pass(self) -> None:
        assert judged(arm((19, [1, 1, 1]), (1, [0, 1, 1])), arm((20, [1, 1, 1]))).outcome == "pass"

    def test_scattered_losses_beyond_the_margin_do_not_pass(self) -> None:
        verdict = judged(arm((17, [1, 1, 1]), (3, [0, 1, 1])), arm((20, [1, 1, 1])))
        assert verdict.outcome == "inconclusive"

    def test_one_repeat_suffices_where_nothing_varies(self) -> None:
        same = judged(arm((20, [1])), arm((20, [1])), deterministic=True)
        worse = judged(arm((19, [1]), (1, [0])), arm((20, [1])), deterministic=True)
        assert (same.outcome, worse.outcome) == ("pass", "block")

    def test_graded_scores_regress_too(self) -> None:
        verdict = judged(arm((19, [0.9] * 3), (1, [0.5] * 3)), arm((20, [0.9] * 3)))
        assert verdict.outcome == "block"

    def test_a_confirmed_regression_blocks_though_other_cases_are_missing(self) -> None:
        verdict = judged(arm((18, [1, 1, 1]), (1, [0, 0, 0])), arm((20, [1, 1, 1])), expected=20)
        assert verdict.outcome == "block"

    def test_under_ten_cases_only_inform(self) -> None:
        verdict = judged(arm((4, [0] * 6), (5, [1] * 6)), arm((9, [1] * 6)))
        assert verdict.outcome == "pass"
        assert "cannot gate" in verdict.reason


class TestHardRules:
    def test_a_mean_under_the_floor_blocks_whatever_the_baseline_does(self) -> None:
        policy = {"floor": 0.95}
        low = arm((94, [1]), (6, [0]))
        verdict = judged(low, low, policy=policy)
        assert verdict.outcome == "block"
        assert "the mean score 94.0 is under the floor of 95.0" in verdict.reason
        assert judged(low, None, policy=policy).outcome == "block"
        assert judged(arm((95, [1]), (5, [0])), None, policy=policy).outcome == "pass"

    def test_missing_cases_do_not_break_the_floor_that_they_could_hold(self) -> None:
        policy = {"floor": 0.9}
        assert judged(arm((5, [1]), (1, [0])), None, expected=100, policy=policy).outcome == "inconclusive"
        assert judged(arm((5, [1]), (60, [0])), None, expected=100, policy=policy).outcome == "block"

    @pytest.mark.parametrize(
        ("scores", "outcome"),
        [
            ([1], "pass"),
            ([1, 1, 1], "pass"),
            ([0], "inconclusive"),
            ([0, 0], "inconclusive"),
            ([0, 1, 1], "inconclusive"),
            ([0, 0, 1], "block"),
            ([0.99, 0.99, 0.99], "block"),
            ([0, 0, 0, 1, 1, 1], "inconclusive"),
        ],
    )
    def test_zero_tolerance(self, scores: list[float], outcome: str) -> None:
        verdict = judged(arm((3, [1]), (1, scores)), None, name="harmful", policy={"zero_tolerance": True})
        assert verdict.outcome == outcome

    @pytest.mark.parametrize(
        ("candidate", "baseline", "outcome"),
        [
            ([0, 0, 1], [1, 1, 0], "block"),
            ([0, 0, 0], [0, 0, 1], "pass"),
            ([0, 1, 1], [1, 1, 1], "pass"),
            ([0], [1], "inconclusive"),
            ([0, 0, 0], [1], "inconclusive"),
            ([0] * 3 + [1] * 3, [1] * 6, "inconclusive"),
            ([0, 0, 0], None, "block"),
            ([0], None, "inconclusive"),
            ([1], None, "pass"),
        ],
    )
    def test_must_pass(self, candidate: list[float], baseline: list[float] | None, outcome: str) -> None:
        verdict = judged(
            {"a": candidate}, None if baseline is None else {"a": baseline}, must_pass={"a"}, expected=1
        )
        assert verdict.outcome == outcome

    def test_a_must_pass_case_without_any_score_is_no_pass(self) -> None:
        assert judged(arm((20, [1] * 3)), arm((20, [1] * 3)), must_pass={"other"}).outcome == "inconclusive"

    def test_the_first_release_says_that_there_is_nothing_to_compare_with(self) -> None:
        verdict = judged(arm((20, [1])), None, policy={"floor": 0.5})
        assert verdict.outcome == "pass"
        assert verdict.baseline is verdict.difference is None
        assert "nothing to compare with yet" in verdict.reason
        assert "the floor of 50.0" in verdict.reason


class TestNeverAPass:
    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.1, 1.1])
    @pytest.mark.parametrize("side", ["candidate", "baseline"])
    def test_what_is_no_score_is_refused(self, bad: float, side: str) -> None:
        arms = {"candidate": arm((60, [1.0])), "baseline": arm((60, [1.0]))}
        arms[side]["c007"] = [1.0, bad]
        with pytest.raises(InputError, match="c007"):
            judged(arms["candidate"], arms["baseline"])

    @pytest.mark.parametrize(
        ("candidate", "baseline", "expected"),
        [
            (arm((99, [1] * 6)), arm((100, [1] * 6)), 100),
            (arm((100, [1] * 6)), arm((99, [1] * 6)), 100),
            (arm((99, [1] * 6)), arm((100, [1] * 6)), 99),
            (arm((99, [1] * 6), (1, [])), arm((100, [1] * 6)), 100),
            (arm((100, [1] * 6)), {}, 100),
            ({}, {}, 0),
            ({}, None, 0),
            ({}, None, 10),
            (arm((100, [1] * 6)), {f"other{i}": [1] * 6 for i in range(100)}, 100),
        ],
    )
    def test_fewer_or_other_cases(self, candidate: Any, baseline: Any, expected: int) -> None:
        assert judged(candidate, baseline, expected=expected).outcome == "inconclusive"


class TestDecide:
    passing = judged(arm((100, [1] * 6)), arm((100, [1] * 6)))
    unsure = judged(arm((50, [1])), arm((50, [1])), name="tone")
    blocking = judged(arm((90, [1] * 3), (10, [0] * 3)), arm((100, [1] * 3)), name="safety")

    def test_all_pass(self) -> None:
        assert decide([self.passing], 0, 1200) == ("pass", ())

    def test_a_block_goes_before_doubt_and_both_are_told(self) -> None:
        outcome, reasons = decide([self.passing, self.unsure, self.blocking], 0, 1300)
        assert outcome == "block"
        assert reasons == (self.blocking.reason, self.unsure.reason)

    def test_any_doubt_holds(self) -> None:
        assert decide([self.passing, self.unsure], 0, 1300)[0] == "inconclusive"

    @pytest.mark.parametrize(("errors", "outcome"), [(0, "pass"), (10, "pass"), (11, "inconclusive")])
    def test_more_than_one_percent_of_errors_hold(self, errors: int, outcome: str) -> None:
        assert decide([self.passing], errors, 1000)[0] == outcome

    def test_a_required_category_without_a_verdict_holds(self) -> None:
        outcome, reasons = decide([self.passing], 0, 1200, required=[("evals/support", "safety")])
        assert outcome == "inconclusive"
        assert reasons == ("safety of evals/support was not judged.",)

    def test_nothing_judged_is_no_pass(self) -> None:
        assert decide([], 0, 0)[0] == "inconclusive"
        assert decide([], 0, 100)[0] == "inconclusive"

    def test_small_categories_alone_cannot_gate_unless_a_rule_of_theirs_does(self) -> None:
        plain = category(arm((5, [1] * 3)), arm((5, [1] * 3)))
        strict = category(arm((5, [1] * 3)), arm((5, [1] * 3)), must_pass={"c000"})
        for scores, outcome in ((plain, "inconclusive"), (strict, "pass")):
            verdict = judge_category(scores, ALPHA, 10)
            assert verdict.outcome == "pass"
            assert decide([verdict], 0, 30, carrying=carrying([scores]))[0] == outcome

    def test_impossible_counts_are_refused(self) -> None:
        with pytest.raises(InputError):
            decide([self.passing], -1, 10)

    def test_what_to_run_again(self) -> None:
        assert undecided([self.passing, self.unsure, self.blocking]) == ("tone",)
        assert [next_repeats(now, (1, 3, 6, 10)) for now in (0, 1, 2, 3, 6, 10, 11)] == [
            1, 3, 3, 6, 10, None, None,
        ]  # fmt: skip
