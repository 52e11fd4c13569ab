"""The graders: one file a family, registered here by the name that a case's `expect` uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from evals.graders.base import FULL, Grade, GradeContext, Spec
from evals.graders.budget import Budget
from evals.graders.citations import Citations
from evals.graders.fuzzy import Fuzzy
from evals.graders.grading import CaseScore, grade, graders_digest
from evals.graders.json_path import JsonPath
from evals.graders.json_schema import JsonSchema
from evals.graders.judge import Judged
from evals.graders.number import Number
from evals.graders.pattern import Regex
from evals.graders.python import Python
from evals.graders.refusal import Refusal
from evals.graders.retrieval import Retrieval
from evals.graders.similarity import Similarity
from evals.graders.text import Contains, Equals, NotContains

GraderSpec = Annotated[
    Equals
    | Contains
    | NotContains
    | Regex
    | Fuzzy
    | Number
    | JsonSchema
    | JsonPath
    | Similarity
    | Retrieval
    | Citations
    | Refusal
    | Budget
    | Python
    | Judged,
    Field(discriminator="grader"),
]
"""One entry of a case's `expect`: `{grader: name, …arguments, weight}`."""

GRADERS: Mapping[str, type[Spec]] = MappingProxyType(
    {
        "equals": Equals,
        "contains": Contains,
        "not_contains": NotContains,
        "regex": Regex,
        "fuzzy": Fuzzy,
        "number": Number,
        "json_schema": JsonSchema,
        "json_path": JsonPath,
        "similarity": Similarity,
        "retrieval": Retrieval,
        "citations": Citations,
        "refusal": Refusal,
        "budget": Budget,
        "python": Python,
        "judge": Judged,
    }
)
"""Every grader by its name."""

__all__ = [
    "FULL",
    "GRADERS",
    "CaseScore",
    "Grade",
    "GradeContext",
    "GraderSpec",
    "Spec",
    "grade",
    "graders_digest",
]
