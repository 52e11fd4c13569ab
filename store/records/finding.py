"""What one live metric said when it moved a rollout."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from store.records.base import Prose, Strict

MOST_FINDINGS = 50
"""That a record or a kill file keeps; who looks at more metrics chooses."""


class Finding(Strict):
    """One metric, canary against stable."""

    metric: str = Field(max_length=200)
    """`error rate`, `quality`, `quality/safety`, …"""
    outcome: Literal["pass", "block", "inconclusive"]
    canary: float | None = None
    """The estimate for the canary, in the metric's unit."""
    control: float | None = None
    """The estimate for the matched users of stable."""
    low: float | None = None
    """The interval of what is compared with the threshold."""
    high: float | None = None
    threshold: float | None = None
    canary_samples: int = Field(default=0, ge=0)
    control_samples: int = Field(default=0, ge=0)
    reason: Prose = ""
