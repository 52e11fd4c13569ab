"""Every sentence of the graders, whole: on answers, and on mistakes in a suite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from evals.answer import Answer
from evals.graders import GradeContext
from store.errors import InputError
from store.settings import Price
from tests.evals.graded_cases import case, line, said, suite

ANYTHING = {"any": ["one", "two", "three", "four"]}
NESTED = "[" * 102 + "]" * 102
PRICED = GradeContext(prices={"m@sha256:1": Price(input=1.0, output=10.0)})
LONG = "word " * 100


def took(**more: Any) -> Answer:
    return Answer(**{"text": "x", "prompt_tokens": 5, "completion_tokens": 1, "model_returned": "m", **more})


@pytest.mark.parametrize(
    ("spec", "answer", "score", "reason"),
    [
        ({"grader": "equals", "value": "30 days", "any": ["a month"]}, "A month", 1, "is 'a month'"),
        ({"grader": "equals", "value": "30 days"}, "31", 0, "is not '30 days'"),
        ({"grader": "equals", "any": ["one", "two", "three"]}, "9", 0, "is not 'one' or 'two' or 'three'"),
        ({"grader": "equals", **ANYTHING}, "9", 0, "is not 'one' or 'two' or 'three' or …"),
        ({"grader": "equals", **ANYTHING}, "four", 1, "is 'four'"),
        ({"grader": "contains", "all": ["one", "two"]}, "one", 0, "does not contain 'two'"),
        ({"grader": "contains", "any": ["one", "two"]}, "9", 0, "contains none of 'one', 'two'"),
        ({"grader": "contains", **ANYTHING}, "9", 0, "contains none of 'one', 'two', 'three', …"),
        ({"grader": "contains", **ANYTHING}, "four", 1, "contains what it should"),
        ({"grader": "not_contains", "any": ["one", "two"]}, "two", 0, "contains 'two'"),
        ({"grader": "not_contains", "any": ["one", "two"]}, "9", 1, "contains nothing that it should not"),
        ({"grader": "regex", "pattern": "[0-9]+"}, "12", 1, "matches '[0-9]+'"),
        ({"grader": "regex", "pattern": "[0-9]+"}, "x", 0, "does not match '[0-9]+'"),
        (
            {"grader": "fuzzy", "value": "abcdefghij"}, "abcdefghi", 1,
            "is 0.947 like 'abcdefghij', 0.9 was wanted",
        ),
        ({"grader": "fuzzy", "any": ["xyz", "uvw"]}, "abc", 0, "is 0.000 like 'uvw', 0.9 was wanted"),
        ({"grader": "fuzzy", "value": "abc"}, " \n", 0, "is empty"),
        (
            {"grader": "fuzzy", "value": "abc"}, "a" * 100_001, 0,
            "has 100,001 characters, 100,000 can be compared",
        ),
        ({"grader": "fuzzy", "value": "abc"}, "a" * 100_000, 0, "is 0.000 like 'abc', 0.9 was wanted"),
        ({"grader": "number", "value": 7}, "none", 0, "holds no number, 7 was wanted"),
        ({"grader": "number", "value": 7, "abs": 0.5}, "1 and 7.5", 1, "gives 7.5; 7 ± 0.5 was wanted"),
        ({"grader": "number", "value": 50, "rel": 0.1}, "1 and 7.25", 0, "gives 7.25; 50 ± 5 was wanted"),
        (
            {"grader": "number", "value": 7, "pick": "any"}, "1 2 3 4 7", 1,
            "gives 1, 2, 3, 4, 7; 7 ± 0 was wanted",
        ),
        (
            {"grader": "number", "value": 7, "pick": "any"}, "1 2 3 4 5 7", 1,
            "gives 1, 2, 3, 4, 5, …; 7 ± 0 was wanted",
        ),
        ({"grader": "json_schema", "schema": {"type": "array"}}, "[]", 1, "holds the schema"),
        (
            {"grader": "json_schema", "schema": {"type": "array"}}, "{}", 0,
            "$: {} is not of type 'array'",
        ),
        (
            {"grader": "json_schema", "schema": {}}, "[" * 50_000, 0,
            "the answer is nested too deeply to be read",
        ),
        (
            {"grader": "json_path", "path": "$.a"}, "[" * 50_000, 0,
            "the answer is nested too deeply to be read",
        ),
        ({"grader": "json_path", "path": "$.a"}, NESTED, 0, "is nested more than 100 times"),
        ({"grader": "json_path", "path": "$.a"}, "{}", 0, "has nothing at $.a"),
        ({"grader": "json_path", "path": "$.a"}, '{"a": null}', 1, "has something at $.a"),
        ({"grader": "json_path", "path": "$.a", "any": [1]}, '{"a": 1}', 1, "has an accepted value at $.a"),
        ({"grader": "json_path", "path": "$[*]", "any": [1]}, '[1, "two", 3]', 0, "has 'two' at $[*]"),
        (
            {"grader": "json_path", "path": "$[*]"}, json.dumps([0] * 1_001), 0,
            "has over 1,000 values at $[*]",
        ),
        ({"grader": "citations"}, "[a.md]", 1, "cites 1, at least 1 was wanted"),
        ({"grader": "citations", "at_least": 2}, "[a.md]", 0, "cites 1, at least 2 was wanted"),
        ({"grader": "citations"}, "[c.md]", 0, "cites 'c.md', which was not retrieved"),
        ({"grader": "citations"}, "[a.md]" * 1_001, 0, "cites over 1,000 times"),
        ({"grader": "refusal"}, "I won't", 1, 'refuses with "i won\'t"'),
        ({"grader": "refusal"}, "Yes", 0, "does not refuse"),
        ({"grader": "refusal"}, Answer(text="", refused_by="input deny 1"), 1, "refused by input deny 1"),
        ({"grader": "budget", "latency_ms": 5}, took(latency_ms=6.5), 0, "took 6.5 ms, 5 were allowed"),
        ({"grader": "budget", "tokens": 6}, took(), 1, "took 6 tokens, 6 were allowed"),
        ({"grader": "budget", "usd": 0.1}, took(), 1, "took 1.5e-05 US dollars, 0.1 were allowed"),
        (
            {"grader": "budget", "usd": 0.1}, Answer(refused_by="input deny 1"), 1,
            "was refused without asking the model",
        ),
        ({"grader": "retrieval", "k": 2}, "x", 1, "recall@2 is 1.000"),
        ({"grader": "retrieval", "metric": "mrr", "at_least": 0.5}, "x", 1, "mrr@3 is 1.000, 0.5 was wanted"),
        ({"grader": "similarity"}, " ", 0, "is empty"),
        ({"grader": "similarity"}, "x", 0, "similarity 0.600, 0.8 was wanted"),
    ],
)  # fmt: skip
async def test_of_an_answer(spec: dict[str, Any], answer: Answer | str, score: float, reason: str) -> None:
    context = GradeContext(prices=PRICED.prices, embed=lambda _: [[1.0, 0.0], [3.0, 4.0]])
    found = await said(spec, answer, context, reference="ref", context_ids=["a.md"])
    assert (found.case_id, found.score, found.error) == ("c1", score, None)
    assert found.reasons == (f"{spec['grader']}: {reason}",)


def broken(texts: Sequence[str]) -> object:
    raise OSError(f"no weights\nfor {len(texts)} texts")


@pytest.mark.parametrize(
    ("spec", "answer", "context", "error"),
    [
        ({"grader": "budget", "latency_ms": 5}, took(), PRICED, "how long the answer took is not known"),
        (
            {"grader": "budget", "tokens": 5}, Answer(text="x"), PRICED,
            "the endpoint did not say how many tokens it used",
        ),
        (
            {"grader": "budget", "usd": 5}, took(model_returned="q\x1b[2J"), PRICED,
            "the price of model q␛[2J is not known; give it under [prices] in settings.toml",
        ),
        (
            {"grader": "budget", "usd": 5}, took(model_returned=""), PRICED,
            "the price of the application's model is not known; give it under [prices] in settings.toml",
        ),
        ({"grader": "retrieval"}, took(), PRICED, "retrieval needs the case to have context_ids"),
        (
            {"grader": "similarity"}, took(), PRICED,
            "similarity needs an embedder, which only a release with an index has",
        ),
        (
            {"grader": "similarity"}, took(), GradeContext(embed=lambda _: [[1.0]]),
            "similarity needs the case to have a reference",
        ),
        (
            {"grader": "judge", "rubric": "polite"}, took(), PRICED,
            "no judge is open: the suite's [judge] names its model",
        ),
    ],
)  # fmt: skip
async def test_of_an_answer_that_cannot_be_graded(
    spec: dict[str, Any], answer: Answer, context: GradeContext, error: str
) -> None:
    found = await said(spec, answer, context)
    assert (found.case_id, found.score, found.passed, found.error) == ("c1", None, None, error)


@pytest.mark.parametrize(
    ("embed", "error"),
    [
        (broken, "the grader failed: OSError no weights for 2 texts"),
        (lambda _: [[0.0, 0.0], [1.0, 0.0]], "the embedder gave no usable vectors"),
    ],
)
async def test_of_an_embedder_that_fails(embed: Any, error: str) -> None:
    found = await said({"grader": "similarity"}, "x", GradeContext(embed=embed), reference="ref")
    assert (found.error, found.reasons) == (error, (f"similarity: {error}",))


@pytest.mark.parametrize(
    "spec",
    [
        {"grader": "equals", "value": LONG},
        {"grader": "contains", "any": [LONG]},
        {"grader": "contains", "all": [LONG]},
        {"grader": "not_contains", "any": [LONG]},
        {"grader": "regex", "pattern": LONG},
        {"grader": "fuzzy", "value": LONG},
        {"grader": "json_path", "path": f"$['{LONG}']"},
        {"grader": "json_path", "path": "$", "any": [1]},
        {"grader": "citations"},
        {"grader": "refusal", "phrases": [LONG]},
        {"grader": "budget", "usd": 1},
        {"grader": "similarity"},
    ],
)
async def test_no_reason_is_flooded_by_what_others_wrote(spec: dict[str, Any]) -> None:
    def flooding(texts: Sequence[str]) -> object:
        raise OSError(texts[0])

    for text in ("9", LONG, f"{LONG}[{LONG[:190]}]", json.dumps(LONG)):
        for answer in (took(text=text, model_returned=LONG), took(text=text, refused_by=LONG)):
            found = await said(spec, answer, GradeContext(embed=flooding), reference="ref")
            assert len(found.reasons) == 1 and len(found.reasons[0]) < 170


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"grader": "equals"}, "value: give equals a value or any, or the case a reference (expect.0)."),
        ({"grader": "fuzzy"}, "value: give fuzzy a value or any, or the case a reference (expect.0)."),
        ({"grader": "similarity"}, "reference: similarity needs the case to have a reference (expect.0)."),
        ({"grader": "retrieval"}, "context_ids: retrieval needs the case to have context_ids (expect.0)."),
        ({"grader": "contains"}, "expect.0.contains: give contains a list: any, all or both."),
        (
            {"grader": "budget"},
            "expect.0.budget: give budget at least one of latency_ms, tokens and usd.",
        ),
        (
            {"grader": "judge", "rubric": "polite", "at_least": 3},
            'expect.0.judge: at_least needs the scale "1-5".',
        ),
        (
            {"grader": "regex", "pattern": "*"},
            "expect.0.regex.pattern: '*' is not a regular expression: nothing to repeat at position 0.",
        ),
        (
            {"grader": "json_path", "path": "$[?nope(@.a)]"},
            "expect.0.json_path.path: is not a JSONPath of RFC 9535: "
            "function 'nope' is not defined -> '$[?nope(@.a)]' 1:3.",
        ),
        (
            {"grader": "json_schema", "schema": {"required": "a"}},
            "expect.0.json_schema.schema: is not a JSON schema: $.required: 'a' is not of type 'array'.",
        ),
        (
            {"grader": "json_schema", "schema": {"$schema": "http://["}},
            "expect.0.json_schema.schema: is not a JSON schema: Invalid IPv6 URL.",
        ),
        (
            {"grader": "json_schema", "schema": {"properties": {"a": {"allOf": [{"$ref": "http://a/b"}]}}}},
            "expect.0.json_schema.schema: refers to 'http://a/b': "
            "only references inside the schema (#…) are followed.",
        ),
        (
            {"grader": "json_schema", "schema": {"$dynamicRef": "other.json#a"}},
            "expect.0.json_schema.schema: refers to 'other.json#a': "
            "only references inside the schema (#…) are followed.",
        ),
    ],
)
def test_of_a_mistake_in_a_suite(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        suite(line(spec))
    assert caught.value.message == f"evals/support@v1/cases.jsonl, line 1: {sentence}"


@pytest.mark.parametrize(
    "spec",
    [
        {"grader": "json_schema", "schema": {"allOf": LONG}},
        {"grader": "json_schema", "schema": {"$ref": LONG}},
        {"grader": "json_schema", "schema": {"$schema": "http://" + "℀" * 200}},
        {"grader": "json_path", "path": f"$[?{LONG.replace(' ', '')}(@)]"},
    ],
)
def test_no_mistake_is_flooded_by_what_others_wrote(spec: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        suite(line(spec))
    assert len(caught.value.message) < 260


@pytest.mark.parametrize(
    ("spec", "more"),
    [
        ({"grader": "equals"}, {"reference": "30 days"}),
        ({"grader": "equals", "value": "30 days"}, {}),
        ({"grader": "equals", "any": ["30 days"]}, {}),
        ({"grader": "fuzzy"}, {"reference": "30 days"}),
        ({"grader": "fuzzy", "value": "30 days"}, {}),
        ({"grader": "fuzzy", "any": ["30 days"]}, {}),
        ({"grader": "similarity"}, {"reference": "30 days"}),
        ({"grader": "retrieval"}, {"context_ids": ["a.md"]}),
        ({"grader": "json_schema", "schema": {"$ref": "#/$defs/a", "$defs": {"a": {}}}}, {}),
        ({"grader": "json_schema", "schema": {"properties": {"$ref": {"type": "string"}}}}, {}),
    ],
)
def test_what_a_grader_needs_is_enough(spec: dict[str, Any], more: dict[str, Any]) -> None:
    assert len(suite(line(spec, **more)).cases) == 1


def test_a_blank_reference_is_none() -> None:
    with pytest.raises(InputError, match="similarity needs the case to have a reference"):
        suite(line({"grader": "similarity"}, reference=" "))
    assert case({"grader": "similarity"}, reference=" ").reference == " "
