"""What the grader `judge` shows its judge, and what it makes of the word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from evals.answer import Answer
from evals.graders import GradeContext, grade
from evals.graders.base import Yields
from evals.graders.judge import Judged
from evals.judge.judging import Judge
from evals.models.reply import Completion
from prompts.render import Message
from store.records.versions import ModelPin
from tests.evals.graded_cases import case, said
from tests.evals.judge_script import NAME, PIN, read

POLITE = {"grader": "judge", "rubric": "The answer is polite.", "votes": 1}
SCORED = {**POLITE, "scale": "1-5"}


class Scripted:
    """An endpoint that gives these votes one after the other, and remembers what it was asked."""

    model: ModelPin = PIN
    identity = "scripted"

    def __init__(self, *votes: bool | int, reason: str = "so it is") -> None:
        self.asked: list[dict[str, Any]] = []
        self.rubrics: list[str] = []
        self._votes = iter(votes)
        self._reason = reason

    async def complete(self, messages: Sequence[Message]) -> Completion:
        fence, data, _ = read({"messages": list(messages)})
        self.asked.append(json.loads(data))
        self.rubrics.append(messages[-1]["content"].splitlines()[0])
        vote = next(self._votes)
        key = "verdict" if isinstance(vote, bool) else "score"
        reply = json.dumps({"fence": fence, key: vote, "reason": self._reason})
        return Completion(reply, "judge", "stop")


def context(endpoint: Scripted, repeat: int = 1) -> GradeContext:
    judge = Judge(NAME, endpoint, concurrency=1)
    return GradeContext(judge=judge, trusted=frozenset({"verdict", "score"}), repeat=repeat)


@pytest.mark.parametrize(
    ("spec", "vote", "score", "reason"),
    [
        (POLITE, True, 1, "yes, 1 of 1 vote"),
        (POLITE, False, 0, "no, 1 of 1 vote"),
        (SCORED, 1, 0, "1 of 5, 1 of 1 vote"),
        (SCORED, 2, 0.25, "2 of 5, 1 of 1 vote"),
        (SCORED, 5, 1, "5 of 5, 1 of 1 vote"),
        ({**SCORED, "at_least": 4}, 3, 0, "3 of 5, 1 of 1 vote"),
        ({**SCORED, "at_least": 4}, 4, 1, "4 of 5, 1 of 1 vote"),
        ({**SCORED, "at_least": 4}, 5, 1, "5 of 5, 1 of 1 vote"),
    ],
)
async def test_the_word_becomes_a_score(spec: dict[str, Any], vote: Any, score: float, reason: str) -> None:
    found = await said(spec, "Hi", context(Scripted(vote)))
    assert (found.score, found.error) == (score, None)
    assert found.reasons == (f"judge: {reason}: so it is",)


async def test_the_judge_sees_rubric_question_answer_and_reference_and_passages_only_where_wanted() -> None:
    plain, whole = Scripted(True), Scripted(True)
    await said(POLITE, "Hi", context(plain))
    assert plain.asked == [{"question": "How long?", "answer": "Hi"}]
    assert plain.rubrics == ['The rubric, as JSON text: "The answer is polite."']
    await said({**POLITE, "passages": True}, "Hi", context(whole), reference="30 days")
    assert whole.asked == [
        {"question": "How long?", "reference": "30 days", "passages": ["30 days", "by post"], "answer": "Hi"}
    ]


async def test_it_is_asked_as_often_as_there_are_votes() -> None:
    endpoint = Scripted(True, False, True)
    found = await said({**POLITE, "votes": 3}, "Hi", context(endpoint))
    assert (found.score, len(endpoint.asked)) == (1, 3)
    assert found.reasons == ("judge: yes, 2 of 3 votes: so it is",)


async def test_each_repeat_is_judged_by_votes_of_its_own() -> None:
    numbers: list[tuple[int, int]] = []

    class Counting(Judge):
        async def judge(self, asked: Any, votes: int, repeat: int = 1, **more: Any) -> Any:
            numbers.append((votes, repeat))
            return await super().judge(asked, votes, repeat, **more)

    for repeat in (1, 3):
        judge = Counting(NAME, Scripted(True, True, True))
        await said({**POLITE, "votes": 3}, "Hi", GradeContext(judge=judge, repeat=repeat))
    assert numbers == [(3, 1), (3, 3)]


async def test_no_judgement_is_no_score() -> None:
    found = await said(POLITE, "Hi", context(Scripted(3, 3)))
    assert (found.score, found.passed) == (None, None)
    assert found.error is not None and found.error.startswith("the judge gave no judgement: ")


async def test_a_long_word_is_cut() -> None:
    found = await said(POLITE, "Hi", context(Scripted(True, reason="so " * 500)))
    assert len(found.reasons[0]) < 210


RIGHT, WRONG = {"grader": "contains", "any": ["Hi"]}, {"grader": "contains", "any": ["Ho"]}


@pytest.mark.parametrize(
    ("expect", "trusted", "score", "told"),
    [
        ([RIGHT, POLITE], set(), 1, "judge (only warns): no, 1 of 1 vote: so it is"),
        ([RIGHT, POLITE], {"score"}, 1, "judge (only warns): no, 1 of 1 vote: so it is"),
        ([RIGHT, POLITE], {"verdict"}, 0.5, "judge: no, 1 of 1 vote: so it is"),
        ([WRONG, POLITE], set(), 0, "judge (only warns): no, 1 of 1 vote: so it is"),
        # where there is nothing else, what only warns is all there is
        ([POLITE], set(), 0, "judge (only warns): no, 1 of 1 vote: so it is"),
    ],
)
async def test_a_judge_that_is_not_trusted_is_told_but_not_counted(
    expect: list[dict[str, Any]], trusted: set[Any], score: float, told: str
) -> None:
    judged = GradeContext(judge=Judge(NAME, Scripted(False)), trusted=frozenset(trusted))
    found = await grade(case(*expect), Answer(text="Hi"), judged)
    assert (found.score, found.reasons[-1]) == (score, told)


@pytest.mark.parametrize(
    ("more", "yields"),
    [({}, "verdict"), ({"scale": "1-5"}, "score"), ({"scale": "1-5", "at_least": 2}, "verdict")],
)
def test_what_a_judge_must_have_been_shown_to_agree_on(more: dict[str, Any], yields: str) -> None:
    (spec,) = case({**POLITE, **more}).expect
    assert isinstance(spec, Judged) and spec.yields == yields
    both: frozenset[Yields] = frozenset({"verdict", "score"})
    assert spec.only_warns(GradeContext(trusted=both - {yields}))
    assert not spec.only_warns(GradeContext(trusted=both & {yields}))
