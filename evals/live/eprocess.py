"""Two tests that may be looked at after every observation, for as long as one likes.

Each is money bet against a hypothesis H0: it starts at 1, and if H0 is true no way of betting makes it
grow on average (a nonnegative supermartingale, an e-process), so the chance that it ever reaches
1/alpha is at most alpha, however often and whenever one looks (J. Ville, "Étude critique de la notion
de collectif", 1939; Ramdas, Grünwald, Vovk, Shafer, "Game-theoretic statistics and safe anytime-valid
inference", arXiv 2210.01948). What is bet is fixed before the numbers that it is bet on are seen.

A canary that turned bad after a good day would have to win back all that was lost in that day. So
only a part is bet at first, and more is put in later: a sum of tests that start at different times
(Shin, Ramdas, Rinaldo, "E-detectors", arXiv 2203.03532), with weights that sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_MOST = 1e200
"""Wealth is cut off here: enough for every alpha, and sums and products of it stay finite."""
_STEEPEST = 400.0
"""The largest exponent of one factor."""

ODDS = (1.25, 1.6, 2.2, 3.5, 6.0, 12.0, 25.0, 60.0, 200.0)
"""The alternatives of a RateTest: how many times the odds of a hit are those of H0."""
_LOG_ODDS = tuple(math.log(odds) for odds in ODDS)

BETS = (0.2, 0.4, 0.8, 1.6, 4.0)
"""The alternatives of a DifferenceTest: excess over the margin, divided by the variance of a value.
At the variance .057 of judged answers, 0.8 is the best bet on a drop of five points."""
_SAFE = 0.9
"""The most of a bet that one value may lose."""
_CHUNK = 64
"""Values whose factors are multiplied as they are: within [0.1, 5] each, their product is a number."""


@dataclass(slots=True)
class Wealth:
    """Money on several bets at once, and what is not bet yet (Robbins' method of mixtures)."""

    stakes: list[float]
    """On each alternative."""
    cash: float = 1.0
    """Not bet."""
    now: float = 1.0
    """What all of it is worth: the e-value."""
    peak: float = 1.0
    """The most that it ever was: what counts, for H0 once rejected stays rejected."""

    def invest(self, share: float) -> float:
        """Bets `share` (0 to 1) of the cash, the same on every alternative. Returns how much that was."""
        amount = self.cash * share
        self.cash -= amount
        each = amount / len(self.stakes)
        self.stakes = [stake + each for stake in self.stakes]
        return amount

    def forfeit(self) -> None:
        """Gives up all that is bet: what was won belongs to something that is not asked about."""
        self.stakes = [0.0] * len(self.stakes)
        self.now = self.cash

    def settle(self, stakes: list[float]) -> None:
        """Takes what the stakes have become."""
        worth = self.cash + sum(stakes)
        if worth > _MOST:
            stakes = [min(stake, _MOST) for stake in stakes]
            worth = self.cash + sum(stakes)
        self.stakes, self.now = stakes, worth
        if worth > self.peak:
            self.peak = worth


@dataclass(slots=True)
class RateTest:
    """H0: each trial is a hit with probability at most p0, whatever came before. p0 may change.

    The bet is a likelihood ratio: with odds θ times those of p0 the probability of a hit would be
    θ·p0/(1 + p0(θ − 1)), so k hits in n trials multiply the stake by θ^k / (1 + p0(θ − 1))^n, on average
    by at most 1 where the probability is at most p0. A. Wald's sequential test (Annals of Mathematical
    Statistics 16, 1945) mixed over θ (H. Robbins, ibid. 41, 1970). Over odds ratios it stays exact while
    p0 changes; the order of the batches between two investments does not matter.

    For two arms, trials are the bad events of both, hits those of the canary and p0 its share of the
    traffic (Lindon, Malek, "Anytime-valid inference for multinomial count data", arXiv 2011.03567).
    Given the batch hits are then hypergeometric, on which θ^hits is on average no more than on the
    binomial (W. Hoeffding, Journal of the American Statistical Association 58, 1963, theorem 4).
    """

    _wealth: Wealth = field(default_factory=lambda: Wealth([0.0] * len(ODDS)))
    _hits: int = 0
    _trials: int = 0
    _p0: float = 0.5

    def add(self, hits: int, trials: int, p0: float) -> None:
        """Takes in a batch: 0 ≤ hits ≤ trials, 0 < p0 < 1. Raises ValueError for anything else."""
        if not (0 <= hits <= trials and 0 < p0 < 1):
            raise ValueError(f"{hits} hits in {trials} trials at p0 = {p0} is no batch")
        if p0 != self._p0:
            self._settle()
            self._p0 = p0
        self._hits += hits
        self._trials += trials
        # With no more hits than H0 expects no stake can have grown, so there is no peak to be missed.
        if self._hits > self._trials * p0:
            self._settle()

    @property
    def wealth(self) -> Wealth:
        """What the bets are worth after all batches."""
        self._settle()
        return self._wealth

    @property
    def peak(self) -> float:
        """The highest that the e-value was after any batch."""
        return self._wealth.peak

    @property
    def is_quiet(self) -> bool:
        """Whether the e-value is at most 1, as far as it can be told without counting it out."""
        return self._wealth.now <= 1

    def _settle(self) -> None:
        if not self._trials:
            return
        hits, trials = self._hits, self._trials
        self._hits = self._trials = 0
        growths = zip(self._wealth.stakes, _LOG_ODDS, _costs(self._p0), strict=True)
        if hits * _LOG_ODDS[-1] < _STEEPEST:
            stakes = [stake * math.exp(hits * gain - trials * cost) for stake, gain, cost in growths]
        else:
            stakes = [
                stake * math.exp(min(hits * gain - trials * cost, _STEEPEST)) for stake, gain, cost in growths
            ]
        self._wealth.settle(stakes)


@lru_cache(maxsize=4096)
def _costs(p0: float) -> tuple[float, ...]:
    return tuple(math.log1p(p0 * (odds - 1)) for odds in ODDS)


@dataclass(slots=True)
class DifferenceTest:
    """H0: mean of the first arm − mean of the second ≤ margin, for values in [0, 1], unpaired.

    Betting on bounded means (Waudby-Smith, Ramdas, arXiv 2010.09686; in two samples: Shekhar, Ramdas,
    arXiv 2112.09162) with a bet on every value instead of every pair, so that a batch may hold the arms
    in any ratio and its order does not matter: n values y of the first arm and m values x of the second
    multiply the stake by Π(1 + a(y − c)) · Π(1 − b(x − c + margin)), with a = β·m/(n + m) and
    b = β·n/(n + m). c is the mean of the first arm before the batch. Let u be the mean of y less c.
    Under H0 the mean of x − c + margin is at least u, so by 1 + z ≤ e^z the factor is on average at most
    exp(n·a·u − m·b·u) = 1, for any c; a c near the truth costs little.
    """

    margin: float
    wealth: Wealth = field(default_factory=lambda: Wealth([0.0] * len(BETS)))
    _count: float = 1.0
    _total: float = 0.5

    @property
    def centre(self) -> float:
        """The mean of the first arm so far, with one value of one half to begin with."""
        return self._total / self._count

    def add(self, first: Sequence[float], second: Sequence[float]) -> None:
        """Takes in a batch. Both arms need at least one value in [0, 1]; ValueError where they have none."""
        if not first or not second:
            raise ValueError("a batch needs values of both arms")
        n, m = len(first), len(second)
        self._bet(first, second, m / (n + m), n / (n + m))
        self._count += n
        self._total += math.fsum(first)

    def add_alone(self, second: Sequence[float], allowance: float) -> None:
        """Takes in values of the second arm where nobody is in the first any more.

        They are held against the mean of the first as it was, which is an estimate, less `allowance`:
        H0 becomes centre − mean of the second ≤ margin + allowance.
        """
        self._bet((), second, 0.0, 1.0, allowance)

    def _bet(
        self, first: Sequence[float], second: Sequence[float], a: float, b: float, allowance: float = 0.0
    ) -> None:
        centre = self.centre
        lowered = centre - self.margin - allowance
        most = _SAFE / max(a * centre, b * (1 - lowered), 1e-9)
        long = len(first) + len(second) > _CHUNK
        stakes = []
        for stake, bet in zip(self.wealth.stakes, BETS, strict=True):
            beta = bet if bet < most else most
            up, down = beta * a, beta * b
            start, end = 1 - up * centre, 1 + down * lowered
            if long:
                stakes.append(stake * _long_product(first, second, start, up, end, down))
            else:
                ours = math.prod([start + up * y for y in first])
                stakes.append(stake * ours * math.prod([end - down * x for x in second]))
        self.wealth.settle(stakes)


def _long_product(
    first: Sequence[float], second: Sequence[float], start: float, up: float, end: float, down: float
) -> float:
    """Π(start + up·y) · Π(end − down·x) for any number. A logarithm a chunk: they cost more than products."""
    logs = [
        math.log(math.prod([start + up * y for y in first[begin : begin + _CHUNK]]))
        + math.log(math.prod([end - down * x for x in second[begin : begin + _CHUNK]]))
        for begin in range(0, max(len(first), len(second)), _CHUNK)
    ]
    return math.exp(min(math.fsum(logs), _STEEPEST))
