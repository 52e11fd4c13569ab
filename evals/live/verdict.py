"""What an analysis says of one metric, and the words for its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from store.records.verdict import Outcome

BLOCK_ALPHA = 0.01
"""The chance, per metric and attempt, that a healthy canary is taken back."""
PASS_ALPHA = 0.05
"""The chance, per attempt, that a release worse than the margin is let on."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What is missing before a metric can be decided."""

    samples: int
    """More of the canary's, about."""
    of: str
    """What they are: "scored answers", "requests"."""
    minutes: float | None
    """How long that takes at the traffic of late; None where there was none."""

    @property
    def words(self) -> str:
        """ "about 1,900 more scored answers, at today's traffic 6 h"."""
        text = f"about {rounded(self.samples)} more {self.of}"
        return text if self.minutes is None else f"{text}, at today's traffic {span(self.minutes)}"


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One metric of the canary, held against its threshold or against the control."""

    name: str
    """`error_rate`, `p99_sla`, `p99_rise`, `quality`, `quality/<category>`, `bad_feedback`, `harmful`."""
    outcome: Outcome
    reason: str
    """One sentence."""
    canary: float | None = None
    """The estimate: a mean score, or a share of requests (failed; slower than the limit), 0 to 1."""
    control: float | None = None
    """The same of the control; of all of stable where the evidence has that."""
    difference: float | None = None
    """canary − control."""
    low: float | None = None
    """The interval around `difference` (quality) or `canary` (the rest)."""
    high: float | None = None
    interval: str = ""
    """What that interval is; empty where there is none."""
    threshold: float | None = None
    """The drop (quality) or share (the rest) from which the metric is bad."""
    canary_samples: int = 0
    """Scored answers, requests, or votes that the estimate stands on."""
    control_samples: int = 0
    e_value: float = 1.0
    """The highest that the evidence against the canary ever was in this attempt; blocks from 1/alpha."""
    alpha: float = BLOCK_ALPHA
    since: float | None = None
    """Where the numbers are not of the whole attempt: when they begin, in seconds since 1970."""
    blocked_at: float | None = None
    """The minute in which it was first certain, in seconds since 1970."""
    needs: Needs | None = None
    gating: bool = True
    """Whether the rollout waits while this is inconclusive. Single categories only ever block."""


def rounded(count: float) -> str:
    """Two significant digits, rounded up: 1,872 is "1,900"."""
    if count < 100:
        return str(math.ceil(count))
    step = 10 ** (math.floor(math.log10(count)) - 1)
    return f"{math.ceil(count / step) * step:,}"


def span(minutes: float) -> str:
    """ "40 min", "6 h", "3 days"."""
    if minutes < 90:
        return f"{max(1, math.ceil(minutes))} min"
    if minutes < 48 * 60:
        return f"{math.ceil(minutes / 60)} h"
    return f"{math.ceil(minutes / (24 * 60)):,} days"


def percent(share: float) -> str:
    """ "0.1 %", "12 %": two significant digits below ten."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def points(share: float) -> str:
    """ "2 points", "1.4 points"."""
    text = f"{round(100 * share, 1):g}"
    return f"{text} point" if text == "1" else f"{text} points"
