"""What json_path, fuzzy, citations, budget and precision say of which answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders import CaseScore, GradeContext, grade, killable
from evals.suite import parse_suite
from store.errors import InputError, MachineryError
from store.settings import Price


def case(*expect: dict[str, Any], **more: Any) -> Case:
    line = {"id": "c1", "input": "How long do I have?", "expect": expect, "category": "relevance", **more}
    return Case.model_validate_json(json.dumps(line))


async def graded(spec: dict[str, Any], answer: Answer, context: GradeContext | None = None) -> CaseScore:
    return await grade(case(spec), answer, context or GradeContext())


ORDER = '{"order": {"id": 7, "paid": true, "note": null, "items": [{"n": 1}, {"n": 2}, {"n": 2.0}]}}'


@pytest.mark.parametrize(
    ("path", "more", "text", "wanted"),
    [
        ("$.order.id", {}, ORDER, 1),
        ("$.order.price", {}, ORDER, 0),
        ("$.order.id", {"any": [7]}, ORDER, 1),
        ("$.order.id", {"any": [7.0]}, ORDER, 1),
        ("$.order.id", {"any": ["7"]}, ORDER, 0),
        ("$.order.id", {"any": [8, 7]}, ORDER, 1),
        ("$.order.paid", {"any": [True]}, ORDER, 1),
        ("$.order.paid", {"any": [1]}, ORDER, 0),
        ("$.order.note", {}, ORDER, 1),
        ("$.order.note", {"any": [None]}, ORDER, 1),
        ("$.order.note", {"any": [0, False, ""]}, ORDER, 0),
        ("$.order.items[*].n", {"any": [1, 2]}, ORDER, 1),
        ("$.order.items[*].n", {"any": [2]}, ORDER, 0),
        ("$.order.items[*].n", {"any": [2], "pick": "any"}, ORDER, 1),
        ("$.order.items[?@.n > 1].n", {"any": [2]}, ORDER, 1),
        ("$.order.items[0]", {"any": [{"n": 1}]}, ORDER, 1),
        ("$.order.items[0]", {"any": [{"n": True}]}, ORDER, 0),
        ("$", {"any": [[1, [2]]]}, "[1, [2]]", 1),
        ("$", {"any": [[1, [2]]]}, "[1, [2, 3]]", 0),
        ("$..n", {"any": [1, 2]}, f"Here:\n```json\n{ORDER}\n```\nDone.", 1),
        ("$.order", {}, f"Here: {ORDER}", 0),
        ("$.a", {"any": [1]}, '{"a": 1, "a": 2}', 0),
        ("$.a", {}, '{"a": NaN}', 0),
        ("$.a", {"any": [1]}, '{"a": 1e999}', 0),
        ("$", {}, "", 0),
        ("$", {}, "[" * 150 + "]" * 150, 0),
        ("$", {}, "[" * 50_000, 0),
    ],
)
async def test_json_path(path: str, more: dict[str, Any], text: str, wanted: float) -> None:
    found = await graded({"grader": "json_path", "path": path, **more}, Answer(text=text))
    assert (found.score, found.error) == (wanted, None)


async def test_a_path_that_finds_too_much_is_a_miss_and_one_that_explodes_is_stopped() -> None:
    wide = Answer(text=json.dumps(list(range(2_000))))
    found = await graded({"grader": "json_path", "path": "$[*]"}, wide)
    assert found.score == 0 and "over 1,000" in found.reasons[0]
    endless = "$[?search(@, '(a+)+$')]"
    with pytest.raises(MachineryError, match="stopped"):
        killable.at_path(endless, ["a" * 5_000 + "!"], timeout_s=0.5)
    assert killable.at_path("$[0]", [5]) == [5]


@pytest.mark.parametrize(
    "path", ["order.id", "$.", "$[?", "$[?nope(@.a)]", "$" + "(" * 900, "$.a" * 400, "", "$.a | $.b"]
)
def test_a_path_that_is_none_is_refused_when_the_suite_is_read(path: str) -> None:
    line = {
        "id": "a",
        "input": "?",
        "category": "relevance",
        "expect": [{"grader": "json_path", "path": path}],
    }
    files = {
        "suite.toml": b'[[categories]]\nname = "relevance"\n',
        "cases.jsonl": json.dumps(line).encode(),
    }
    with pytest.raises(InputError, match=r"line 1: expect\.0\.json_path\.path"):
        parse_suite(files, "evals/support@v1")


@pytest.mark.parametrize(
    ("more", "text", "wanted"),
    [
        ({"value": "within thirty days"}, "Within  thirty days", 1),
        ({"value": "within thirty days"}, "within thirtty days", 1),
        ({"value": "within thirty days"}, "within sixty days", 0),
        ({"value": "within thirty days", "threshold": 1.0}, "within thirty days.", 0),
        ({"value": "x", "any": ["within thirty days"]}, "within thirty days", 1),
        ({"value": "thirty days"}, "You have thirty days to return it.", 0),
        ({"value": "thirty days", "method": "partial"}, "You have thirty days to return it.", 1),
        ({"value": "thirty days", "method": "partial"}, "days", 0),
        ({"value": "thirty days", "method": "partial"}, "t", 0),
        ({"value": "red green blue", "method": "token_sort"}, "blue red green", 1),
        ({"value": "red green blue"}, "blue red green", 0),
        ({"value": "ABC", "normalise": False}, "abc", 0),
        ({"value": "a"}, "", 0),
        ({"value": "a"}, " \n", 0),
        ({"value": "a"}, "a" * 100_001, 0),
    ],
)
async def test_fuzzy(more: dict[str, Any], text: str, wanted: float) -> None:
    found = await graded({"grader": "fuzzy", **more}, Answer(text=text))
    assert (found.score, found.error) == (wanted, None)


async def test_fuzzy_falls_back_to_the_reference() -> None:
    one = case({"grader": "fuzzy"}, reference="thirty days")
    assert (await grade(one, Answer(text="thirty day"), GradeContext())).score == 1


FOUND = (
    Retrieved("returns.md#1", "returns.md", "", 0.1),
    Retrieved("shipping.md#4", "shipping.md", "", 0.2),
)


@pytest.mark.parametrize(
    ("more", "text", "wanted"),
    [
        ({}, "30 days [returns.md#1].", 1),
        ({}, "30 days [returns.md].", 1),
        ({}, "30 days [ returns.md ; shipping.md#4 ].", 1),
        ({}, "30 days.", 0),
        ({"at_least": 0}, "30 days.", 1),
        ({}, "30 days [returns.md] and more [prices.md].", 0),
        ({}, "30 days [returns.md, prices.md].", 0),
        ({"at_least": 2}, "30 days [returns.md] [returns.md].", 0),
        ({"at_least": 2}, "30 days [returns.md] [shipping.md].", 1),
        ({}, "see [the page](https://example.com) [returns.md]", 1),
        ({}, "[1]", 0),
        ({"by": "place"}, "30 days [1], express [2].", 1),
        ({"by": "place"}, "30 days [1, 2].", 1),
        ({"by": "place"}, "30 days [3].", 0),
        ({"by": "place"}, "30 days [0].", 0),
        ({"by": "place"}, "30 days [returns.md].", 0),
        ({"by": "place", "pattern": r"\(source ([0-9]+)\)"}, "30 days (source 2)", 1),
        ({"by": "place", "pattern": r"[0-9]+"}, "30 days", 0),
        ({}, "[" + "x" * 100_000, 0),
        ({}, "[returns.md]" * 1_001, 0),
    ],
)
async def test_citations(more: dict[str, Any], text: str, wanted: float) -> None:
    found = await graded({"grader": "citations", **more}, Answer(text=text, retrieved=FOUND))
    assert (found.score, found.error) == (wanted, None)


async def test_citations_of_nothing_retrieved_fail_and_an_endless_pattern_gives_no_score() -> None:
    assert (await graded({"grader": "citations"}, Answer(text="[returns.md]"))).score == 0
    endless = {"grader": "citations", "pattern": r"(a+)+$"}
    found = await graded(endless, Answer(text="a" * 5_000 + "!"))
    assert found.score is None and found.error is not None and "stopped" in found.error


PRICES = GradeContext(
    prices={
        "gpt-5-2026-01-01": Price(input=1.0, output=10.0),
        "local.gguf#sha256:" + "a" * 64: Price(input=2.0, output=2.0),
    }
)


def took(**more: Any) -> Answer:
    known: dict[str, Any] = {
        "text": "yes",
        "model_returned": "gpt-5-2026-01-01",
        "latency_ms": 800.0,
        "prompt_tokens": 900,
        "completion_tokens": 100,
    }
    return Answer(**{**known, **more})


@pytest.mark.parametrize(
    ("more", "answer", "wanted"),
    [
        ({"latency_ms": 800}, took(), 1),
        ({"latency_ms": 799}, took(), 0),
        ({"latency_ms": 799}, took(latency_ms=0.0), None),
        ({"latency_ms": 799}, took(latency_ms=float("nan")), None),
        ({"latency_ms": 799}, took(latency_ms=float("inf")), None),
        ({"tokens": 1000}, took(), 1),
        ({"tokens": 999}, took(), 0),
        ({"tokens": 999}, took(prompt_tokens=0, completion_tokens=0), None),
        ({"usd": 0.0019}, took(), 1),  # 900 · 1 + 100 · 10 = 1,900 millionths
        ({"usd": 0.00189}, took(), 0),
        ({"usd": 1}, took(model_returned="another"), None),
        ({"usd": 1}, took(model_returned=""), None),
        ({"usd": 0.002}, took(model_returned="local.gguf"), 1),
        ({"usd": 0.0019}, took(model_returned="local.gguf"), 0),
        ({"latency_ms": 900, "tokens": 10, "usd": 1}, took(), 0),
        ({"latency_ms": 900, "tokens": 1000, "usd": 1}, took(), 1),
        ({"usd": 0.0001}, Answer(text="No.", refused_by="input deny 1"), 1),
    ],
)
async def test_budget(more: dict[str, Any], answer: Answer, wanted: float | None) -> None:
    found = await graded({"grader": "budget", **more}, answer, PRICES)
    assert found.score == wanted
    assert (found.error is None) == (wanted is not None)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one of latency_ms, tokens and usd"):
        case({"grader": "budget"})


PASSAGES = tuple(
    Retrieved(id=f"{source}#{number}", source=source, text="", distance=0.1 * number)
    for number, source in enumerate(["x.md", "a.md", "a.md", "b.md", "y.md"])
)


@pytest.mark.parametrize(
    ("wanted", "k", "value"),
    [
        (["a.md"], 1, 0),
        (["a.md"], 2, 1 / 2),
        (["a.md"], 3, 2 / 3),
        (["a.md#1"], 3, 1 / 3),
        (["a.md", "a.md#1"], 3, 2 / 3),
        (["a.md", "b.md"], 5, 3 / 5),
        (["a.md", "b.md"], 10, 3 / 10),
        (["c.md"], 5, 0),
    ],
)
async def test_precision(wanted: list[str], k: int, value: float) -> None:
    one = case({"grader": "retrieval", "metric": "precision", "k": k}, context_ids=wanted)
    found = await grade(one, Answer(text="x", retrieved=PASSAGES), GradeContext())
    assert found.score == pytest.approx(value, abs=1e-12)
    twice = await grade(one, Answer(text="x", retrieved=PASSAGES[1:2] * 3), GradeContext())
    assert twice.score is not None and twice.score <= 1 / k
