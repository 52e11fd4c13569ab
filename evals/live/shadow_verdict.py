"""From the tests of a shadow to its verdict: pass, block, or inconclusive, each metric with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from evals.live.intervals import DIFFERENCE, difference_interval, level
from evals.live.pairwise import PreferenceWatch
from evals.live.power import answers_left, answers_to_reject
from evals.live.quality import QualityWatch
from evals.live.shadow import OFF, ShadowWatch
from evals.live.verdict import BLOCK_ALPHA, PASS_ALPHA, MetricVerdict, Needs, points
from store.records.verdict import ERROR_SHARE, Outcome

_SHRINK = 500
"""Answers below which the drop seen so far is rather taken for chance than for what is to come."""
_HOPELESS = 0.002
_LATELY = 60
"""Minutes that the pace of late is told from."""


@dataclass(frozen=True, slots=True)
class ShadowVerdict:
    """What is known of a shadow at one moment."""

    outcome: Outcome
    metrics: tuple[MetricVerdict, ...]
    reasons: tuple[str, ...]
    """Why it is no pass: sentences."""
    compared: int
    """Answers of the shadow, one for each user."""
    again: int
    """Second answers of stable: the noise floor."""
    healthy_minutes: int
    """Of the stretch that was asked about."""
    scored: int
    """Answers with a score, of that stretch."""
    newest: float | None
    """When the newest comparison was made, in seconds since 1970."""
    flagged: bool
    """An answer of the shadow was called harmful, and nobody has confirmed or cleared it."""

    @property
    def reason(self) -> str:
        """One or two sentences: what blocks, or what is missing."""
        return " ".join(self.reasons[:2])


def judge(watch: ShadowWatch, now: float, since: float = 0.0, min_requests: int = 1) -> ShadowVerdict:
    """The verdict of `watch`; minutes and scores of the stretch from `since` on (seconds since 1970).

    A minute is healthy in which at least `min_requests` were answered.
    """
    metrics = _metrics(watch, _pace(watch, now))
    outcome: Outcome = "pass"
    for worst in ("inconclusive", "block"):
        if any(one.outcome == worst for one in metrics):
            outcome = "block" if worst == "block" else "inconclusive"
    reasons = tuple(one.reason for one in metrics if one.outcome == outcome != "pass")
    first = int(since // 60)
    return ShadowVerdict(
        outcome=outcome,
        metrics=tuple(metrics),
        reasons=reasons,
        compared=watch.candidate.compared,
        again=watch.again.compared,
        healthy_minutes=sum(
            1 for minute, count in watch.minutes.items() if minute >= first and count >= min_requests
        ),
        scored=sum(count for minute, count in watch.scored.items() if minute >= first),
        newest=watch.newest,
        flagged=watch.flagged > 0,
    )


def _metrics(watch: ShadowWatch, pace: float | None) -> list[MetricVerdict]:
    found = [_failures(watch)]
    for name, told, one in (
        ("quality", "Quality", watch.quality),
        ("retrieval", "Agreement of the retrieved passages", watch.retrieval),
        ("similarity", "Likeness of the answers", watch.similarity),
    ):
        # What nobody reports (passages, a suite's scores) cannot be waited for.
        if one.margin < OFF and watch.known[name]:
            found.append(_drop(name, told, one, pace))
    if len(found) == 1:
        found.append(_nothing(watch))
    if watch.preference.judged:
        found.append(_preference(watch.preference))
    if watch.flagged or watch.harmful:
        found.append(_harmful(watch))
    return found


def _pace(watch: ShadowWatch, now: float) -> float | None:
    """Answers of the shadow in a minute, of late."""
    last = int(now // 60)
    lately = [count for minute, count in watch.minutes.items() if minute >= last - _LATELY]
    first = min((minute for minute in watch.minutes if minute >= last - _LATELY), default=last)
    return sum(lately) / max(1, last - first) if sum(lately) else None


def _nothing(watch: ShadowWatch) -> MetricVerdict:
    if watch.candidate.compared:
        reason = (
            "Nothing can be compared: the release has no graders for live answers, and the application says "
            "neither what it retrieved nor what it answered."
        )
    else:
        reason = "No request has been replayed yet; the minute that runs counts once it is over."
    return MetricVerdict("compared", "inconclusive", reason)


def _failures(watch: ShadowWatch) -> MetricVerdict:
    ours, theirs = watch.candidate, watch.again
    told = f"{ours.failed:,} of {ours.compared:,} replays failed"
    both = ours.compared + theirs.compared
    failed = ours.failed + theirs.failed
    outcome: Outcome = "pass"
    if watch.failures.blocked_at is not None:
        outcome, reason = "block", f"{told}: certainly more often than stable's {theirs.failed:,}."
    elif failed > ERROR_SHARE * both:
        outcome = "inconclusive"
        reason = (
            f"{told}, and {theirs.failed:,} of {theirs.compared:,} of stable's: too many to tell anything."
        )
    else:
        reason = f"{told}."
    return MetricVerdict(
        name="failures",
        outcome=outcome,
        reason=reason,
        canary=ours.failed / ours.compared if ours.compared else None,
        control=theirs.failed / theirs.compared if theirs.compared else None,
        threshold=ERROR_SHARE,
        canary_samples=ours.compared,
        control_samples=theirs.compared,
        e_value=watch.failures.test.peak,
    )


def _harmful(watch: ShadowWatch) -> MetricVerdict:
    outcome: Outcome = "block" if watch.harmful else "inconclusive"
    count = watch.harmful or watch.flagged
    answers = "1 answer of the shadow was" if count == 1 else f"{count:,} answers of the shadow were"
    told = "and a second grader confirmed it" if watch.harmful else "and no second grader has said"
    return MetricVerdict(
        "harmful", outcome, f"{answers} called harmful, {told}.", canary_samples=watch.candidate.compared
    )


def _preference(watch: PreferenceWatch) -> MetricVerdict:
    """It can only speak against a release: what passes is said by the other metrics."""
    decided = watch.wins + watch.losses
    told = f"A judge preferred stable's second answer in {watch.losses:,} of {decided:,} pairs"
    ties = f" ({watch.ties:,} more were ties)" if watch.ties else ""
    sure = "certainly more than half" if watch.is_worse else "not certainly more than half"
    return MetricVerdict(
        name="preference",
        outcome="block" if watch.is_worse else "pass",
        reason=f"{told}{ties}: {sure}.",
        canary=watch.losses / decided if decided else None,
        threshold=0.5,
        canary_samples=decided,
        e_value=watch.test.peak,
    )


def _drop(name: str, told: str, watch: QualityWatch, pace: float | None) -> MetricVerdict:
    over = watch.blocked_on or watch.whole
    drop = over.drop(watch.worse.centre)
    outcome, reason, needs = _judged(told, watch, drop, pace)
    low = high = None
    if drop is not None:
        variance = over.canary.variance / over.canary.count
        if over.control.count:
            variance += over.control.variance / over.control.count
        low, high = difference_interval(-drop, variance, BLOCK_ALPHA)
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
        interval=DIFFERENCE.format(level(BLOCK_ALPHA)) if drop is not None else "",
        threshold=watch.margin,
        canary_samples=over.canary.count,
        control_samples=over.control.count,
        e_value=watch.worse.wealth.peak,
        needs=needs,
    )


def _judged(
    told: str, watch: QualityWatch, drop: float | None, pace: float | None
) -> tuple[Outcome, str, Needs | None]:
    margin = points(watch.margin)
    if drop is None:
        needs = _needs(answers_to_reject(watch.margin, _variance(watch), PASS_ALPHA, 1.0, 1.0), pace)
        return "inconclusive", f"{told} is not known of both releases yet: this needs {needs.words}.", needs
    seen = f"{told} {_moved(drop)} than stable's own second answers over {_counts(watch)}"
    if watch.blocked_on is not None:
        return "block", f"{seen}: certainly a drop, and no less than {margin}.", None
    if drop >= watch.margin:
        left = answers_left(watch.worse.wealth.stakes, drop, _variance(watch), BLOCK_ALPHA, _ratio(watch))
        needs = _needs(left or 1, pace)
        return "inconclusive", f"{seen}, which may be chance: needs {needs.words} to be certain.", needs
    if watch.passed_at is not None:
        return "pass", f"{seen}: certainly not {margin} lower.", None
    count = watch.canary.count
    distance = watch.margin - drop * count / (count + _SHRINK)
    assert watch.fine is not None
    stakes = watch.fine.wealth.stakes
    left = answers_left(stakes, distance, _variance(watch), PASS_ALPHA, _ratio(watch))
    if left is None or distance < _HOPELESS:
        return "inconclusive", f"{seen}: too near to {margin} for any number of answers to tell.", None
    needs = _needs(left, pace)
    return "inconclusive", f"{seen}; to rule out a drop of {margin} it needs {needs.words}.", needs


def _moved(drop: float) -> str:
    if abs(drop) < 0.0005:
        return "is no lower"
    return f"is {points(abs(drop))} {'lower' if drop > 0 else 'higher'}"


def _counts(watch: QualityWatch) -> str:
    over = watch.blocked_on or watch.whole
    return f"{over.canary.count:,} and {over.control.count:,} answers"


def _variance(watch: QualityWatch) -> float:
    return (watch.canary.variance + watch.control.variance) / 2


def _ratio(watch: QualityWatch) -> float:
    return max(1, watch.canary.count) / max(1, watch.control.count)


def _needs(samples: float, pace: float | None) -> Needs:
    count = max(1, round(samples))
    return Needs(count, "compared answers", count / pace if pace else None)
