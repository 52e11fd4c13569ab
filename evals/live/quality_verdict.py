"""From the tests on scores to verdicts: on all answers, and on each category."""

from __future__ import annotations

from evals.live.attempt import AttemptTests
from evals.live.intervals import DIFFERENCE, difference_interval, level
from evals.live.metrics import since_words
from evals.live.power import answers_left, answers_to_reject
from evals.live.quality import ALONE, BATCH, BYGONE, Compared, QualityWatch
from evals.live.traffic import Traffic
from evals.live.verdict import BLOCK_ALPHA, PASS_ALPHA, MetricVerdict, Needs, points
from store.records.verdict import Outcome
from store.text import one_line

_SHRINK = 500
"""Answers below which the drop seen so far is rather taken for chance than for what is to come."""
_HOPELESS = 0.002
"""A distance to the margin (0.2 points) that no number of answers will settle soon."""
_NAME = 60


def quality_verdicts(tests: AttemptTests, traffic: Traffic) -> list[MetricVerdict]:
    """The whole first, then the categories that have enough scores, by name."""
    if tests.quality is None:
        return []
    alpha = tests.category_alpha
    categories = [_category(name, tests.categories[name], alpha) for name in sorted(tests.judged)]
    return [_overall(tests.quality, traffic), *categories]


def _overall(watch: QualityWatch, traffic: Traffic) -> MetricVerdict:
    if watch.blocked_on is not None:
        reason = f"Quality {_blocked(watch, watch.blocked_on)}"
        return _verdict("quality", watch, BLOCK_ALPHA, "block", reason)
    drop = watch.whole.drop()
    margin = points(watch.margin)
    if drop is None:
        needs = _needs(_fresh(watch), traffic)
        reason = f"No answers of both arms are scored yet: this needs {needs.words}."
        return _verdict("quality", watch, BLOCK_ALPHA, "inconclusive", reason, needs)
    seen = f"{_moved(drop)} so far over {_counts(watch.whole)}"
    if drop >= watch.margin:
        needs = _needs(_until_block(watch, drop), traffic)
        reason = f"Quality {seen}, which may be chance: needs {needs.words} to be certain."
        return _verdict("quality", watch, BLOCK_ALPHA, "inconclusive", reason, needs)
    if watch.passed_at is not None:
        reason = f"Quality {seen}: certainly not {margin} lower."
        return _verdict("quality", watch, BLOCK_ALPHA, "pass", reason)
    left = _until_pass(watch, drop)
    if left is None:
        reason = f"Quality {seen}: too near to {margin} for any number of answers to tell."
        return _verdict("quality", watch, BLOCK_ALPHA, "inconclusive", reason)
    needs = _needs(left, traffic)
    reason = f"Quality {seen}; to rule out a drop of {margin} it needs {needs.words}."
    return _verdict("quality", watch, BLOCK_ALPHA, "inconclusive", reason, needs)


def lower_alone(tests: AttemptTests) -> str | None:
    """What to look at: since the canary serves everybody its answers score lower than the control's did, and
    not by chance. Whether the release or the traffic changed cannot be told any more."""
    watch = tests.quality
    if watch is None or watch.blocked_on is not None or watch.alone.count < ALONE:
        return None
    drop = watch.worse.centre - (watch.alone.mean or 0.0)
    variance = watch.alone.variance / watch.alone.count + watch.control.variance / max(1, watch.control.count)
    _, high = difference_interval(-drop, variance, BLOCK_ALPHA)
    if drop < watch.margin or high >= 0:
        return None
    return (
        f"Quality {_moved(drop)} over {watch.alone.count:,} scored answers than the control scored before it "
        "ended: the release, or what users ask, has changed."
    )


def _category(name: str, watch: QualityWatch, alpha: float) -> MetricVerdict:
    shown = one_line(name, _NAME)
    drop = watch.whole.drop() or 0.0
    seen = f"In {shown} quality {_moved(drop)} over {_counts(watch.whole)}"
    outcome: Outcome
    if watch.blocked_on is not None:
        outcome, reason = "block", f"In {shown} quality {_blocked(watch, watch.blocked_on)}"
    elif drop >= watch.margin:
        outcome, reason = "inconclusive", f"{seen}, which may be chance."
    else:
        outcome, reason = "pass", f"{seen}: no certain drop of {points(watch.margin)}."
    return _verdict(f"quality/{shown}", watch, alpha, outcome, reason, gating=False)


def _verdict(
    name: str,
    watch: QualityWatch,
    alpha: float,
    outcome: Outcome,
    reason: str,
    needs: Needs | None = None,
    *,
    gating: bool = True,
) -> MetricVerdict:
    over = watch.blocked_on or watch.whole
    drop = over.drop(watch.worse.centre)
    low = high = None
    if drop is not None:
        variance = over.canary.variance / over.canary.count
        if over.control.count:
            variance += over.control.variance / over.control.count
        low, high = difference_interval(-drop, variance, alpha)
    canary = over.canary.mean
    return MetricVerdict(
        name=name,
        outcome=outcome,
        reason=reason,
        canary=canary,
        control=None if canary is None or drop is None else canary + drop,
        difference=None if drop is None else -drop,
        low=low,
        high=high,
        interval=DIFFERENCE.format(level(alpha)) if drop is not None else "",
        threshold=watch.margin,
        canary_samples=over.canary.count,
        control_samples=over.control.count,
        e_value=watch.worse.wealth.peak,
        alpha=alpha,
        since=None if over.since is None else over.since * 60.0,
        blocked_at=None if watch.blocked_at is None else watch.blocked_at * 60.0,
        needs=needs,
        gating=gating,
    )


def _blocked(watch: QualityWatch, over: Compared) -> str:
    drop = over.drop(watch.worse.centre) or 0.0
    beside = "" if over.control.count else " against what the control scored before it ended"
    alone = f"more than {points(BYGONE * watch.margin)}."
    sure = alone if watch.alone.count else f"a drop, and no less than {points(watch.margin)}."
    return f"{_moved(drop)}{since_words(over.since)} over {_counts(over)}{beside}: certainly {sure}"


def _moved(drop: float) -> str:
    """ "is 1.2 points lower"."""
    if abs(drop) < 0.0005:
        return "is the same"
    return f"is {points(abs(drop))} {'lower' if drop > 0 else 'higher'}"


def _counts(over: Compared) -> str:
    return f"{over.canary.count:,} and {over.control.count:,} scored answers"


def _until_pass(watch: QualityWatch, drop: float) -> float | None:
    assert watch.fine is not None
    count = watch.canary.count
    expected = drop * count / (count + _SHRINK)
    distance = watch.margin - expected
    if distance < _HOPELESS:
        return None
    return answers_left(watch.fine.wealth.stakes, distance, _variance(watch), PASS_ALPHA, _ratio(watch))


def _until_block(watch: QualityWatch, drop: float) -> float:
    left = answers_left(watch.worse.wealth.stakes, drop, _variance(watch), BLOCK_ALPHA, _ratio(watch))
    return BATCH if left is None else left


def _fresh(watch: QualityWatch) -> float:
    return answers_to_reject(watch.margin, _variance(watch), PASS_ALPHA, 1.0, 1.0)


def _variance(watch: QualityWatch) -> float:
    return (watch.canary.variance + watch.control.variance) / 2


def _ratio(watch: QualityWatch) -> float:
    return watch.canary.count / max(1, watch.control.count)


def _needs(samples: float, traffic: Traffic) -> Needs:
    count = max(1, round(samples))
    pace = traffic.scored_per_minute
    return Needs(count, "scored answers", count / pace if pace else None)
