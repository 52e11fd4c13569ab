"""Watching the scores of an attempt, of all answers or of one category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evals.live.eprocess import DifferenceTest
from evals.live.rates import Pace
from evals.live.verdict import PASS_ALPHA

BATCH = 10
"""Values that each arm needs before they are bet on: fewer, and chance ratios of the arms cost power."""
ALONE = 200
"""Scores of the control from which on its mean serves as the measure when it has ended."""
BYGONE = 2.5
"""Margins by which a canary that serves everybody has to be worse than the control once was. What users
ask changes with the day: held against a control that ended, 3 points of season took 17 of 20 good releases
back (simulated)."""
_SLACK = 1e-9
"""Sums of decimal scores are inexact in binary."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How many, and what they add up to."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, values: Sequence[float]) -> Scores:
        squares = sum([value * value for value in values])
        return Scores(self.count + len(values), self.total + sum(values), self.squares + squares)

    def __sub__(self, earlier: Scores) -> Scores:
        return Scores(self.count - earlier.count, self.total - earlier.total, self.squares - earlier.squares)

    @property
    def mean(self) -> float | None:
        """None of nothing."""
        return self.total / self.count if self.count else None

    @property
    def variance(self) -> float:
        """Of one score, never 0: as if one more was as far off as can be (.25)."""
        if not self.count:
            return 0.25
        mean = self.total / self.count
        return (max(0.0, self.squares - self.count * mean * mean) + 0.25) / (self.count + 1)


@dataclass(frozen=True, slots=True)
class Compared:
    """The scores of both arms over some time."""

    canary: Scores
    control: Scores
    since: int | None = None
    """The first minute; None for the whole attempt."""

    def drop(self, control: float | None = None) -> float | None:
        """Control − canary; `control` stands in where the control has no scores."""
        measure = control if self.control.mean is None else self.control.mean
        if measure is None or self.canary.mean is None:
            return None
        return measure - self.canary.mean


@dataclass(slots=True)
class QualityWatch:
    """Is the canary worse than the control at all, by `margin` or more, or certainly by less?"""

    margin: float
    """The drop that matters, 0 to 1."""
    worse: DifferenceTest = field(default_factory=lambda: DifferenceTest(0.0))
    """H0: no drop."""
    fine: DifferenceTest | None = None
    """H0: a drop of at least the margin. Its rejection is what lets a release on."""
    canary: Scores = Scores()
    """Of the whole attempt."""
    control: Scores = Scores()
    run_since: int | None = None
    """The first minute of the run: the time since there was last no evidence of a drop."""
    blocked_at: int | None = None
    """The minute since which a drop is certain and its estimate at least the margin."""
    blocked_on: Compared | None = None
    """What the block stands on: the run, or the whole attempt."""
    passed_at: int | None = None
    alone: Scores = Scores()
    """Of the canary since the control ended."""
    _pace: Pace = field(default_factory=Pace)
    _run_from: tuple[Scores, Scores] = (Scores(), Scores())
    _canary: list[float] = field(default_factory=list)
    _control: list[float] = field(default_factory=list)

    @property
    def whole(self) -> Compared:
        """The whole attempt."""
        return Compared(self.canary, self.control)

    @property
    def run(self) -> Compared:
        """The run."""
        canary, control = self._run_from
        return Compared(self.canary - canary, self.control - control, self.run_since)

    @classmethod
    def overall(cls, margin: float) -> QualityWatch:
        """One that can also let a release on. That test has no later starts: it need not be fast twice."""
        watch = cls(margin, fine=DifferenceTest(-margin))
        assert watch.fine is not None
        watch.fine.wealth.invest(1.0)
        return watch

    def step(
        self,
        minute: int,
        stage: int,
        canary: Sequence[float],
        control: Sequence[float],
        alpha: float,
        *,
        has_control: bool = True,
    ) -> None:
        """Takes in what came to light of one minute, once each arm has enough."""
        share = self._pace.share(minute, stage)
        if share:
            self.worse.wealth.invest(share)
        if not has_control and not control:
            self._step_alone(minute, canary, alpha)
            return
        self._canary += canary
        self._control += control
        if min(len(self._canary), len(self._control)) < BATCH:
            return
        first, second = self._control, self._canary
        self._canary, self._control = [], []
        self.worse.add(first, second)
        if self.fine is not None and self.passed_at is None:
            self.fine.add(second, first)
            if self.fine.wealth.peak >= 1 / PASS_ALPHA:
                self.passed_at = minute
        self._judge(minute, second, first, alpha)

    def _step_alone(self, minute: int, canary: Sequence[float], alpha: float) -> None:
        if not canary or self.control.count < ALONE:
            return
        self.alone += canary
        self.worse.add_alone(canary, BYGONE * self.margin)
        self._judge(minute, canary, (), alpha)

    def _judge(self, minute: int, canary: Sequence[float], control: Sequence[float], alpha: float) -> None:
        self.canary += canary
        self.control += control
        if self.run_since is None:
            self.run_since = minute
        if self.blocked_at is not None:
            return
        wealth = self.worse.wealth
        now = wealth.now
        if wealth.peak >= 1 / alpha:
            self.blocked_on = self._material(now >= 1 / alpha)
            self.blocked_at = minute if self.blocked_on else None
        if now <= 1:
            self.run_since, self._run_from = None, (self.canary, self.control)

    def _material(self, is_certain_now: bool) -> Compared | None:
        """Over what the drop is as large as matters; None where it is not."""
        for over in (self.run, self.whole) if is_certain_now else (self.whole,):
            drop = over.drop(self.worse.centre)
            if drop is not None and drop >= self.margin - _SLACK:
                return over
        return None
