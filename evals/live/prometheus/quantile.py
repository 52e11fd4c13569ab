"""p99 from buckets, as far as buckets know it."""

from __future__ import annotations

from collections import defaultdict

from evals.live.prometheus.api import PrometheusApi
from evals.live.prometheus.counting import increments
from evals.live.prometheus.groups import number
from evals.live.prometheus.series import Series

_STEP_S = 300
_BEFORE_S = 3600.0
"""How far before the span a counter's starting value is looked for."""
_FEWEST = 5_000
"""Requests, fifty of which are beyond p99."""
_CLOSE = 1e-4
"""How much under the wanted threshold a bound may lie, as a share: bounds are written rounded."""


def p99_at_a_bound(api: PrometheusApi, selector: str, start: float, end: float, rise: float) -> float | None:
    """A value that p99 of the latencies in (start, end] does not exceed, in milliseconds, such that
    (1 + `rise`) times it is a bucket's bound. None for under 5,000 requests, or no such bound.

    Raises MachineryError when Prometheus cannot be read.
    """
    steps = int(_BEFORE_S // _STEP_S) + max(1, int((end - start) // _STEP_S))
    found = api.grid(selector, end - steps * _STEP_S, end, _STEP_S)
    within: dict[float, float] = defaultdict(float)
    for series in found:
        bound = number(series.label("le"))
        if bound is not None:
            within[bound] += _counted(series, start)
    total = within.pop(float("inf"), 0.0)
    if total < _FEWEST:
        return None
    bounds = sorted(within)
    over = next((bound for bound in bounds if within[bound] >= 0.99 * total), None)
    if over is None:
        return None
    threshold = next((bound for bound in bounds if bound >= over * (1 + rise) * (1 - _CLOSE)), None)
    return None if threshold is None else threshold / (1 + rise)


def _counted(series: Series, start: float) -> float:
    """What the counter counted after `start`. One that was there before goes on from its value."""
    before = series.within(float("-inf"), start)
    after = series.within(start, float("inf"))
    last = (before.times[-1], before.values[-1]) if before.times else None
    return sum(count for _, count in increments(after.times, after.values, last))
