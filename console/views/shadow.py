"""A shadow: what it answers for the log only, what that costs, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.operations.shadow.status import Pair, ShadowStatus
from console.views.ages import age, span
from console.views.interval import Interval, picture
from console.views.line import Line, Part, line, muted
from console.views.rollout import OUTCOME
from console.views.table import Column, Row, Table
from evals.live.shadow import Counted
from evals.live.verdict import MetricVerdict
from store.rules.shadow import Running
from store.text import one_line

_PICTURE = 18
_METRICS = (
    Column("says", width=11),
    Column("metric", least=10, most=14),
    Column("  shadow", width=8),
    Column("   again", width=8),
    Column("interval", width=_PICTURE),
    Column("    samples", width=13, drop=2),
    Column("in words", grow=1, least=24, drop=3),
)
_WORST = (
    Column("differs most", grow=1, least=14),
    Column("answer", least=6, most=9),
    Column("likeness", width=8),
    Column("passages", width=8),
    Column(" quality", width=8, drop=1),
)
_STATES = {
    "done": "replayed",
    "working": "begun",
    "repeat": "left out as further ones of a user",
    "dropped": "dropped because too many waited",
    "failed": "could not be used",
}


@dataclass(frozen=True, slots=True)
class ShadowView:
    """All that the view shows."""

    head: tuple[Line, ...]
    alarm: str
    metrics: Table
    worst: Table


def shadow_view(now: ShadowStatus) -> ShadowView:
    """`now` as it is shown."""
    if now.shadow is None or now.verdict is None:
        return ShadowView(tuple(_none(now)), "", Table(()), Table(()))
    return ShadowView(
        head=tuple(_head(now, now.shadow)),
        alarm=_alarm(now),
        metrics=Table(_METRICS, tuple(_metric(one) for one in now.verdict.metrics)),
        worst=Table(
            _WORST,
            tuple(_pair(one) for one in now.worst),
            line(muted("nothing is compared yet: `lockgate watch` replays what applications keep")),
        ),
    )


def _none(now: ShadowStatus) -> Iterator[Line]:
    if now.rests:
        yield line(f"The shadow in {now.environment} rests: {now.rests}.")
        return
    yield line("No shadow is on in ", Part(now.environment, "strong"), ".")
    yield line(muted("A shadow answers what users ask once more, for the log only: "), Part("s", "key"))


def _head(now: ShadowStatus, shadow: Running) -> Iterator[Line]:
    verdict = now.verdict
    mark = OUTCOME[verdict.outcome if verdict else "inconclusive"]
    ends = f", {span(shadow.until - now.at)} more" if shadow.until else ", as a step of a rollout"
    yield line(
        Part(mark.text, mark.tone),
        "   ",
        Part(shadow.release, "strong"),
        f" in the shadow of {shadow.stable} in ",
        Part(now.environment, "strong"),
        muted(f"   {shadow.percent:g} % of requests{ends}"),
    )
    reasons = verdict.reasons if verdict else ()
    yield line(reasons[0] if reasons else "It differs no more than stable differs from itself.")
    told = [f"{count:,} {_STATES.get(state, state)}" for state, count in sorted(now.states.items())]
    if now.dropped:
        told.append(f"{now.dropped:,} not handed over by applications")
    yield line(muted("requests   "), Part("", "hang"), ", ".join(told) or "none yet")
    for name, counted in (("shadow", now.candidate), ("again", now.again)):
        if counted is not None and counted.compared:
            yield line(muted(f"{name:<10} "), Part("", "hang"), _costs(counted))
    if now.spent is not None:
        policy = shadow.policy
        yield line(
            muted("spent      "),
            Part("", "hang"),
            f"{now.spent.calls_last_minute} of {policy.cap_rpm} calls in the last minute, "
            f"${now.spent.usd_last_day:.4f} of ${policy.cap_usd_per_day:g} in the last day",
        )


def _costs(counted: Counted) -> str:
    latency = counted.mean_latency_ms
    mean = "" if latency is None else f", {latency:,.0f} ms on average"
    return (
        f"{counted.compared:,} answers, {counted.failed:,} failed, {counted.same:,} word for word{mean}, "
        f"${counted.usd:.4f}"
    )


def _alarm(now: ShadowStatus) -> str:
    if now.heartbeat.late(now.at):
        since = f"for {age(now.at, now.heartbeat.at)}" if now.heartbeat.at else "yet"
        return f"no controller has looked {since}: `lockgate watch` is what replays requests"
    if now.flagged:
        return f"called harmful: request {one_line(now.flagged[0], 80)}"
    return ""


def _metric(one: MetricVerdict) -> Row:
    mark = OUTCOME[one.outcome]
    drop = None if one.threshold is None else -one.threshold
    is_share = one.name in ("failures", "harmful", "compared")
    shown = (
        Interval(one.canary, one.low, one.high, one.threshold)
        if is_share
        else Interval(one.difference, one.low, one.high, drop)
    )
    samples = f"{one.canary_samples:,} / {one.control_samples:,}"
    return Row(
        one.name,
        (
            mark.line(),
            line(Part(one.name, "strong")),
            line(_number(one.canary)),
            line(muted(_number(one.control))),
            picture(shown, _PICTURE, mark.tone),
            line(muted(f"{samples:>13}")),
            line(one.reason),
        ),
    )


def _pair(one: Pair) -> Row:
    answer = line(muted("answered"))
    if one.failed:
        answer = line(Part("✗ none", "bad"))
    elif one.harmful:
        answer = line(Part("✗ harmful", "bad"))
    return Row(
        one.request_id,
        (
            line(one_line(one.request_id, 200)),
            answer,
            line(_number(one.similarity)),
            line(_number(one.ranked)),
            line(_number(one.quality)),
        ),
    )


def _number(value: float | None) -> str:
    return "       –" if value is None else f"{value:>8.3f}"
