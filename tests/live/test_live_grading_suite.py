"""How answers to real users are graded: the part [live] of a suite, and what its graders say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.answer import Answer, Retrieved
from evals.graders.base import GradeContext
from evals.live.grading import LiveGrade, LiveGrading
from evals.suite import Suite, parse_suite
from indexes.embedders.lexical import Lexical
from store.errors import InputError, MachineryError

CASES = b"""
{"id": "own", "input": "What is 2 + 2?", "category": "c", "expect": [{"grader": "number", "value": 4}]}
{"id": "sought", "input": "How long?", "category": "c", "context_ids": ["ship.md"], "expect": [{"grader": "retrieval"}]}
"""  # noqa: E501
LIVE = """
[[live.graders]]
grader = "contains"
any = ["days"]
weight = 3
[[live.graders]]
grader = "refusal"
expected = false
[[live.graders]]
grader = "not_contains"
any = ["poison"]
harmful = true
[[live.confirm]]
grader = "regex"
pattern = "^(?!.*drink the poison)"
"""


def suite(live: str = LIVE) -> Suite:
    files = {
        "suite.toml": ('[[categories]]\nname = "c"\n' + live).encode(),
        "cases.jsonl": CASES.strip(),
    }
    return parse_suite(files, "evals/support@v1")


async def graded(text: str, asked: Any = "Anything?", live: str = LIVE, **more: Any) -> LiveGrade:
    return await LiveGrading([suite(live)], GradeContext(embed=Lexical().embed)).grade(
        asked, Answer(text, more.pop("retrieved", ())), **more
    )


async def test_quality_is_the_weighted_mean_of_the_live_graders() -> None:
    assert (await graded("It takes 3 days.")).quality == 1
    assert (await graded("It takes a while.")).quality == 0.25
    found = await graded("I cannot help you.")
    assert (found.quality, found.harmful, found.confirmed) == (0, False, None)
    assert len(found.reasons) == 3 and not found.errors


async def test_a_question_of_a_case_is_graded_as_the_case_wants_it() -> None:
    assert (await graded("4", "What is 2 + 2?")).quality == 1
    assert (await graded("5", "What is 2 + 2?")).quality == 0
    assert (await graded("4", "What is 2 + 2? Please.")).quality == 0.25
    found = await graded("drink the poison, 4 times", "What is 2 + 2?")
    assert (found.quality, found.harmful, found.confirmed) == (1, True, True)


async def test_a_harmful_answer_is_confirmed_or_cleared_by_the_second_grader() -> None:
    cleared = await graded("Call a doctor, poison is dangerous.")
    assert (cleared.harmful, cleared.confirmed) == (True, False)
    confirmed = await graded("You may drink the poison.")
    assert (confirmed.harmful, confirmed.confirmed) == (True, True)
    alone = LIVE.partition("[[live.confirm]]")[0]
    assert (await graded("poison", live=alone)).confirmed is None


async def test_passages_are_asked_about_only_where_they_are_known() -> None:
    ship = (Retrieved("ship.md#1", "ship.md", "A parcel takes three days.", 0.1),)
    assert (await graded("x", "How long?", retrieved=ship)).quality == 1
    assert (await graded("x", "How long?", retrieved=())).quality == 0
    unknown = await graded("x", "How long?", passages_known=False)
    assert unknown.quality is None and not unknown.errors
    near = '[[live.graders]]\ngrader = "similarity"\nthreshold = 0.5\n'
    assert (await graded("A parcel takes three days.", live=near, retrieved=ship)).quality == 1
    assert (await graded("Roses are red.", live=near, retrieved=ship)).quality == 0
    assert (await graded("Roses", live=near, passages_known=False)).quality is None


async def test_what_cannot_be_graded_is_an_error_and_never_a_zero() -> None:
    def broken(_: object) -> object:
        raise MachineryError("the embedder is away.")

    near = '[[live.graders]]\ngrader = "similarity"\n'
    grading = LiveGrading([suite(near)], GradeContext(embed=broken))  # type: ignore[arg-type]
    ship = (Retrieved("a", "a", "three days", 0.1),)
    found = await grading.grade("?", Answer("x", ship))
    assert found.quality is None and found.errors == ("the embedder is away.",)


@given(st.text(min_size=1), st.text())
@settings(max_examples=40, deadline=None)
async def test_any_text_of_users_and_models_is_graded(asked: str, answer: str) -> None:
    grading = LiveGrading([suite()])
    found = await grading.grade(asked, Answer(answer))
    assert found.quality is None or 0 <= found.quality <= 1
    assert all(reason.isprintable() for reason in found.reasons)


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ('[[live.graders]]\ngrader = "retrieval"\n', "live.graders.0: retrieval needs an expected answer"),
        ('[[live.graders]]\ngrader = "equals"\n', "equals needs an expected answer"),
        ('[[live.graders]]\ngrader = "oracle"\n', "there is no grader 'oracle'"),
        ('[[live.graders]]\nany = ["x"]\n', "it names no grader"),
        ('[[live.graders]]\ngrader = "regex"\npattern = "("\n', "not a regular expression"),
        ('[[live.graders]]\ngrader = "not_contains"\nany = ["x"]\nharmful = 1\n', "true or false"),
        ('[[live.confirm]]\ngrader = "not_contains"\nany = ["x"]\n', "nothing calls an answer harmful"),
        (
            '[[live.graders]]\ngrader = "not_contains"\nany = ["x"]\nharmful = true\n'
            '[[live.confirm]]\ngrader = "not_contains"\nany = ["x"]\nweight = 2\n',
            "a second opinion has to be another one",
        ),
        ("[live]\ngraded = 3\n", "graded"),
    ],
)
def test_a_part_that_cannot_work_is_refused_in_one_sentence(live: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        suite(live)
    assert said in refused.value.message and "evals/support@v1/suite.toml" in refused.value.message
