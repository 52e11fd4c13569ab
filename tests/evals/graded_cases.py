"""Cases with one grader and what it says of an answer, for the tests of the graders."""

from __future__ import annotations

import json
from typing import Any

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders import CaseScore, GradeContext, grade
from evals.suite import Suite, parse_suite

FOUND = (Retrieved("a.md#1", "a.md", "30 days", 0.1), Retrieved("b.md#1", "b.md", "by post", 0.2))
"""Two passages that were retrieved."""


def case(*expect: dict[str, Any], **more: Any) -> Case:
    """A case with these graders."""
    line = {"id": "c1", "input": "How long?", "expect": expect, "category": "relevance", **more}
    return Case.model_validate_json(json.dumps(line))


async def said(
    spec: dict[str, Any], answer: Answer | str, context: GradeContext | None = None, **more: Any
) -> CaseScore:
    """What the grader says of the answer; a text stands for an answer with two passages."""
    given = Answer(text=answer, retrieved=FOUND) if isinstance(answer, str) else answer
    return await grade(case(spec, **more), given, context or GradeContext())


def suite(*lines: dict[str, Any], judge: str = "") -> Suite:
    """A suite of these cases, all in the category relevance."""
    files = {
        "suite.toml": f'{judge}[[categories]]\nname = "relevance"\n'.encode(),
        "cases.jsonl": "\n".join(map(json.dumps, lines)).encode(),
    }
    return parse_suite(files, "evals/support@v1")


def line(*expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A line of cases.jsonl with these graders."""
    return {"id": "a", "input": "How long?", "expect": list(expect), "category": "relevance", **more}
