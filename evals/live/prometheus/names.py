"""What the series are called, and how they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

REQUESTS = "lockgate_requests_total"
ERRORS = "lockgate_errors_total"
LATENCY = "lockgate_latency_ms_bucket"
QUALITY = "lockgate_quality_bucket"
QUALITY_SUM = "lockgate_quality_sum"
HARMFUL = "lockgate_harmful_total"
CONFIRMED = "lockgate_harmful_confirmed_total"
CLEARED = "lockgate_harmful_cleared_total"
FEEDBACK = "lockgate_feedback_total"
METRICS = (REQUESTS, ERRORS, LATENCY, QUALITY, QUALITY_SUM, HARMFUL, CONFIRMED, CLEARED, FEEDBACK)
WHOLE = tuple(name for name in METRICS if name != QUALITY_SUM)
"""Metrics that count things, so that their values are whole numbers."""

OURS = ("environment", "release", "arm", "generation", "category", "le", "value")
"""Labels that say what is counted; all others say which process counts it."""


def selector(
    metrics: Iterable[str],
    environment: str,
    releases: Iterable[str] | None,
    arms: Iterable[str] | None,
    bounds: Iterable[str] | None = None,
) -> str:
    """The series selector for these label values; None is any.

    `bounds` keeps only these values of `le`, and series that have none; None keeps all.
    """
    wanted = [
        f"__name__=~{_one_of(metrics)}",
        f"environment={_quoted(environment)}",
        *(f"release=~{_one_of(one)}" for one in (releases,) if one is not None),
        *(f"arm=~{_one_of(one)}" for one in (arms,) if one is not None),
    ]
    if bounds is not None:
        wanted.append(f"le=~{_one_of(('', *bounds))}")
    return "{" + ",".join(wanted) + "}"


def _one_of(texts: Iterable[str]) -> str:
    return _quoted("|".join(re.escape(text) for text in texts))


def _quoted(text: str) -> str:
    """`text` as a PromQL string, which escapes as Go does."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
