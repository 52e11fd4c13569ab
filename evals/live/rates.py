"""Watching counts of an attempt: failed and slow requests, thumbs down."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

from evals.live.eprocess import RateTest
from evals.live.verdict import BLOCK_ALPHA

FIRST_BET = 0.5
"""Of the money, at the start of a test; and of the rest, at the start of each further stage."""
LATER_BET = 1 / 200
"""Of the rest, every so many minutes: half of it within a day."""
EVERY = 10
"""Minutes between two such bets."""
STABLE_BAR = 3.0
"""Evidence of 3 to 1 that stable is above the threshold too sends the question to the comparison."""
SPARED = 0.1
"""How unlikely it has to be that stable has the canary's rate and was merely lucky."""
LOOK_BACK = 30
"""Minutes over which stable's own trouble counts as present."""
CHANCE = 0.001
"""What happens less often than that by chance is trouble."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Hits out of trials."""

    hits: int
    trials: int

    @property
    def rate(self) -> float | None:
        """The share; None of nothing."""
        return self.hits / self.trials if self.trials else None


@dataclass(slots=True)
class Pace:
    """When money is put in: bets that start later find a canary that turned bad later."""

    due: int | None = None
    """The minute of the next bet."""
    stage: int = 0

    def share(self, minute: int, stage: int) -> float:
        """What of the cash is bet before `minute` of `stage` is looked at."""
        if self.due is not None and minute < self.due and stage <= self.stage:
            return 0.0
        is_start = self.due is None or stage > self.stage
        self.due, self.stage = minute + EVERY, max(stage, self.stage)
        return FIRST_BET if is_start else LATER_BET


@dataclass(slots=True)
class Versus:
    """The canary's part of the hits of both arms. Noted always, counted out when it is asked for."""

    test: RateTest = field(default_factory=RateTest)
    _noted: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    _pace: Pace = field(default_factory=Pace)

    def note(self, minute: int, stage: int, hits: int, trials: int, other: int, others: int) -> None:
        """Takes in a minute: hits of trials in the canary, `other` of `others` in stable."""
        self._noted.append((minute, stage, hits, trials, other, others))

    def peak(self) -> float:
        """The most that the evidence was that the canary's rate is above stable's."""
        for minute, stage, hits, trials, other, others in self._noted:
            self.test.wealth.invest(self._pace.share(minute, stage))
            self.test.add(hits, hits + other, trials / (trials + others))
        self._noted.clear()
        return self.test.peak


@dataclass(slots=True)
class RateWatch:
    """A share of the canary's requests against a threshold, unless stable is above it as well."""

    threshold: float
    canary: RateTest = field(default_factory=RateTest)
    stable: RateTest = field(default_factory=RateTest)
    versus: Versus = field(default_factory=Versus)
    hits: int = 0
    """The canary's, in the whole attempt."""
    trials: int = 0
    stable_hits: int = 0
    stable_trials: int = 0
    run_since: int | None = None
    """The first minute of the run: the time since there was last no evidence against the canary."""
    run_weight: float = FIRST_BET
    """What of the money was last put in before it."""
    blocked_at: int | None = None
    """The minute since which the canary is certainly above, and stable is not, or is better."""
    trouble_at: int | None = None
    """The last minute in which stable was above, over the half hour before it."""
    stable_at: int | None = None
    """The last minute of stable's that was looked at."""
    _run_from: tuple[int, int, int, int] = (0, 0, 0, 0)
    _settled_from: tuple[int, int, int, int] = (0, 0, 0, 0)
    _recent: deque[tuple[int, int, int]] = field(default_factory=deque)
    _pace: Pace = field(default_factory=Pace)
    _paid: float = FIRST_BET
    _minute: int = 0

    @property
    def settled(self) -> tuple[Counted, Counted]:
        """The canary's and stable's since stable was last in trouble: what a pass stands on."""
        return self._since(self._settled_from)

    @property
    def run(self) -> tuple[Counted, Counted]:
        """The canary's and stable's in the run: what a block stands on."""
        return self._since(self._run_from)

    def _since(self, then: tuple[int, int, int, int]) -> tuple[Counted, Counted]:
        canary = Counted(self.hits - then[0], self.trials - then[1])
        return canary, Counted(self.stable_hits - then[2], self.stable_trials - then[3])

    @property
    def is_in_trouble(self) -> bool:
        """Whether stable is above the threshold at the moment: something that both arms depend on fails."""
        if self.trouble_at is None or self.trouble_at != self.stable_at:
            return False
        return self._minute - self.trouble_at < LOOK_BACK

    def step(
        self, minute: int, stage: int, hits: int, trials: int, stable_hits: int, stable_trials: int
    ) -> None:
        """Takes in what came to light of one minute: the canary's, and stable's."""
        self._minute = max(minute, self._minute)
        share = 0.0 if self.is_in_trouble else self._pace.share(minute, stage)
        if share:
            self._paid = self.canary.wealth.invest(share)
            self.stable.wealth.invest(share)
        if self.run_since is None:
            self.run_since, self.run_weight = minute, self._paid
        if stable_trials:
            self._recent.append((minute, self.stable_hits, self.stable_trials))
            self.stable_hits += stable_hits
            self.stable_trials += stable_trials
            self.stable.add(stable_hits, stable_trials, self.threshold)
            self._look_at_stable(minute)
        if trials:
            self.hits += hits
            self.trials += trials
            self.canary.add(hits, trials, self.threshold)
            if stable_trials and (hits or stable_hits):
                self.versus.note(minute, stage, hits, trials, stable_hits, stable_trials)
        if self.blocked_at is None:
            self._look_at_canary(minute)

    def _look_at_canary(self, minute: int) -> None:
        if self.is_in_trouble:
            # What the bets won now says nothing of the release: only the comparison does.
            self.blocked_at = minute if self._is_worse_than_stable() else None
            for test in (self.canary, self.stable):
                test.wealth.forfeit()
            self._pace.due = None
        elif self.canary.is_quiet or self.canary.wealth.now <= 1:
            self._start_run()
        elif self.canary.wealth.now >= 1 / BLOCK_ALPHA and self._is_its_own():
            self.blocked_at = minute

    def _start_run(self) -> None:
        self._run_from = (self.hits, self.trials, self.stable_hits, self.stable_trials)
        self.run_since = None

    def _is_its_own(self) -> bool:
        """Whether stable does not have the same trouble, as far as it is known by now."""
        canary, stable = self.run
        if not stable.trials or canary.rate is None:
            return True
        if self.stable.wealth.now >= STABLE_BAR:
            return self._is_worse_than_stable()
        return is_unlikely(stable.trials - stable.hits, stable.trials, 1 - canary.rate, SPARED)

    def _is_worse_than_stable(self) -> bool:
        return self.versus.peak() >= 1 / BLOCK_ALPHA

    def _look_at_stable(self, minute: int) -> None:
        self.stable_at = minute
        while self._recent[0][0] <= minute - LOOK_BACK:
            self._recent.popleft()
        _, hits, trials = self._recent[0]
        if is_unlikely(self.stable_hits - hits, self.stable_trials - trials, self.threshold):
            self.trouble_at = minute
            self._settled_from = (self.hits, self.trials, self.stable_hits, self.stable_trials)


@dataclass(slots=True)
class ShareWatch:
    """Bad events of the canary among those of both arms, against its share of the traffic."""

    test: RateTest = field(default_factory=RateTest)
    hits: int = 0
    """The canary's bad events."""
    trials: int = 0
    """Its requests."""
    control_hits: int = 0
    control_trials: int = 0
    blocked_at: int | None = None
    _pace: Pace = field(default_factory=Pace)

    def step(
        self, minute: int, stage: int, hits: int, trials: int, others: int, control_trials: int, share: float
    ) -> None:
        """Takes in what came to light of one minute; `share` is the canary's of that minute's requests."""
        if not 0 < share < 1:
            return
        self.hits += hits
        self.trials += trials
        self.control_hits += others
        self.control_trials += control_trials
        if not hits + others:
            return
        paid = self._pace.share(minute, stage)
        if paid:
            self.test.wealth.invest(paid)
        self.test.add(hits, hits + others, share)
        if self.blocked_at is None and self.test.peak >= 1 / BLOCK_ALPHA:
            self.blocked_at = minute


def is_unlikely(hits: int, trials: int, rate: float, chance: float = CHANCE) -> bool:
    """Whether at least `hits` of `trials` happen with less than `chance` where each does with `rate`.

    The binomial tail, summed from `hits` upwards.
    """
    if hits <= trials * rate:
        return False
    if rate <= 0:
        return True  # what cannot happen did
    return _tail(hits, trials, rate, chance) < chance


@lru_cache(maxsize=4096)
def _tail(hits: int, trials: int, rate: float, enough: float) -> float:
    """P(X ≥ hits), or something above `enough` where it is that."""
    term = tail = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(trials - hits + 1)
        + hits * math.log(rate)
        + (trials - hits) * math.log1p(-rate)
    )
    odds = rate / (1 - rate)
    for count in range(hits, trials):
        if tail >= enough or term < enough * 1e-6:
            break
        term *= odds * (trials - count) / (count + 1)
        tail += term
    return tail
