"""Tests of promptfoo in CSV: a column a variable, `__expected…` for assertions
(promptfoo.dev/docs/configuration/test-cases)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from evals.imports.csv_text import parse_csv
from evals.imports.found import Found
from store.yaml_text import Row, Table

_EXPECTED = re.compile(r"__expected[0-9]*")
_TYPED = re.compile(r"(not-)?([a-z][a-z:-]*?)(?:\(([0-9.]+)\))?:\s*([\s\S]*)")
_BARE = ("is-json", "is-refusal", "not-is-refusal")
_SHORT = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric", "file": "python"}
_TYPES = frozenset(
    (
        *(
            "equals",
            "contains",
            "icontains",
            "contains-any",
            "icontains-any",
            "contains-all",
            "icontains-all",
        ),
        *("starts-with", "regex", "is-json", "contains-json", "similar", "latency", "cost", "is-refusal"),
        *("llm-rubric", "model-graded-closedqa", "g-eval", "factuality", "javascript", "python", "webhook"),
        *("levenshtein", "rouge-n", "bleu", "perplexity", "is-sql", "is-xml", "moderation", "classifier"),
        *("answer-relevance", "context-recall", "context-relevance", "context-faithfulness", "select-best"),
    )
)


def csv_tests(data: bytes, name: str, found: Found) -> Iterator[Table]:
    """Each row as a test of a configuration."""
    for line, cells in parse_csv(data, name):
        test, variables, asserts = Table(), Table(), Row()
        for column, cell in cells.items():
            if _EXPECTED.fullmatch(column):
                if cell.strip():
                    asserts.append(_assertion(cell.strip(), line))
            elif column == "__description":
                test["description"] = cell
            elif column.startswith("__metadata:"):
                test.setdefault("metadata", {})[column.removeprefix("__metadata:").removesuffix("[]")] = cell
            elif column.startswith("__"):
                if cell.strip():
                    found.remark(f"{name}, line 1", f"the column {column} is not kept")
            elif column:
                variables[column] = cell
        asserts.line, asserts.lines = line, [line] * len(asserts)
        for one in (test, variables):
            one.line, one.lines = line, {}
        test["vars"], test["assert"] = variables, asserts
        yield test


def _assertion(cell: str, line: int) -> Table:
    """`contains: text`, `similar(0.8): text`, `is-json`; plain text is what the answer has to equal."""
    one = Table()
    one.line, one.lines = line, {}
    typed = _TYPED.fullmatch(cell)
    kind = _SHORT.get(typed[2], typed[2]) if typed else ""
    if typed and kind in _TYPES:
        one["type"] = f"{typed[1] or ''}{kind}"
        value: Any = typed[4].strip()
        if kind in ("latency", "cost"):
            one["threshold"] = _number(typed[3] or value)
        elif value:
            one["value"] = value
        if typed[3] and kind not in ("latency", "cost"):
            one["threshold"] = _number(typed[3])
    elif cell in _BARE:
        one["type"] = cell
    else:
        one.update({"type": "equals", "value": cell})
    return one


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
