"""One line of JSON for the verdict, for each category, for each flipped case and for each noise floor."""

from __future__ import annotations

import json
from typing import Any

from evals.reports import plain
from evals.reports.report import Report
from store.text import json_safe


def render(report: Report) -> bytes:
    """`report` as lines, each with `line`: verdict, category, flip or noise."""
    lines: list[dict[str, Any]] = [{"line": "verdict", **plain.head(report)}]
    lines += [{"line": "category", **plain.category(one)} for one in report.categories]
    lines += [{"line": "flip", **plain.flip(one)} for one in report.flips]
    lines += [{"line": "noise", **one} for one in plain.noise(report)]
    return "".join(f"{_line(one)}\n" for one in lines).encode()


def _line(value: dict[str, Any]) -> str:
    return json_safe(json.dumps(value, ensure_ascii=False, allow_nan=False))
