"""The graders exactly at their borders: thresholds, limits, and what is only nearly what was wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.answer import Answer, Retrieved
from evals.graders import GradeContext, grade, killable
from evals.graders.json_answer import is_deep
from evals.graders.json_path import same
from evals.graders.retrieval import ndcg
from store.settings import Price
from tests.evals.graded_cases import FOUND, case, said


@pytest.mark.parametrize(
    ("spec", "answer", "score"),
    [
        # a value given in the suite stands instead of the case's reference, not beside it
        ({"grader": "equals", "value": "30 days"}, "ref", 0),
        ({"grader": "equals", "any": ["30 days"]}, "ref", 0),
        ({"grader": "equals"}, "ref", 1),
        ({"grader": "fuzzy", "value": "30 days"}, "ref", 0),
        # both sides are compared in the same way
        ({"grader": "contains", "all": ["DAYS"]}, "30 days", 1),
        ({"grader": "contains", "any": ["DAYS"]}, "30 days", 1),
        ({"grader": "not_contains", "any": ["DAYS"]}, "30 days", 0),
        ({"grader": "not_contains", "any": ["DAYS"], "normalise": False}, "30 days", 1),
        ({"grader": "fuzzy", "value": "30 DAYS", "threshold": 1.0}, "30  days", 1),
        ({"grader": "fuzzy", "value": "30 DAYS", "threshold": 1.0, "normalise": False}, "30 days", 0),
        ({"grader": "equals", "value": "‘tis ｏｋ’"}, "'TIS ok'", 1),
        # thresholds hold from their own value on: 18 of 20 characters are 0.9
        ({"grader": "fuzzy", "value": "abcdefghij", "threshold": 0.9}, "abcdefghix", 1),
        ({"grader": "fuzzy", "value": "abcdefghij", "threshold": 0.9001}, "abcdefghix", 0),
        ({"grader": "fuzzy", "value": "abc"}, "abc" + "d" * 99_997, 0),
        ({"grader": "fuzzy", "any": ["abcd", "zzzz"]}, "abcd", 1),
        ({"grader": "number", "value": 8, "pick": "first"}, "7 8", 0),
        ({"grader": "number", "value": 7, "pick": "last"}, "7 8", 0),
        ({"grader": "number", "value": 1_000_000_000}, "1000000001", 0),
        ({"grader": "number", "value": 100, "rel": 0.1}, "90", 1),
        ({"grader": "number", "value": -100, "rel": 0.1}, "-110", 1),
        ({"grader": "number", "value": 100, "rel": 0.1}, "89.9", 0),
        # JSON
        ({"grader": "json_path", "path": "$"}, '"\ud800"', 1),
        ({"grader": "json_schema", "schema": {"type": "string"}}, '"\ud800"', 1),
        ({"grader": "json_path", "path": "$[*]"}, json.dumps([0] * killable.MOST_FOUND), 1),
        ({"grader": "json_path", "path": "$", "any": [{"n": 1}]}, "7", 0),
        ({"grader": "json_path", "path": "$", "any": [7]}, '{"n": 1}', 0),
        ({"grader": "json_path", "path": "$", "any": [[1]]}, "7", 0),
        ({"grader": "json_path", "path": "$", "any": [7]}, "[1]", 0),
        # citations
        ({"grader": "citations"}, "[a.md]" * killable.MOST_FOUND, 1),
        ({"grader": "citations", "at_least": 2}, "[a.md] [b.md]", 1),
    ],
)
async def test_grader(spec: dict[str, Any], answer: str, score: float) -> None:
    found = await said(spec, answer, reference="ref")
    assert (found.score, found.error) == (score, None)


@pytest.mark.parametrize(
    ("deep", "limit", "found"),
    [
        ([], 0, False),
        ([1], 0, False),
        ([[]], 0, True),
        ([{"a": 1}], 1, False),
        ([{"a": []}], 1, True),
        ({"a": {"b": 1}, "c": []}, 0, True),
        ([[[1]], []], 1, True),
        ({"a": [[1]], "b": {}, "c": 3}, 1, True),
        ("text", 0, False),
    ],
)
def test_how_deep_a_value_is_nested(deep: Any, limit: int, found: bool) -> None:
    assert is_deep(deep, limit) is found


@pytest.mark.parametrize(("levels", "score"), [(101, 1), (102, 0)])
async def test_a_hundred_times_may_lists_be_nested_in_lists(levels: int, score: float) -> None:
    spec = {"grader": "json_path", "path": "$"}
    assert (await said(spec, "[" * levels + "]" * levels)).score == score
    beside = "[" + "[" * (levels - 1) + "]" * (levels - 1) + ", [1], {}]"
    assert (await said(spec, beside)).score == score


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True), (True, 1, False), (1, True, False), (False, 0, False), (True, True, True),
        ([1], (1,), True), ([1], [1, 1], False), ([1, 1], [1], False), ([True], [1], False),
        ({"a": 1}, {"a": 1.0}, True), ({"a": 1}, {"a": True}, False), ({"a": 1}, {"b": 1}, False),
        ({}, {}, True), ({}, [], False), ([], {}, False), ({}, None, False), ([], None, False),
        (None, {}, False), (None, [], False), ("1", 1, False), (None, None, True),
    ],
)  # fmt: skip
def test_json_values_are_equal_by_kind(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal


@pytest.mark.parametrize(
    ("passage", "text", "score"),
    [
        (Retrieved("Doe, 2020; p. 4", "doe.md", "", 0.1), "so [Doe, 2020; p. 4]", 1),
        (Retrieved("Doe, 2020", "doe.md", "", 0.1), "so [Doe, 2021]", 0),
        (Retrieved(" a.md ", "", "", 0.1), "so [a.md]", 1),
        (Retrieved("", " ", "", 0.1), "so [ ]", 0),  # a passage without a name cannot be cited
    ],
)
async def test_citations_of_odd_names(passage: Retrieved, text: str, score: float) -> None:
    found = await said({"grader": "citations"}, Answer(text=text, retrieved=(passage,)))
    assert found.score == score


PRICES = {
    "m@sha256:1": Price(input=1.0, output=10.0),
    "twice@sha256:1": Price(input=1.0, output=1.0),
    "twice@sha256:2": Price(input=5.0, output=5.0),
}


@pytest.mark.parametrize(
    ("spec", "answer", "score"),
    [
        ({"latency_ms": 5}, Answer(latency_ms=5.0), 1),  # tokens that are not known do not matter here
        ({"latency_ms": 5}, Answer(latency_ms=0.5), 1),
        ({"latency_ms": 5}, Answer(latency_ms=-1.0), None),
        ({"tokens": 1}, Answer(prompt_tokens=1), 1),
        ({"tokens": 1}, Answer(completion_tokens=2), 0),
        ({"tokens": 1}, Answer(latency_ms=5.0), None),
        ({"usd": 1}, Answer(model_returned="m"), None),
        ({"usd": 1e-6}, Answer(model_returned="m", prompt_tokens=1), 1),
        ({"usd": 1e-6}, Answer(model_returned="m", completion_tokens=1), 0),
        ({"usd": 1}, Answer(model_returned="twice", prompt_tokens=1), None),
        ({"usd": 1}, Answer(model_returned="twice@sha256:2", prompt_tokens=1), 1),
        ({"tokens": 5}, Answer(prompt_tokens=6, model_returned="m", refused_by="output deny 1"), 0),
    ],
)
async def test_budget(spec: dict[str, Any], answer: Answer, score: float | None) -> None:
    found = await said({"grader": "budget", **spec}, answer, GradeContext(prices=PRICES))
    assert found.score == score


@pytest.mark.parametrize(
    ("vectors", "score"),
    [
        ([[6.0, 8.0], [2.0, 0.0]], 1),  # neither has the length 1: 12 / (10 · 2) = 0.6
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], 1),
        ([[1, 0], [0, 1]], 0),
        ([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], None),
        ([[1.0, 0.0]], None),
        ([1.0, 0.0], None),
        ([[[1.0]], [[1.0]]], None),
        ([[1.0, 0.0], [float("inf"), 0.0]], None),
        ([[0.0, 0.0], [1.0, 0.0]], None),
    ],
)
async def test_similarity(vectors: Any, score: float | None) -> None:
    context = GradeContext(embed=lambda _: vectors)
    found = await said({"grader": "similarity", "threshold": 0.6}, "x", context, reference="ref")
    assert found.score == score
    if score is None:
        assert found.error == "the embedder gave no usable vectors"


async def test_similarity_compares_the_answer_with_the_reference() -> None:
    asked: list[Any] = []

    def embed(texts: Any) -> Any:
        asked.append(list(texts))
        return [[1.0], [1.0]]

    await said({"grader": "similarity"}, "said", GradeContext(embed=embed), reference="wanted")
    assert asked == [["said", "wanted"]]


@pytest.mark.parametrize(("at_least", "score"), [(1.0, 1), (0.5, 1), (0.51, 0)])
async def test_retrieval_from_its_threshold_on(at_least: float, score: float) -> None:
    wanted = ["a.md", "c.md"] if at_least < 1 else ["a.md", "b.md"]
    spec = {"grader": "retrieval", "at_least": at_least}
    assert (await said(spec, "x", context_ids=wanted)).score == score


def test_of_no_places_there_is_no_gain() -> None:
    assert (ndcg((), 3), ndcg((0, 0), 3), ndcg((1, 1, 1), 3)) == (0, 0, 1)


async def test_all_weights_count_whatever_their_sum() -> None:
    right = [{"grader": "contains", "any": ["x"], "weight": weight} for weight in (0.1, 0.7, 1000, 1e-9)]
    found = await grade(case(*right), Answer(text="x", retrieved=FOUND), GradeContext())
    assert (found.score, found.passed) == (1, True)
    wrong = {"grader": "contains", "any": ["y"], "weight": 3}
    found = await grade(case(wrong, {"grader": "contains", "any": ["x"]}), Answer(text="x"), GradeContext())
    assert (found.score, found.passed) == (0.25, False)
