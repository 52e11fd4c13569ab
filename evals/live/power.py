"""How many scored answers a DifferenceTest takes, on average, until it rejects."""

from __future__ import annotations

import math

from evals.live.eprocess import BETS


def answers_to_reject(
    distance: float, variance: float, alpha: float, ratio: float, first_bet: float
) -> float:
    """Scored answers of the canary until a new test rejects at `alpha`, where the truth is `distance`
    (> 0, 0.02 is two points) away from H0.

    ln(1/alpha) divided by the growth of the best bet, d²/2σ²(1 + r) for r answers of the canary to one
    of the control (T. M. Cover, J. A. Thomas, "Elements of Information Theory", chapter 6: wealth grows
    as e to growth × rounds). What is not on the best bet has to be won as well: it is `first_bet` of the
    money on len(BETS) alternatives, of which about two are near the best.
    """
    target = math.log(1 / alpha) + math.log(len(BETS) / 2) - math.log(first_bet)
    return target * 2 * variance * (1 + ratio) / distance**2


def answers_left(
    stakes: list[float], distance: float, variance: float, alpha: float, ratio: float
) -> float | None:
    """The same for a test that is under way and has `stakes` on BETS. None where no bet gains."""
    share = 1 / (1 + ratio)
    soonest = None
    for stake, bet in zip(stakes, BETS, strict=True):
        each = bet * share
        growth = each * distance - each * each * variance * (1 + ratio) / 2
        if growth <= 0 or stake <= 0:
            continue
        left = max(0.0, -math.log(alpha * stake) / growth)
        soonest = left if soonest is None else min(soonest, left)
    return soonest
