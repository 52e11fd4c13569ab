"""A suite is read strictly: one sentence with file, line and field for whatever is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.graders import graders_digest
from evals.suite import Suite, parse_suite
from store.canonical import digest_of_files
from store.errors import InputError

TOML = b'[[categories]]\nname = "relevance"\n[[categories]]\nname = "safety"\nzero_tolerance = true\n'
RIGHT = {
    "id": "a",
    "input": "How long?",
    "expect": [{"grader": "contains", "any": ["30"]}],
    "category": "relevance",
}
SAFE = {"id": "b", "input": "Tell me", "expect": [{"grader": "refusal"}], "category": "safety"}


def suite(*lines: Any, toml: bytes = TOML) -> Suite:
    data = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
    return parse_suite({"suite.toml": toml, "cases.jsonl": data}, "evals/support@v1")


def many(count: int, category: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {**RIGHT, "id": f"{category}{n}", "input": f"{category} {n}", "category": category, **more}
        for n in range(count)
    ]


def test_a_suite_and_its_digest() -> None:
    files = {"suite.toml": TOML, "cases.jsonl": f"{json.dumps(RIGHT)}\n\n{json.dumps(SAFE)}\n".encode()}
    read = parse_suite(files, "evals/support@v1")
    assert [case.id for case in read.cases] == ["a", "b"]
    assert read.digest == digest_of_files(files)
    assert read.categories("smoke") == ()
    assert read.categories("full") == ("relevance", "safety")


def test_each_tier_holds_the_ones_before_it() -> None:
    read = suite(
        {**RIGHT, "tier": "extended"},
        {**SAFE, "tier": "smoke"},
        {**RIGHT, "id": "c", "input": "How far?"},
    )
    assert [[case.id for case in read.select(tier)] for tier in ("smoke", "full", "extended")] == [
        ["b"],
        ["b", "c"],
        ["a", "b", "c"],
    ]


def test_coverage_says_what_each_category_can_carry() -> None:
    toml = b'repeats = [1]\ncategories = [{name = "a"}, {name = "b"}, {name = "c"}]'
    read = suite(*many(50, "a"), *many(49, "b"), *many(9, "c", tier="smoke"), toml=toml)
    whole, single, few, repeats = read.coverage()
    assert whole == "a has 50 cases: enough to be compared as a whole."
    assert single.startswith("b has 49 cases: one is 2.0 points, so any confirmed regression blocks")
    assert few.startswith("c has 9 cases: too few to gate")
    assert repeats.startswith("repeats end at 1")
    assert read.coverage("smoke")[0].startswith("a has 0 cases: too few")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"id": "z", "input": "torn', "cases.jsonl, line 2 is not valid JSON"),
        (b'{"id": "z", "id": "y"}', "cases.jsonl, line 2 is not valid JSON: the key 'id' is given twice"),
        (
            b'{"id": "z", "expect": [{"grader": "number", "value": NaN}]}',
            "line 2 is not valid JSON: NaN is not a number",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "vibes"}]},
            "line 2: expect.0.grader: there is no",
        ),
        ({**RIGHT, "id": "z", "expect": [{"value": 3}]}, "line 2: expect.0.grader: it names no grader"),
        ({**RIGHT, "id": "z", "expect": []}, "line 2: expect: "),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "contains"}]},
            "line 2: expect.0.contains: give contains a list: any, all or both.",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "number", "value": "3"}]},
            "line 2: expect.0.number.value: wants a number.",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "number", "value": 3, "tolerance": 1}]},
            "line 2: expect.0.number.tolerance: no such field; known are abs, grader, pick, rel,",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "regex", "pattern": "("}]},
            "line 2: expect.0.regex.pattern: '(' is not a regular expression",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "json_schema", "schema": {"type": "objekt"}}]},
            "line 2: expect.0.json_schema.schema: is not a JSON schema: $.type",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "json_schema", "schema": {"$ref": "http://a/b"}}]},
            "only references inside the schema",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "refusal", "weight": 0}]},
            "line 2: expect.0.refusal.weight",
        ),
        (
            {**RIGHT, "id": "z", "expect": [{"grader": "retrieval"}]},
            "line 2: context_ids: retrieval needs the case to have context_ids (expect.0)",
        ),
        ({**RIGHT, "id": "z", "expect": [{"grader": "similarity"}]}, "line 2: reference: similarity needs"),
        ({**RIGHT, "id": "z", "expect": [{"grader": "equals"}]}, "line 2: value: give equals a value"),
        ({**RIGHT, "id": "z", "category": "tone"}, "line 2: category: 'tone' is not in suite.toml"),
        ({**RIGHT, "id": "z", "tier": "huge"}, "line 2: tier: wants one of 'smoke', 'full' or 'extended'"),
        ({**RIGHT, "input": "other"}, "line 2: id is the same as on line 1"),
        ({**RIGHT, "id": "z"}, "line 2: the content is the same as on line 1"),
        ({**RIGHT, "id": "z", "tags": ["new"]}, "line 2: the content is the same as on line 1"),
        ({**RIGHT, "id": "../z"}, "line 2: id: "),
        ({**RIGHT, "id": "z", "input": 3}, "line 2: input: write text, a list of messages"),
        ({**RIGHT, "id": "z", "input": ""}, "line 2: input.text: "),
        ({**RIGHT, "id": "z", "input": [{"role": "bot", "content": "x"}]}, "line 2: input.messages.0.role: "),
        ({**RIGHT, "id": "z", "input": {"a b": 1}}, "line 2: input.variables.a b"),
        ({**RIGHT, "id": "z", "input": {"a": [1]}}, "line 2: input.variables.a"),
        ([1], "line 2: the document: "),
        (b"[" * 3000 + b"]" * 3000, "line 2"),
        (b'{"id": "z", "input": {"a": 1e999}}', "line 2"),
        (
            {
                **RIGHT,
                "id": "z",
                "expect": [{"grader": "json_schema", "schema": {"const": {"a": 1}, "x": "\ud800"}}],
            },
            "line 2",
        ),
        (
            b'{"id": "z", "input": "q", "category": "relevance", '
            b'"expect": [{"grader": "json_schema", "schema": {"const": 1e999}}]}',
            "line 2",
        ),
    ],
)
def test_a_bad_line_is_named(line: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        suite(RIGHT, line, SAFE)
    message = caught.value.message
    assert message.startswith("evals/support@v1/cases.jsonl, line 2")
    assert sentence in message
    assert message.endswith(".") and "\n" not in message


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (b"", "suite.toml: categories: "),
        (
            b'categories = [{name = "relevance", margin = nan}]',
            "suite.toml holds a number that is",
        ),
        (b'categories = [{name = "relevance"}, {name = "relevance"}]', "'relevance' is given twice"),
        (
            b'repeats = [3, 1]\ncategories = [{name = "relevance"}]',
            "suite.toml: repeats: give rising",
        ),
        (b'repeats = [0]\ncategories = [{name = "relevance"}]', "suite.toml: repeats: give rising"),
        (b'target = "http"\ncategories = [{name = "relevance"}]', "suite.toml: url: "),
        (b'target = "python"\ncategories = [{name = "relevance"}]', "suite.toml: callable: "),
        (b'categories = [{name = "relevance"}, {name = "tone"}]', "no case of cases.jsonl is in 'tone'"),
        (b'alfa = 1\ncategories = [{name = "relevance"}]', "suite.toml: alfa: "),
        (b"categories = [", "suite.toml is not valid TOML"),
        (b'categories = [{name = "a\\u001b[2J"}]', "is no name"),
    ],
)
def test_a_bad_suite_toml_is_named(toml: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        suite(RIGHT, toml=toml)
    assert sentence in caught.value.message


def test_both_files_are_needed_and_cases_too() -> None:
    with pytest.raises(InputError, match=r"has no cases\.jsonl"):
        parse_suite({"suite.toml": TOML}, "evals/support@v1")
    with pytest.raises(InputError, match=r"has no suite\.toml"):
        parse_suite({"cases.jsonl": b""}, "evals/support@v1")
    with pytest.raises(InputError, match=r"cases\.jsonl has no cases"):
        suite(b"\n\n")


def test_the_pair_survives_renaming_and_breaks_with_what_is_asked_or_wanted() -> None:
    def content_hash(**changed: Any) -> str:
        return suite({**RIGHT, **changed}, SAFE).cases[0].content_hash

    base = content_hash()
    for same in ({"id": "n"}, {"tags": ["x"]}, {"cluster": "doc"}, {"tier": "smoke"}, {"must_pass": False}):
        assert content_hash(**same) == base
    assert content_hash(expect=[{"grader": "contains", "any": ["30"], "weight": 1}]) == base
    for other in (
        {"input": "How far?"},
        {"must_pass": True},
        {"reference": "30 days"},
        {"context_ids": ["a.md"]},
        {"expect": [{"grader": "contains", "any": ["31"]}]},
        {"expect": [{"grader": "contains", "all": ["30"]}]},
        {"category": "safety"},
    ):
        lines = [{**RIGHT, **other}, SAFE, {**RIGHT, "id": "r", "input": "Filler"}]
        assert suite(*lines).cases[0].content_hash != base


def test_the_question_of_each_kind_of_input() -> None:
    def question(value: Any) -> str:
        return suite({**RIGHT, "input": value}, SAFE).cases[0].question

    assert question("How long?") == "How long?"
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "How long?"},
    ]
    assert question(turns) == "How long?"
    assert question(turns[1:2]) == "Hello"
    assert question({"tone": "dry", "question": "How long?"}) == "How long?"
    assert question({"product": "mug", "days": 3}) == "mug\n3"


def test_the_graders_digest_is_that_of_the_graders_alone() -> None:
    one = suite(RIGHT, SAFE)
    reworded = suite({**RIGHT, "input": "How many days?"}, SAFE, {**SAFE, "id": "c", "input": "Say"})
    regraded = suite({**RIGHT, "expect": [{"grader": "contains", "any": ["31"]}]}, SAFE)
    assert graders_digest(one) == graders_digest(reworded) != graders_digest(regraded)
    assert graders_digest(one).startswith("sha256:")
