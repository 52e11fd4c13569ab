"""The tests of one shadow: its answers against stable's own second answers.

Both are held against what the user was answered, so whatever makes stable differ from itself (the
model's temperature, what the application does around it) is in both and cancels out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from evals.live.comparison import ComparedArm, Comparison
from evals.live.pairwise import PreferenceWatch, Preferred
from evals.live.quality import QualityWatch
from evals.live.rates import ShareWatch
from evals.live.verdict import BLOCK_ALPHA
from store.records.shadow import ShadowPolicy

_PREFERRED: dict[int, Preferred] = {1: "candidate", 0: "tie", -1: "stable"}
OFF = 1.0
"""A drop that no values can certainly have: the metric is left out."""


@dataclass(slots=True)
class Counted:
    """What was counted of one arm."""

    compared: int = 0
    failed: int = 0
    same: int = 0
    latency_ms: float = 0.0
    """Sum over those that did not fail."""
    usd: float = 0.0
    answered: int = 0

    def add(self, one: Comparison) -> None:
        """Takes in one."""
        self.compared += 1
        self.failed += one.failed
        if not one.failed:
            self.answered += 1
            self.same += bool(one.same)
            self.latency_ms += one.latency_ms or 0.0
        self.usd += one.usd or 0.0

    @property
    def mean_latency_ms(self) -> float | None:
        """None without an answer."""
        return self.latency_ms / self.answered if self.answered else None


@dataclass(slots=True)
class ShadowWatch:
    """What a shadow's verdict remembers, so that a look costs what is new.

    Only the first request of each user counts: answers to one user are not independent.
    """

    policy: ShadowPolicy
    quality: QualityWatch = field(init=False)
    retrieval: QualityWatch = field(init=False)
    similarity: QualityWatch = field(init=False)
    failures: ShareWatch = field(default_factory=ShareWatch)
    preference: PreferenceWatch = field(default_factory=PreferenceWatch)
    candidate: Counted = field(default_factory=Counted)
    again: Counted = field(default_factory=Counted)
    flagged: int = 0
    """Answers of the shadow that were called harmful and not confirmed."""
    harmful: int = 0
    """Those that were confirmed."""
    minutes: dict[int, int] = field(default_factory=dict)
    """By minute since 1970: answers of the shadow that did not fail."""
    scored: dict[int, int] = field(default_factory=dict)
    """By minute: those with a score."""
    known: Counter[str] = field(default_factory=Counter)
    """By metric: answers of the shadow of which it is known."""
    newest: float | None = None
    """When the newest comparison was made, in seconds since 1970."""
    upto: int = 0
    """The number of the last comparison that is counted."""
    _units: set[tuple[ComparedArm, bytes]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quality = QualityWatch.overall(self.policy.quality_drop)
        self.retrieval = QualityWatch.overall(self.policy.retrieval_drop)
        self.similarity = QualityWatch.overall(self.policy.similarity_drop)

    def feed(self, rows: Iterable[tuple[int, Comparison]], now: float) -> None:
        """Takes in comparisons with their numbers, in order, of all minutes that are over at `now`."""
        ready: list[Comparison] = []
        for number, one in rows:
            if int(one.at // 60) >= int(now // 60):
                break
            self.upto = number
            if self._is_first(one):
                ready.append(one)
        for minute, batch in groupby(ready, key=lambda one: int(one.at // 60)):
            self._step(minute, list(batch))

    def _is_first(self, one: Comparison) -> bool:
        if one.unit is None:
            return True
        key = (one.arm, one.unit)
        if key in self._units:
            return False
        self._units.add(key)
        return True

    def _step(self, minute: int, batch: Sequence[Comparison]) -> None:
        candidate = [one for one in batch if one.arm == "candidate"]
        again = [one for one in batch if one.arm == "again"]
        for counted, rows in ((self.candidate, candidate), (self.again, again)):
            for one in rows:
                counted.add(one)
        self._note(minute, candidate, batch)
        for one in candidate:
            if one.preferred is not None:
                self.preference.add(_PREFERRED[one.preferred])
        failed = [sum(one.failed for one in rows) for rows in (candidate, again)]
        share = len(candidate) / len(batch)
        self.failures.step(minute, 0, failed[0], len(candidate), failed[1], len(again), share)
        for name, value, watch in (
            ("quality", "quality", self.quality),
            ("retrieval", "ranked", self.retrieval),
            ("similarity", "similarity", self.similarity),
        ):
            ours = _values(candidate, value)
            self.known[name] += len(ours)
            watch.step(minute, 0, ours, _values(again, value), BLOCK_ALPHA)

    def _note(self, minute: int, candidate: Sequence[Comparison], batch: Sequence[Comparison]) -> None:
        good = sum(not one.failed for one in candidate)
        self.minutes[minute] = self.minutes.get(minute, 0) + good
        scored = sum(one.quality is not None for one in candidate)
        self.scored[minute] = self.scored.get(minute, 0) + scored
        self.flagged += sum(one.harmful == 1 for one in candidate)
        self.harmful += sum(one.harmful == 2 for one in candidate)
        self.newest = max(self.newest or 0.0, max(one.at for one in batch))


def _values(rows: Iterable[Comparison], name: str) -> list[float]:
    found = (getattr(one, name) for one in rows)
    return [min(1.0, max(0.0, value)) for value in found if value is not None]
