"""A histogram of latencies in levels that are two percent wide: for display and for stable's p99.

The levels are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile
sketch with relative-error guarantees", VLDB 2019): level i holds (gamma^(i-1), gamma^i], and its
middle 2·gamma^i / (gamma+1) is at most (gamma-1)/(gamma+1), one percent, away from all it holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

GAMMA = 1.02
SMALLEST_MS = 0.001
"""Shorter latencies count as this."""
_LOG_GAMMA = math.log(GAMMA)


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of the latency of some requests, in milliseconds, each within one percent."""

    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


def level(latency_ms: float) -> int:
    """The level that `latency_ms` belongs to."""
    return math.ceil(math.log(max(latency_ms, SMALLEST_MS)) / _LOG_GAMMA)


def middle(level: int) -> float:
    """What stands for the latencies of `level`, in milliseconds."""
    return float(2 * GAMMA**level / (GAMMA + 1))


def quantile(counts: Mapping[int, int], q: float) -> float:
    """The latency in milliseconds that a share `q` of requests does not exceed (nearest rank).

    `counts` is by level. Raises ValueError where it is empty.
    """
    total = sum(counts.values())
    if total < 1:
        raise ValueError("there are no latencies to take a quantile of")
    rank = max(1, math.ceil(q * total))
    seen = 0
    for one in sorted(counts):
        seen += counts[one]
        if seen >= rank:
            break
    return middle(one)


def summary(counts: Mapping[int, int]) -> Latency | None:
    """The quantiles that are shown; None where nothing was timed."""
    total = sum(counts.values())
    if total < 1:
        return None
    return Latency(total, quantile(counts, 0.5), quantile(counts, 0.95), quantile(counts, 0.99))
