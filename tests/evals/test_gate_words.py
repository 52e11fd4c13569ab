"""Every sentence of the gate, whole: what a person reads who is told to wait or to go back."""

from __future__ import annotations

from typing import Any

import pytest

from evals.gate import carrying, decide, judge_categories, judge_category
from evals.graders import FULL
from store.errors import InputError
from store.records.verdict import CategoryVerdict
from tests.evals.gate_scores import ALPHA, arm, category, judged

RIGHT, WRONG, ONCE = [1, 1, 1], [0, 0, 0], [0, 1, 1]
"""Three repeats of a case: all right, all wrong, wrong once."""
CALM = arm((100, [1] * 6))


@pytest.mark.parametrize(
    ("candidate", "baseline", "more", "outcome", "said"),
    [
        # under ten cases
        (
            arm((8, RIGHT), (1, WRONG)), arm((9, RIGHT)), {}, "pass",
            "relevance fell 11.1 points (100.0 → 88.9 over 9 cases, 3 repeats); "
            "under 10 cases cannot gate, this only informs.",
        ),
        (
            arm((1, [1])), arm((1, [0])), {}, "pass",
            "relevance rose 100.0 points (0.0 → 100.0 over 1 case, 1 repeat); "
            "under 10 cases cannot gate, this only informs.",
        ),
        # 10 to 49
        (
            arm((9, RIGHT), (1, WRONG)), arm((10, RIGHT)), {}, "block",
            "relevance has 1 case that is worse for certain (c009), and under 50 cases none may be.",
        ),
        (
            arm((17, RIGHT), (3, WRONG)), arm((20, RIGHT)), {"titles": {"c018": "return-window"}}, "block",
            "relevance has 3 cases that are worse for certain (c017, return-window, c019), "
            "and under 50 cases none may be.",
        ),
        (
            arm((16, RIGHT), (4, WRONG)), arm((20, RIGHT)), {}, "block",
            "relevance has 4 cases that are worse for certain (c016, c017, c018, …), "
            "and under 50 cases none may be.",
        ),
        (
            arm((19, [1]), (1, [0])), arm((20, [1])), {"deterministic": True}, "block",
            "relevance has 1 case that is worse for certain (c019), and under 50 cases none may be.",
        ),
        (
            arm((20, [1])), arm((20, [1])), {"deterministic": True}, "pass",
            "relevance did not change (100.0 → 100.0 over 20 cases, 1 repeat), "
            "and no case is worse for certain.",
        ),
        (
            arm((17, RIGHT), (3, ONCE)), arm((20, RIGHT)), {"policy": {"margin": 0.05}}, "pass",
            "relevance fell 5.0 points (100.0 → 95.0 over 20 cases, 3 repeats), "
            "and no case is worse for certain.",
        ),
        (
            arm((20, RIGHT)), arm((20, [1])), {}, "inconclusive",
            "relevance did not change (100.0 → 100.0 over 20 cases, 1 repeat); "
            "with under 50 cases it takes 3 repeats to tell.",
        ),
        # as a whole
        (
            arm((90, RIGHT), (10, WRONG)), arm((100, RIGHT)), {}, "block",
            "relevance fell 10.0 points (100.0 → 90.0 over 100 cases, 3 repeats), more than the 2.0 allowed.",
        ),
        (
            arm((100, RIGHT)), arm((100, RIGHT)), {}, "pass",
            "relevance did not change (100.0 → 100.0 over 100 cases, 3 repeats): "
            "at worst 0.7 points lower, 2.0 are allowed.",
        ),
        (
            arm((100, RIGHT)), arm((50, RIGHT), (50, WRONG)), {}, "pass",
            "relevance rose 50.0 points (50.0 → 100.0 over 100 cases, 3 repeats): "
            "for certain not lower, 2.0 are allowed.",
        ),
        (
            arm((50, [1])), arm((50, [1])), {"deterministic": True}, "pass",
            "relevance did not change (100.0 → 100.0 over 50 cases, 1 repeat): "
            "for certain not lower, 2.0 are allowed.",
        ),
        (
            arm((98, RIGHT), (2, WRONG)), arm((100, RIGHT)), {}, "inconclusive",
            "relevance fell 2.0 points (100.0 → 98.0 over 100 cases, 3 repeats), give or take 0.7, so "
            "neither within the 2.0 allowed nor beyond for certain; "
            "this close to the margin only more cases can tell.",
        ),
        (
            arm((50, [1])), arm((50, [1])), {}, "inconclusive",
            "relevance did not change (100.0 → 100.0 over 50 cases, 1 repeat), give or take 3.3, so neither "
            "within the 2.0 allowed nor beyond for certain; about 3 repeats would tell.",
        ),
        # without a baseline
        (
            arm((20, [1])), None, {}, "pass",
            "relevance: nothing to compare with yet; mean score 100.0 over 20 cases, "
            "no floor, zero tolerance or must_pass to hold.",
        ),
        (
            arm((15, [1]), (5, [0.5])), None, {"policy": {"floor": 0.0}}, "pass",
            "relevance: nothing to compare with yet; mean score 87.5 over 20 cases, held the floor of 0.0.",
        ),
        (
            arm((20, [1])), None, {"policy": {"floor": 0.5, "zero_tolerance": True}, "must_pass": {"c001"}},
            "pass",
            "relevance: nothing to compare with yet; mean score 100.0 over 20 cases, "
            "held the floor of 50.0, zero tolerance, must_pass.",
        ),
        # rules of their own
        (
            arm((94, [1]), (6, [0])), None, {"policy": {"floor": 0.95}}, "block",
            "relevance: the mean score 94.0 is under the floor of 95.0.",
        ),
        (
            arm((3, [1]), (1, [0])), None, {"policy": {"zero_tolerance": True}}, "inconclusive",
            "relevance: the case c003 failed once and none may, which repeats have not confirmed.",
        ),
        (
            arm((3, [1]), (1, [0, 0])), None, {"policy": {"zero_tolerance": True}}, "inconclusive",
            "relevance: the case c003 failed 2 of 2 times and none may, which repeats have not confirmed.",
        ),
        (
            arm((3, [1]), (1, [0, 1])), None, {"policy": {"zero_tolerance": True}}, "inconclusive",
            "relevance: the case c003 failed 1 of 2 times and none may, which repeats have not confirmed.",
        ),
        (
            arm((3, [1]), (2, [0, 0, 1])), None, {"policy": {"zero_tolerance": True}}, "block",
            "relevance: the case c003 failed 2 of 3 times and none may; "
            "the case c004 failed 2 of 3 times and none may.",
        ),
        (
            arm((3, [1]), (1, [0, 0, FULL])), None, {"policy": {"zero_tolerance": True}}, "block",
            "relevance: the case c003 failed 2 of 3 times and none may.",
        ),
        (
            arm((3, [1]), (1, [0])), None, {"must_pass": {"c003"}}, "inconclusive",
            "relevance: the must_pass case c003 failed once, which repeats have not confirmed.",
        ),
        (
            arm((3, [1]), (1, WRONG)), None, {"must_pass": {"c003"}}, "block",
            "relevance: the must_pass case c003 failed 3 of 3 times.",
        ),
        (
            arm((3, RIGHT), (1, WRONG)), arm((4, RIGHT)), {"must_pass": {"c003"}}, "block",
            "relevance: the must_pass case c003 failed 3 of 3 times, and passes before.",
        ),
        (
            arm((90, RIGHT), (10, WRONG)), arm((100, RIGHT)), {"policy": {"floor": 0.95}}, "block",
            "relevance fell 10.0 points (100.0 → 90.0 over 100 cases, 3 repeats), more than the 2.0 allowed; "
            "the mean score 90.0 is under the floor of 95.0.",
        ),
        # what is missing
        (
            arm((48, RIGHT)), arm((49, RIGHT)), {"expected": 50}, "inconclusive",
            "relevance: only 48 of 50 cases have a score in every arm (0 answers failed).",
        ),
        (
            arm((49, RIGHT)), arm((50, RIGHT)), {"expected": 50, "errors": 1}, "inconclusive",
            "relevance: only 49 of 50 cases have a score in every arm (1 answer failed).",
        ),
        (
            arm((50, RIGHT)), arm((51, RIGHT)), {"expected": 50}, "inconclusive",
            "relevance: the arms hold other cases than the 50 expected.",
        ),
        ({}, {}, {"expected": 0}, "inconclusive", "relevance: it has no cases here."),
    ],
)  # fmt: skip
def test_of_one_category(
    candidate: Any, baseline: Any, more: dict[str, Any], outcome: str, said: str
) -> None:
    verdict = judged(candidate, baseline, **more)
    assert (verdict.outcome, verdict.reason) == (outcome, said)


def test_a_drop_that_is_certain_only_alone_says_how_many_were_compared() -> None:
    calm = [category(arm((200, [1] * 10)), arm((200, [1] * 10)), name=f"calm{i}") for i in range(9)]
    wide = category(arm((46, [1]), (8, [0])), arm((54, [1])))
    assert judge_categories([wide, *calm], ALPHA, 10)[0].reason == (
        "relevance fell 14.8 points (100.0 → 85.2 over 54 cases, 1 repeat), over the 2.0 allowed, but not "
        "for certain with 10 categories compared; about 2 repeats would tell."
    )


@pytest.mark.parametrize(("most", "more"), [(1, " (the suite allows 1)"), (2, ""), (10, "")])
def test_the_last_repeat_that_is_allowed_is_told(most: int, more: str) -> None:
    small = judge_category(category(arm((20, [1])), arm((20, [1]))), ALPHA, most)
    large = judge_category(category(arm((50, [1])), arm((50, [1]))), ALPHA, most)
    assert small.reason.endswith(f"; with under 50 cases it takes 3 repeats to tell{more}.")
    assert large.reason.endswith(f"; about 3 repeats would tell{more}.")


def test_a_case_without_a_title_is_called_by_the_beginning_of_its_hash() -> None:
    hashed = "0123456789abcdef" * 4
    scores = category({hashed: WRONG}, None, policy={"zero_tolerance": True}, name="harm\x1b[2J")
    assert judge_category(scores, ALPHA, 10).reason == (
        "harm␛[2J: the case 0123456789ab failed 3 of 3 times and none may."
    )


def test_long_names_do_not_flood_a_sentence() -> None:
    long = "name " * 100
    scores = category({"a": WRONG}, None, policy={"zero_tolerance": True}, titles={"a": long})
    assert len(judge_category(scores, ALPHA, 10).reason) < 150
    assert all(len(said) < 150 for said in decide([], 0, 1, required=[("evals/tone", long)])[1][:1])


class TestTheWholeRun:
    passing = judged(CALM, CALM)
    small = judged(arm((9, RIGHT)), arm((9, RIGHT)))

    @pytest.mark.parametrize(
        ("categories", "errors", "answers", "more", "reasons"),
        [
            ([passing], 0, 1200, {}, ()),
            (
                [passing], 13, 1200, {},
                (
                    "13 of 1200 answers failed, more than 1%: "
                    "that is the machinery, not the release; run again once it works.",
                ),
            ),
            ([passing], 0, 0, {}, ("No answer was graded.",)),
            ([passing], 0, 1200, {"doubts": ["The judge passed a planted answer."]},
                ("The judge passed a planted answer.",)),
            (
                [small], 0, 54, {},
                (
                    "No category can gate: each has under 10 cases and no floor, zero tolerance or "
                    "must_pass, or nothing but a judge that only warns; add cases.",
                    small.reason,
                ),
            ),
            (
                [passing], 0, 1200,
                {"required": [("evals/tone", "b"), ("evals/tone", "a"), ("evals/support", "relevance"),
                              ("evals/other", "\x1b[2J")]},
                (
                    "␛[2J of evals/other was not judged.",
                    "a of evals/tone was not judged.",
                    "b of evals/tone was not judged.",
                ),
            ),
        ],
    )  # fmt: skip
    def test_says_one_sentence_for_each_doubt(
        self,
        categories: list[CategoryVerdict],
        errors: int,
        answers: int,
        more: dict[str, Any],
        reasons: tuple[str, ...],
    ) -> None:
        outcome, said = decide(categories, errors, answers, **more)
        assert (outcome, said) == ("inconclusive" if reasons else "pass", reasons)

    def test_counts_that_cannot_be_are_named(self) -> None:
        with pytest.raises(InputError) as caught:
            decide([self.passing], 1, -5)
        assert caught.value.message == "1 errors of -5 answers cannot be; run the evals again."

    def test_a_score_that_is_none_is_named(self) -> None:
        for side, (candidate, baseline) in {
            "candidate": (arm((10, [1.5])), arm((10, [1]))),
            "baseline": (arm((10, [1])), arm((10, [1.5]))),
        }.items():
            with pytest.raises(InputError) as caught:
                judged(candidate, baseline)
            assert caught.value.message == (
                f"evals/support relevance, {side}: case c000 has the score 1.5; a score is a number "
                "from 0 to 1, so this run cannot be judged. Run it again."
            )

    def test_an_error_rate_that_cannot_be_is_named(self) -> None:
        with pytest.raises(InputError) as caught:
            judge_category(category(CALM, CALM), 0.5, 10)
        assert caught.value.message == "alpha is 0.5; give an error rate between 0 and 0.5."


def test_what_can_hold_a_release_back() -> None:
    nine, ten = arm((9, [1])), arm((10, [1]))
    categories = [
        category(nine, None, name="few"),
        category(ten, None, name="ten"),
        category(nine, None, name="floored", policy={"floor": 0.0}),
        category(nine, None, name="strict", policy={"zero_tolerance": True}),
        category(nine, None, name="must", must_pass={"c000"}),
    ]
    assert [name for _, name in carrying(categories)] == ["ten", "floored", "strict", "must"]
    verdicts = {one.name: judge_category(one, ALPHA, 10) for one in categories}
    assert decide([verdicts["ten"]], 0, 10) == ("pass", ())
    assert decide([verdicts["few"]], 0, 10)[0] == "inconclusive"
