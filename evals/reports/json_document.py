"""One JSON document (`lockgate.report/1`)."""

from __future__ import annotations

import json

from evals.reports import plain
from evals.reports.report import Report
from store.text import json_safe


def render(report: Report) -> bytes:
    """`report` as JSON in UTF-8, in which nothing acts on a terminal."""
    value = {
        **plain.head(report),
        "categories": [plain.category(one) for one in report.categories],
        "flips": [plain.flip(one) for one in report.flips],
        "noise": plain.noise(report),
    }
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{json_safe(text)}\n".encode()
