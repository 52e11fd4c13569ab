"""Prometheus as a source of observations."""

from __future__ import annotations

import threading
from collections import OrderedDict

from evals.live.evidence import Evidence, Window
from evals.live.prometheus import names
from evals.live.prometheus.api import PrometheusApi, TooMuch
from evals.live.prometheus.assembling import assemble
from evals.live.prometheus.groups import ALL, Bounds, generation_of, levels, same, stage_of, wanted_latencies
from evals.live.prometheus.ledger import Ledger
from evals.live.prometheus.quantile import p99_at_a_bound
from evals.live.prometheus.series import Series
from evals.live.prometheus.traffic import seen_traffic
from evals.live.sqlite_source_traffic import SeenTraffic

_HOUR = 3600.0
_SETTLED_S = 600.0
"""Samples older than this are counted once and kept as counts; newer ones are read each time."""
_AHEAD_S = 300.0
"""How far ahead of our clock samples are looked for, so that a clock that is wrong is seen to be."""
_LOOK_BACK_H = 31 * 24
"""How long ago an attempt may have begun."""
_PIECE_S = 2 * _HOUR
_SHORTEST_PIECE_S = 60.0
_MOST_KEPT = 8
Attempt = tuple[str, str, int]
"""Environment, release and first generation."""


class PrometheusSource:
    """What applications report to Prometheus, as evidence. Safe to use from several threads.

    It keeps what it has counted in memory: the first call for a window reads all of its samples, the
    next ones the last ten minutes.
    """

    def __init__(self, api: PrometheusApi, *, p99_rise: float = 0.10) -> None:
        """`p99_rise` is the share by which a rollout lets p99 rise (see RolloutPolicy.triggers)."""
        self._api = api
        self._p99_rise = p99_rise
        self._lock = threading.Lock()
        self._kept: OrderedDict[Attempt, tuple[Bounds, Ledger, float]] = OrderedDict()

    def evidence(self, window: Window, now: float) -> Evidence:
        """What is known of `window` at `now`, in seconds since 1970.

        Raises MachineryError when Prometheus cannot be read, answers in part, or holds values that no
        counter can have. What it has no series for is named in the notes.
        """
        with self._lock:
            bounds = self._bounds(window, now)
            ledger, upto = self._settled(window, bounds, now)
            newest = ledger.next_piece()
            self._read(newest, bounds, upto, now + _AHEAD_S)
            return assemble(window, (ledger, newest), now)

    def stable_p99(self, environment: str, release: str, now: float, hours: float = 24.0) -> float | None:
        """Stable's p99 over the last `hours`, in milliseconds, so that `p99_rise` over it is the bound of
        a bucket; None where there are too few requests, or p99 lies over the last bound.

        Buckets do not tell p99 itself: 3.31 s against 2.74 s was read from two arms with the same
        distribution. They tell exactly how many requests were slower than a bound. So this is a bound
        that p99 lies under, moved up to where the threshold that is made from it can be counted at.
        """
        asked = names.selector([names.LATENCY], environment, [release], ["stable", "control"])
        return p99_at_a_bound(self._api, asked, now - hours * _HOUR, now, self._p99_rise)

    def traffic(self, environment: str, now: float, hours: float = 24.0) -> SeenTraffic | None:
        """What all users of `environment` brought in the last `hours`; None where nobody came.

        Raises MachineryError when Prometheus cannot be read.
        """
        return seen_traffic(self._api, environment, now, hours)

    def _settled(self, window: Window, bounds: Bounds, now: float) -> tuple[Ledger, float]:
        """The counts up to ten minutes ago, and until when exactly."""
        kept = self._kept.get(_attempt(window))
        if kept is None or kept[0] != bounds or kept[1].window != window or kept[2] > now:
            began = self._began(window, now)
            ledger, upto = Ledger(window), now - _SETTLED_S if began is None else began
        else:
            _, ledger, upto = kept
        while (end := min(upto + _PIECE_S, now - _SETTLED_S)) > upto:
            piece = ledger.next_piece()
            self._read(piece, bounds, upto, end)  # which may fail, and then leaves the ledger as it was
            ledger.join(piece)
            upto = end
            self._keep(bounds, ledger, upto)
        return ledger, upto

    def _keep(self, bounds: Bounds, ledger: Ledger, upto: float) -> None:
        self._kept[_attempt(ledger.window)] = (bounds, ledger, upto)
        self._kept.move_to_end(_attempt(ledger.window))
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def _read(self, ledger: Ledger, bounds: Bounds, start: float, end: float) -> None:
        """All metrics in one query, because only then do they stand for the same scrapes."""
        asked = _selector(ledger.window, names.METRICS, bounds.asked)
        for part in self._samples(asked, start, end):
            ledger.absorb(part)

    def _samples(self, asked: str, start: float, end: float) -> list[tuple[Series, ...]]:
        try:
            return [self._api.samples(asked, start, end)]
        except TooMuch:
            if end - start <= _SHORTEST_PIECE_S:
                raise
            middle = (start + end) / 2
            return [*self._samples(asked, start, middle), *self._samples(asked, middle, end)]

    def _bounds(self, window: Window, now: float) -> Bounds:
        start = now - _LOOK_BACK_H * _HOUR
        latency = self._api.label_values("le", _selector(window, [names.LATENCY]), start, now)
        quality = self._api.label_values("le", _selector(window, [names.QUALITY]), start, now)
        wanted = wanted_latencies(window)
        at_wanted = tuple(text for text in sorted(latency) if any(same(text, one) for one in wanted))
        return Bounds(at_wanted, levels(tuple(text for text in quality if text != ALL)))

    def _began(self, window: Window, now: float) -> float | None:
        """A moment before the first sample of the attempt, at most an hour; None where there is none.

        Generations are never used twice, so no series of the attempt is older than it: each one counts
        from 0, whenever it was first scraped.
        """
        asked = _selector(window, [names.REQUESTS, names.ERRORS, names.HARMFUL])
        found = self._api.grid(
            f"count by (generation) (last_over_time({asked}[1h]))", now - _LOOK_BACK_H * _HOUR, now, 3600
        )
        times = [
            series.times[0]
            for series in found
            if series.times and stage_of(generation_of(series.label("generation")), window) is not None
        ]
        return min(times) - _HOUR - 1 if times else None


def _selector(
    window: Window, metrics: list[str] | tuple[str, ...], bounds: tuple[str, ...] | None = None
) -> str:
    return names.selector(
        metrics, window.environment, (window.release, window.stable), ("canary", "control", "stable"), bounds
    )


def _attempt(window: Window) -> Attempt:
    return window.environment, window.release, window.stages[0].generation
