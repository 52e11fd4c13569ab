"""Confidence sequences: intervals that hold at every look at once."""

from __future__ import annotations

import math
from collections.abc import Callable

from evals.live.eprocess import ODDS

RATE = "confidence sequence, {} % on each side"
"""What `rate_interval` gives, to be filled in with `level`."""
DIFFERENCE = "asymptotic confidence sequence, {} % on each side; the test itself is exact"
"""What `difference_interval` gives."""

_STEPS = 40
_BEST_AT = 1000
"""Scored answers of each arm at which the interval of a difference is at its narrowest."""
_USUAL_VARIANCE = 0.057
"""Of judged answers (standard deviation .238)."""


def level(alpha: float) -> str:
    """alpha .01 is "99"."""
    return f"{100 * (1 - alpha):g}"


def rate_interval(hits: int, trials: int, alpha: float, weight: float = 1.0) -> tuple[float, float]:
    """Bounds on a probability, each wrong with chance alpha at most, over all looks.

    They are the p0 that a RateTest, started with `weight` (0 to 1) of all money, would not reject: from
    below with its odds, from above with their inverses (Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform,
    nonparametric, nonasymptotic confidence sequences", arXiv 1810.08240).
    """
    if trials <= 0:
        return 0.0, 1.0
    enough = math.log(1 / (alpha * weight)) + math.log(len(ODDS))
    rate = hits / trials

    def rejects(p0: float, *, below: bool) -> bool:
        scales = [odds if below else 1 / odds for odds in ODDS]
        growths = [hits * math.log(odds) - trials * math.log1p(p0 * (odds - 1)) for odds in scales]
        top = max(growths)
        return top + math.log(math.fsum(math.exp(growth - top) for growth in growths)) >= enough

    low = _boundary(0.0, rate, lambda p0: rejects(p0, below=True)) if hits else 0.0
    high = 1 - _boundary(0.0, 1 - rate, lambda q0: rejects(1 - q0, below=False))
    return low, high


def _boundary(low: float, high: float, rejects: Callable[[float], bool]) -> float:
    """The largest p in [low, high] that is rejected, where all below it are; `low` where none is."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if rejects(middle):
            low = middle
        else:
            high = middle
    return low


def difference_interval(difference: float, variance: float, alpha: float) -> tuple[float, float]:
    """Bounds on a difference of two means, each wrong with chance alpha at most once samples are many.

    `variance` is that of the estimate. Robbins' normal mixture with the variance estimated
    (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic
    confidence sequences", arXiv 2103.06476). The exact one would mean to bet again on every
    answer at every margin.
    """
    both = 2 * alpha
    information = 1 / variance
    wanted = _BEST_AT / (2 * _USUAL_VARIANCE)
    scale = (-2 * math.log(both) + math.log(1 - 2 * math.log(both))) / wanted
    spread = information * scale + 1
    half = math.sqrt(2 * spread / (information**2 * scale) * math.log(math.sqrt(spread) / both))
    return max(-1.0, difference - half), min(1.0, difference + half)
