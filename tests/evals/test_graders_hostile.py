"""Whatever an answer holds, no grader falls over it, and none is talked into a pass."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders import GRADERS, GradeContext, grade

SECRET = "qzx-7781-unsayable"
"""No answer made here holds it."""
SPECS = {
    "equals": {"value": SECRET},
    "contains": {"any": [SECRET]},
    "not_contains": {"any": [SECRET]},
    "regex": {"pattern": SECRET},
    "fuzzy": {"value": SECRET, "method": "partial"},
    "number": {"value": 77817781.25},
    "json_schema": {"schema": {"const": SECRET}},
    "json_path": {"path": "$..*", "any": [SECRET]},
    "similarity": {"threshold": 0.9},
    "retrieval": {"metric": "precision", "k": 2},
    "citations": {"at_least": 1},
    "refusal": {"phrases": [SECRET]},
    "budget": {"latency_ms": 1, "tokens": 1},
    "python": {"callable": "qzx_missing:grade"},
    "judge": {"rubric": SECRET},
}
HARMLESS = {"not_contains"}
"""Graders that a wrong answer may well pass."""


def case(name: str) -> Case:
    line = {
        "id": "c1",
        "input": "?",
        "category": "x",
        "reference": SECRET,
        "context_ids": [SECRET],
        "expect": [{"grader": name, **SPECS[name]}],
    }
    return Case.model_validate_json(json.dumps(line))


CASES = {name: case(name) for name in SPECS}
LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
PIECES = ["[1]", "[a.md]", "\x1b[2J", "\u202e", "{}", "9" * 21, "\n", "()", "[", "]"]
TEXTS = st.one_of(
    st.text(max_size=300),
    st.text(st.characters(codec=None), max_size=80),  # lone surrogates too
    JSON.map(json.dumps),
    st.integers(1, 3_000).map(lambda deep: "[" * deep + "]" * deep),
    st.integers(1, 3_000).map(lambda deep: '{"a":' * deep + "NaN" + "}" * deep),
    st.sampled_from(["[x](", "1e999", "-", "NaN", "\x00", "[" * 9_000, "a" * 200_001, "1" * 5_000]),
    st.sampled_from(["```json\n```", "{}", "[]", "null", " ", "\n"]),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
)  # fmt: skip
NUMBERS = st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 5.0, 1e308])
ANSWERS = st.builds(
    Answer,
    text=TEXTS,
    retrieved=st.lists(st.builds(Retrieved, TEXTS, TEXTS, TEXTS, NUMBERS), max_size=3).map(tuple),
    model_returned=st.just("m") | st.text(max_size=5),
    latency_ms=NUMBERS,
    prompt_tokens=st.sampled_from([0, 5, 10**30]),
    completion_tokens=st.sampled_from([0, 5]),
)


def test_every_grader_is_tried_here() -> None:
    assert SPECS.keys() == GRADERS.keys()


@pytest.mark.parametrize("name", SPECS)
def test_no_answer_breaks_a_grader_or_passes_by_accident(name: str) -> None:
    context = GradeContext(embed=lambda _: [[1.0, 0.0], [0.0, 1.0]], allowed_callables=("qzx_missing",))
    one = CASES[name]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANSWERS)
    def holds(answer: Answer) -> None:
        found = asyncio.run(grade(one, answer, context))
        assert (found.score is None) == (found.error is not None) == (found.passed is None)
        if found.score is not None:
            assert 0 <= found.score <= 1
        if name not in HARMLESS and not _cites(name, answer):
            assert not found.passed, (answer, found)
        for said in (*found.reasons, found.error or ""):
            assert "\x1b" not in said and "\n" not in said and len(said) < 700

    holds()


def _cites(name: str, answer: Answer) -> bool:
    """Random brackets may really name what was retrieved."""
    return name == "citations" and any(
        f"[{one.strip()}]" in answer.text.replace("[ ", "[") or one.strip() in answer.text
        for passage in answer.retrieved
        for one in (passage.id, passage.source)
        if one.strip()
    )
