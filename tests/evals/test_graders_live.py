"""Which graders are asked about answers to users, and which are not."""

from __future__ import annotations

import json

import pytest

from evals.answer import Answer
from evals.live.grading import LiveGrading
from evals.suite import Suite, parse_suite
from store.errors import InputError


def suite(live: str, *expect: dict[str, object]) -> Suite:
    toml = f'[judge]\nmodel = "model/judge@v1"\n[[categories]]\nname = "tone"\n[[live.graders]]\n{live}\n'
    asked = {"id": "a", "input": "How long?", "category": "tone", "reference": "30 days", "expect": expect}
    files = {"suite.toml": toml.encode(), "cases.jsonl": json.dumps(asked).encode()}
    return parse_suite(files, "evals/support@v1")


YES = {"grader": "contains", "any": ["30"]}
PLAIN = 'grader = "not_contains"\nany = ["sorry"]'
JUDGE = {"grader": "judge", "rubric": "polite"}
OWN = {"grader": "python", "callable": "qzx:grade"}
BUDGET = {"grader": "budget", "tokens": 5}


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ('grader = "judge"\nrubric = "polite"', "judge is for evals"),
        ('grader = "python"\ncallable = "shop:polite"', "python is for evals"),
        ('grader = "budget"\nusd = 0.1', "budget is for evals"),
        ('grader = "fuzzy"', "fuzzy needs an expected answer"),
        ('grader = "fuzzy"\nthreshold = 0.5', "fuzzy needs an expected answer"),
        ('grader = "equals"\nnormalise = false', "equals needs an expected answer"),
        ('grader = "json_path"\npath = "a.b"', "json_path"),
    ],
)
def test_what_cannot_be_asked_live_is_refused(live: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        suite(live, YES)
    assert said in caught.value.message and "live.graders.0" in caught.value.message


@pytest.mark.parametrize(
    "live",
    ['grader = "fuzzy"\nvalue = "no"', 'grader = "json_path"\npath = "$.a"', 'grader = "citations"', PLAIN],
)
def test_what_needs_no_expected_answer_may(live: str) -> None:
    assert suite(live, YES).live is not None


async def test_of_a_cases_own_graders_only_those_for_users_are_asked() -> None:
    found = await LiveGrading([suite(PLAIN, YES, JUDGE, OWN, BUDGET)]).grade("How long?", Answer("30 days"))
    assert (found.quality, found.errors) == (1, ())
    none = await LiveGrading([suite(PLAIN, JUDGE)]).grade("How long?", Answer("30 days"))
    assert (none.quality, none.errors) == (None, ())


async def test_citations_are_not_asked_where_the_application_did_not_say_what_it_retrieved() -> None:
    grading = LiveGrading([suite('grader = "citations"', YES)])
    assert grading.wants_passages("Something else")
    unknown = await grading.grade("Something else", Answer("x [a.md]"), passages_known=False)
    assert unknown.quality is None
    assert (await grading.grade("Something else", Answer("x [a.md]"))).quality == 0
