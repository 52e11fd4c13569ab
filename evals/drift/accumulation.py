"""What the p-values of all checks say together, at any time one looks.

A p-value becomes an e-value (a number that is at most 1 on average where nothing changed) by the mixture
∫ κ·p^(κ−1) dκ over κ in (0, 1) = (1 − p + p·ln p) / (p·(ln p)²) (V. Vovk, R. Wang, "E-values: calibration,
combination and applications", arXiv 1912.06116). E-values of successive checks multiply; the product stays
below 1/alpha for all time with probability at least 1 − alpha (J. Ville 1939).

A product that began at the baseline would have to win back what it lost in the quiet months before the
change. So a part of the money is bet anew at every check: a sum of products that start at each check, with
weights that sum to 1 (Shin, Ramdas, Rinaldo, "E-detectors", arXiv 2203.03532), here j^−1.5 / ζ(1.5) for
the j-th. It is again at most 1 on average, so the bound holds for the whole life of a baseline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

ALPHA = 0.01
"""The chance that a pin which never changes ever raises an alarm."""
ALARM = 1 / ALPHA
_ZETA = 2.6123753486854883
"""ζ(1.5)."""
_MOST = 1e200
"""The e-value is cut off here, so that it stays a number."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks so far have come to."""

    checks: int = 0
    e_value: float = 1.0
    """What all bets are worth now."""
    peak: float = 1.0
    """The most that they ever were: what counts, for H0 once rejected stays rejected."""
    quiet_until: int = 0
    """The number of the last check after which the e-value was at most 1; a change is likely after it."""
    _staked: float = 0.0
    _cash: float = 1.0

    @property
    def is_alarm(self) -> bool:
        """Whether H0 is rejected."""
        return self.peak >= ALARM


def e_value(p: float) -> float:
    """The e-value of the p-value `p`. Raises ValueError unless 0 < p ≤ 1."""
    if not 0 < p <= 1:
        raise ValueError(f"{p!r} is no p-value")
    x = -math.log(p)
    if x < 1e-4:
        return 0.5 + x / 6
    return (math.expm1(x) - x) / (x * x) if x < 700 else _MOST


def after(evidence: Evidence, p: float) -> Evidence:
    """`evidence` with one more check, whose p-value is `p`."""
    number = evidence.checks + 1
    weight = number**-1.5 / _ZETA
    cash = max(0.0, evidence._cash - weight)
    staked = min(_MOST, (evidence._staked + weight) * e_value(p))
    worth = staked + cash
    return Evidence(
        checks=number,
        e_value=worth,
        peak=max(evidence.peak, worth),
        quiet_until=number if worth <= 1 else evidence.quiet_until,
        _staked=staked,
        _cash=cash,
    )


def accumulated(p_values: Iterable[float]) -> Evidence:
    """The evidence of all checks, in the order in which they were made."""
    evidence = Evidence()
    for p in p_values:
        evidence = after(evidence, p)
    return evidence
