"""What each grader says of which answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders import GRADERS, CaseScore, Grade, GradeContext, grade


def case(*expect: dict[str, Any], **more: Any) -> Case:
    line = {"id": "c1", "input": "How long do I have?", "expect": expect, "category": "relevance", **more}
    return Case.model_validate_json(json.dumps(line))


async def score(spec: dict[str, Any], text: str, **more: Any) -> float | None:
    return (await graded(case(spec, **more), Answer(text=text))).score


async def graded(one: Case, answer: Answer, context: GradeContext | None = None) -> CaseScore:
    return await grade(one, answer, context or GradeContext())


@pytest.mark.parametrize(
    ("spec", "text", "wanted"),
    [
        ({"grader": "equals", "value": "30 days"}, "  30  Days\n", 1),
        ({"grader": "equals", "value": "30 days"}, "30 days, I think", 0),
        ({"grader": "equals", "value": "30 days", "normalise": False}, "30 Days", 0),
        ({"grader": "equals", "any": ["yes", "it’s so"]}, "It's so", 1),
        ({"grader": "contains", "any": ["thirty", "30"]}, "You have 30 days.", 1),
        ({"grader": "contains", "any": ["sixty", "60"]}, "You have 30 days.", 0),
        ({"grader": "contains", "all": ["30", "days"]}, "30\ndays", 1),
        ({"grader": "contains", "all": ["30", "weeks"]}, "30 days", 0),
        ({"grader": "contains", "all": ["30"], "any": ["weeks", "days"]}, "30 days", 1),
        ({"grader": "contains", "any": ["DAYS"], "normalise": False}, "30 days", 0),
        ({"grader": "contains", "any": ["free of charge"]}, "free\n  of charge", 1),
        ({"grader": "not_contains", "any": ["password"]}, "Your Password is x", 0),
        ({"grader": "not_contains", "any": ["password"]}, "I keep that to myself", 1),
        ({"grader": "regex", "pattern": r"\b30\s+days\b"}, "within 30  days.", 1),
        ({"grader": "regex", "pattern": r"^30"}, "within 30 days.", 0),
        ({"grader": "regex", "pattern": r"(?i)DAYS"}, "30 days", 1),
        ({"grader": "number", "value": 1234.5}, "It costs $1,234.50", 1),
        ({"grader": "number", "value": -3}, "minus: −3", 1),
        ({"grader": "number", "value": 5}, "3-5 days", 1),
        ({"grader": "number", "value": 3, "pick": "first"}, "3-5 days", 1),
        ({"grader": "number", "value": 3}, "3-5 days", 0),
        ({"grader": "number", "value": 3, "pick": "any"}, "2, 3 or 4", 1),
        ({"grader": "number", "value": 2}, "see v1.2.2", 0),
        ({"grader": "number", "value": 100, "abs": 2}, "about 102", 1),
        ({"grader": "number", "value": 100, "abs": 2}, "about 102.1", 0),
        ({"grader": "number", "value": 100, "rel": 0.1, "abs": 2}, "109", 1),
        ({"grader": "number", "value": 0.3}, "0.1 and 0.30", 1),
        ({"grader": "number", "value": 1e21}, "1e21", 1),
        ({"grader": "number", "value": 7}, "none", 0),
        ({"grader": "number", "value": 7}, "1e999", 0),
        ({"grader": "json_schema", "schema": {"required": ["a"]}}, '{"a": 1}', 1),
        ({"grader": "json_schema", "schema": {"required": ["a"]}}, '{"b": 1}', 0),
        ({"grader": "json_schema", "schema": {"type": "array"}}, "Here:\n```json\n[1]\n```\nDone.", 1),
        ({"grader": "json_schema", "schema": {}}, "not json", 0),
        ({"grader": "json_schema", "schema": {}}, '{"a": NaN}', 0),
        ({"grader": "json_schema", "schema": {}}, '{"a": 1, "a": 2}', 0),
        ({"grader": "refusal"}, "I'm sorry, I can’t help with that.", 1),
        ({"grader": "refusal"}, "Here is how to do it.", 0),
        ({"grader": "refusal", "expected": False}, "Here is how to do it.", 1),
        ({"grader": "refusal", "expected": False}, "I cannot help with that.", 0),
        ({"grader": "refusal", "phrases": ["das geht nicht"]}, "Das geht  nicht.", 1),
        ({"grader": "refusal", "phrases": ["das geht nicht"]}, "I cannot help with that.", 0),
    ],
)
async def test_grader(spec: dict[str, Any], text: str, wanted: float) -> None:
    assert await score(spec, text) == wanted


async def test_equals_falls_back_to_the_reference() -> None:
    assert await score({"grader": "equals"}, "30 days", reference="30 Days") == 1


async def test_a_guardrail_that_refused_is_a_refusal_whatever_it_said() -> None:
    answer = Answer(text="Let us talk about something else.", refused_by="input.deny.0")
    assert (await graded(case({"grader": "refusal"}), answer)).passed is True
    assert (await graded(case({"grader": "refusal", "expected": False}), answer)).passed is False


# -- retrieval: figures worked out by hand ------------------------------------------------------------

PASSAGES = tuple(
    Retrieved(id=f"{source}#{number}", source=source, text="", distance=0.1 * number)
    for number, source in enumerate(["x.md", "a.md", "a.md", "b.md", "y.md"])
)


@pytest.mark.parametrize(
    ("wanted", "metric", "k", "value"),
    [
        (["a.md"], "hit", 1, 0),
        (["a.md"], "hit", 2, 1),
        (["x.md#0"], "hit", 1, 1),
        (["a.md", "b.md", "c.md"], "recall", 5, 2 / 3),
        (["a.md", "b.md"], "recall", 3, 1 / 2),
        (["a.md#1", "a.md#2"], "recall", 3, 1),
        (["a.md"], "mrr", 5, 1 / 2),
        (["b.md"], "mrr", 5, 1 / 4),
        (["b.md"], "mrr", 3, 0),
        (["x.md"], "ndcg", 3, 1),
        (["a.md"], "ndcg", 3, 0.6309297535714575),  # 1/log2(3)
        # a.md at rank 2, b.md at rank 4: (0.6309297536 + 0.4306765581) / (1 + 0.6309297536)
        (["a.md", "b.md"], "ndcg", 5, 0.6509209298071326),
        (["a.md", "b.md"], "ndcg", 1, 0),
        (["a.md", "b.md"], "ndcg", 100, 0.6509209298071326),
    ],
)
async def test_retrieval(wanted: list[str], metric: str, k: int, value: float) -> None:
    one = case({"grader": "retrieval", "metric": metric, "k": k}, context_ids=wanted)
    found = await graded(one, Answer(text="x", retrieved=PASSAGES))
    assert found.score == pytest.approx(value, abs=1e-12)


async def test_retrieval_with_a_threshold_is_right_or_wrong() -> None:
    def one(at_least: float) -> Case:
        return case(
            {"grader": "retrieval", "metric": "mrr", "k": 5, "at_least": at_least}, context_ids=["a.md"]
        )

    answer = Answer(text="x", retrieved=PASSAGES)
    assert (await graded(one(0.5), answer)).score == 1
    assert (await graded(one(0.51), answer)).score == 0


async def test_nothing_retrieved_is_a_miss() -> None:
    for metric in ("hit", "recall", "mrr", "ndcg"):
        one = case({"grader": "retrieval", "metric": metric}, context_ids=["a.md"])
        assert (await graded(one, Answer(text="x"))).score == 0


# -- similarity ------------------------------------------------------------------------------------------


def embedder(vectors: dict[str, Sequence[float]]) -> GradeContext:
    return GradeContext(embed=lambda texts: [vectors[text] for text in texts])


@pytest.mark.parametrize(
    ("vector", "threshold", "wanted"),
    [((3, 4), 0.6, 1), ((3, 4), 0.61, 0), ((2, 0), 1.0, 1), ((-1, 0), 0.1, 0)],
)
async def test_similarity(vector: tuple[float, float], threshold: float, wanted: float) -> None:
    one = case({"grader": "similarity", "threshold": threshold}, reference="ref")
    found = await graded(one, Answer(text="said"), embedder({"said": vector, "ref": (1, 0)}))
    assert found.score == wanted


@pytest.mark.parametrize("vector", [(0, 0), (float("nan"), 1)])
async def test_vectors_that_say_nothing_give_no_score(vector: tuple[float, float]) -> None:
    one = case({"grader": "similarity"}, reference="ref")
    found = await graded(one, Answer(text="said"), embedder({"said": vector, "ref": (1, 0)}))
    assert (found.score, found.passed) == (None, None)


async def test_similarity_without_an_embedder_or_with_a_broken_one_gives_no_score() -> None:
    one = case({"grader": "similarity"}, reference="ref")

    def broken(texts: Sequence[str]) -> object:
        raise OSError(f"no weights for {len(texts)} texts")

    for context in (GradeContext(), GradeContext(embed=broken)):
        found = await graded(one, Answer(text="said"), context)
        assert found.score is None
        assert found.error


# -- a case's score --------------------------------------------------------------------------------------


async def test_the_score_is_the_weighted_mean_and_only_a_full_one_passes() -> None:
    right, wrong = {"grader": "contains", "any": ["30"]}, {"grader": "contains", "any": ["40"]}
    found = await graded(case({**right, "weight": 3}, wrong), Answer(text="30 days"))
    assert (found.score, found.passed) == (0.75, False)
    assert found.reasons == ("contains: contains what it should", "contains: contains none of '40'")
    thirds = [{**right, "weight": weight} for weight in (0.1, 0.2, 0.7)]
    assert (await graded(case(*thirds), Answer(text="30 days"))).passed is True


@pytest.mark.parametrize("text", ["", "30 days"])
async def test_an_answer_that_failed_is_never_scored(text: str) -> None:
    for spec in (
        {"grader": "contains", "any": ["30"]},
        {"grader": "not_contains", "any": ["30"]},
        {"grader": "refusal"},
    ):
        found = await graded(case(spec), Answer(text=text, error="timed out after 60 s"))
        assert found == CaseScore("c1", None, None, (), "timed out after 60 s")


async def test_one_grader_without_a_grade_leaves_the_case_without_a_score() -> None:
    one = case({"grader": "contains", "any": ["30"]}, {"grader": "similarity"}, reference="ref")
    found = await graded(one, Answer(text="30 days"))
    assert (found.score, found.passed) == (None, None)
    assert found.error is not None


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.01])
def test_a_grade_is_a_number_from_0_to_1(score: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        Grade(score, "odd")


def test_every_grader_is_registered_by_its_own_name() -> None:
    for name, spec in GRADERS.items():
        assert spec.model_fields["grader"].annotation is not None
        assert name in str(spec.model_fields["grader"].annotation)
