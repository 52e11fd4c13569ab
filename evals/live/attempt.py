"""The tests of one attempt, fed with evidence as it comes in."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from evals.live.evidence import Arm, Evidence, Minute, Score, Window
from evals.live.quality import QualityWatch
from evals.live.rates import RateWatch, ShareWatch
from evals.live.verdict import BLOCK_ALPHA
from store.errors import MachineryError
from store.records.rollout_policy import Triggers

P99 = 0.01
"""p99 is over a limit when more than this share of requests is."""
CATEGORY_SCORES = 50
"""Scores of each arm from which on a category is judged."""
CATEGORIES = 100
"""Categories that are watched; the scores of further ones count in the whole only."""
COMPARED_UP_TO = 50.0
"""Percent of users in the canary above which there is no matched control."""

Counts = tuple[int, int, int, int, int, int, int]
_counts = attrgetter("requests", "errors", "over_sla", "slow", "timed", "thumbs_down", "thumbs_up")
_at, _count = attrgetter("at"), attrgetter("count")
_REQUESTS, _ERRORS, _OVER_SLA, _SLOW, _TIMED, _DOWN = range(6)
_NONE: Counts = (0, 0, 0, 0, 0, 0, 0)
_Key = tuple[int, int, str]


class AttemptTests:
    """What an attempt's analysis remembers, so that a tick costs what is new and not what is known.

    Give it all the evidence each time. Observations may come late, twice or be gone again: what was once
    counted stays counted. A new one, fed once, knows the same as one fed all along, but for looks: it
    looks back on the end of each minute. Evidence of another attempt makes it begin again.
    """

    def __init__(self) -> None:
        self.window: Window | None = None
        self.triggers: Triggers | None = None
        self._begin(Triggers())

    def feed(self, evidence: Evidence, window: Window, triggers: Triggers, now: float) -> None:
        """Takes in what is new in `evidence` of `window`. Scores wait for the end of their minute.

        Raises MachineryError for evidence that does not fit the window.
        """
        if not self._continues(window, triggers):
            self._begin(triggers)
        self.window, self.triggers = window, triggers
        self._feed_counts(evidence, window)
        if self.quality is not None:
            self._feed_scores(evidence.scores, window, int(now // 60))

    def _continues(self, window: Window, triggers: Triggers) -> bool:
        ours = self.window
        return (
            ours is not None
            and triggers == self.triggers
            and (window.environment, window.release, window.stable, window.sla_ms)
            == (ours.environment, ours.release, ours.stable, ours.sla_ms)
            and window.stages[: len(ours.stages)] == ours.stages
        )

    def _begin(self, triggers: Triggers) -> None:
        drop = triggers.quality_drop
        self.errors = RateWatch(triggers.error_rate) if triggers.error_rate is not None else None
        self.over_sla = RateWatch(P99) if triggers.sla_ms is not None else None
        self.slow = RateWatch(P99) if triggers.p99_rise is not None else None
        self.feedback = ShareWatch() if triggers.bad_feedback else None
        self.quality = QualityWatch.overall(drop) if drop is not None else None
        self.categories: dict[str, QualityWatch] = {}
        self.judged: set[str] = set()
        """The categories that have enough scores to have a say."""
        self.unusable = 0
        """Scores that are no number from 0 to 1, and count for nothing."""
        self._rows: dict[_Key, Counts] = {}
        self._stable: dict[_Key, Counts] = {}
        self._scores: dict[int, list[Score]] = {}
        # How many scores there were before which minute, at the last tick: as long as that stays, none
        # of them is new, and they need not be looked through.
        self._scored_until = self._scored = 0

    @property
    def category_alpha(self) -> float:
        """What each category is judged at: their shares add up to that of one metric."""
        return BLOCK_ALPHA / max(1, len(self.judged))

    def _feed_counts(self, evidence: Evidence, window: Window) -> None:
        for stage in {row.stage for row in (*evidence.minutes, *evidence.stable)}:
            if not 0 <= stage < len(window.stages):
                raise MachineryError(
                    f"the source of observations speaks of stage {stage + 1}, the attempt has "
                    f"{len(window.stages)}; check that its clock and its live document are this attempt's."
                )
        news: dict[tuple[int, int], dict[str, Counts]] = {}
        _collect(evidence.minutes, self._rows, "", news)
        _collect(evidence.stable, self._stable, "stable", news)
        stable = "stable" if evidence.stable else "control"
        for (minute, stage), new in sorted(news.items()):
            self._count(minute, stage, window, new, new.get(stable, _NONE))

    def _count(self, minute: int, stage: int, window: Window, new: dict[str, Counts], stable: Counts) -> None:
        canary, control = new.get("canary", _NONE), new.get("control", _NONE)
        if self.errors is not None:
            self.errors.step(
                minute, stage, *_of(canary, _ERRORS, _REQUESTS), *_of(stable, _ERRORS, _REQUESTS)
            )
        if self.over_sla is not None and window.sla_ms is not None:
            self.over_sla.step(
                minute, stage, *_of(canary, _OVER_SLA, _TIMED), *_of(stable, _OVER_SLA, _TIMED)
            )
        if self.slow is not None and window.stages[stage].slow_ms is not None:
            self.slow.step(minute, stage, *_of(canary, _SLOW, _TIMED), *_of(stable, _SLOW, _TIMED))
        if self.feedback is not None:
            ours = self._rows.get((minute, stage, "canary"), _NONE)[_REQUESTS]
            theirs = self._rows.get((minute, stage, "control"), _NONE)[_REQUESTS]
            share = ours / (ours + theirs) if ours + theirs else 0.0
            self.feedback.step(
                minute, stage, canary[_DOWN], canary[_REQUESTS], control[_DOWN], control[_REQUESTS], share
            )

    def _feed_scores(self, scores: Sequence[Score], window: Window, current: int) -> None:
        old = bisect_left(scores, self._scored_until * 60, key=_at)
        if not old or _size(scores[:old]) != self._scored:
            old = self._scored = 0
        if not math.isfinite(sum(map(_at, scores[old:]))):
            raise MachineryError("the source of observations gave a score whose time is no number.")
        end = bisect_left(scores, current * 60, lo=old, key=_at)
        for minute, found in _by_minute(scores[old:end]).items():
            known = self._scores.get(minute)
            if known is not None and _size(known) >= _size(found):
                continue
            new = found if known is None else _unknown(found, known)
            self._scores[minute] = found
            self._score(minute, window, new)
        self._scored_until = max(current, self._scored_until)
        self._scored += _size(scores[old:end])

    def _score(self, minute: int, window: Window, scores: Sequence[Score]) -> None:
        usable = [score for score in scores if 0 <= score.value <= 1]
        if len(usable) < len(scores):
            self.unusable += _size(scores) - _size(usable)
        canary, control = _values(usable)
        named: dict[str, list[Score]] = {}
        for score in usable:
            if score.category:
                named.setdefault(score.category, []).append(score)
        stage = min(max(0, scores[-1].stage), len(window.stages) - 1)
        compared = window.stages[stage].percent <= COMPARED_UP_TO
        assert self.quality is not None
        self.quality.step(minute, stage, canary, control, BLOCK_ALPHA, has_control=compared)
        alpha = self.category_alpha
        for category, found in named.items():
            watch = self.categories.get(category)
            if watch is None and len(self.categories) < CATEGORIES:
                watch = self.categories[category] = QualityWatch(self.quality.margin)
            if watch is not None:
                watch.step(minute, stage, *_values(found), alpha, has_control=compared)
                if min(watch.canary.count, watch.control.count) >= CATEGORY_SCORES:
                    self.judged.add(category)


def _collect(
    rows: Iterable[Minute],
    seen: dict[_Key, Counts],
    name: str,
    news: dict[tuple[int, int], dict[str, Counts]],
) -> None:
    """Adds what `rows` have more than was `seen`, and notes it as seen."""
    for row in rows:
        key = (row.minute, row.stage, row.arm)
        counts: Counts = _counts(row)
        old = seen.get(key)
        if counts == old:
            continue
        if old is None:
            seen[key] = new = counts
        else:
            most = tuple(map(max, counts, old))
            new = tuple(a - b for a, b in zip(most, old, strict=True))  # type: ignore[assignment]
            seen[key] = most  # type: ignore[assignment]
        news.setdefault((row.minute, row.stage), {})[name or row.arm] = new


def _of(counts: Counts, hits: int, trials: int) -> tuple[int, int]:
    """Never more hits than trials, whatever the source says."""
    out_of = counts[trials]
    return min(counts[hits], out_of), out_of


def _by_minute(scores: Sequence[Score]) -> dict[int, list[Score]]:
    """In order of time, as they are given."""
    found: dict[int, list[Score]] = {}
    start = 0
    while start < len(scores):
        minute = int(scores[start].at // 60)
        end = bisect_left(scores, (minute + 1) * 60, lo=start + 1, key=_at)
        found.setdefault(minute, []).extend(scores[start:end])
        start = end
    return found


def _values(scores: Sequence[Score]) -> tuple[list[float], list[float]]:
    """The canary's and the control's."""
    if _size(scores) == len(scores):
        ours = [score.value for score in scores if score.arm == "canary"]
        return ours, [score.value for score in scores if score.arm == "control"]
    both: tuple[list[float], list[float]] = ([], [])
    for score in scores:
        both[score.arm != "canary"].extend([score.value] * score.count)
    return both


def _size(scores: Sequence[Score]) -> int:
    return sum(map(_count, scores))


def _unknown(found: Sequence[Score], known: Sequence[Score]) -> list[Score]:
    """What `found` has more than `known`, both of one minute."""
    at = found[0].at
    return [
        Score(at, arm, stage, value, category, count)
        for (arm, stage, value, category), count in (_tally(found) - _tally(known)).items()
    ]


def _tally(scores: Sequence[Score]) -> Counter[tuple[Arm, int, float, str]]:
    tally: Counter[tuple[Arm, int, float, str]] = Counter()
    for one in scores:
        tally[one.arm, one.stage, one.value, one.category] += one.count
    return tally
