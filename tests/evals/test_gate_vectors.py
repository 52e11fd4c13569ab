"""The gate gives the figures and outcomes of tests/vectors/gate.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.gate import CategoryScores, judge_category
from store.records.versions import CategoryPolicy

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "gate.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_vector(vector: dict[str, Any]) -> None:
    scores = CategoryScores(
        name="relevance",
        suite="evals/support",
        policy=CategoryPolicy(name="relevance", margin=vector["margin"]),
        candidate=vector["candidate"],
        baseline=vector["base"],
        errors=0,
        expected=len(vector["base"]),
    )
    verdict = judge_category(scores, vector["alpha"], 10)
    figures = (verdict.difference, verdict.standard_error, verdict.low, verdict.high)
    assert [round(one, 4) for one in figures if one is not None] == [
        vector["diff"],
        vector["run_se"],
        vector["lo"],
        vector["hi"],
    ]
    assert (verdict.outcome, verdict.needs_repeats) == (vector["verdict"], vector["needs_repeats"])
    assert verdict.cases == len(vector["base"])
