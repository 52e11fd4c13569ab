"""How a shadow reads on a terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from console.commands.output import say, table
from console.operations.shadow.status import ShadowStatus
from evals.live.shadow import Counted
from evals.live.verdict import MetricVerdict
from store.text import one_line

_MARK = {"pass": "✓", "block": "✗", "inconclusive": "?"}
_HEAD = ("", "metric", "shadow", "stable again", "interval", "samples", "what it says")
_STATES = {
    "done": "replayed",
    "working": "begun",
    "repeat": "left out (further requests of a user)",
    "dropped": "dropped (too many waited)",
    "failed": "could not be used",
}


def status_as_json(now: ShadowStatus) -> dict[str, Any]:
    """Plain data."""
    verdict, shadow = now.verdict, now.shadow
    return {
        "environment": now.environment,
        "at": now.at.isoformat(),
        "shadow": None
        if shadow is None
        else {
            "attempt": shadow.attempt,
            "release": shadow.release,
            "stable": shadow.stable,
            "percent": shadow.percent,
            "policy": shadow.policy.model_dump(mode="json"),
            "since": shadow.since.isoformat(),
            "until": shadow.until.isoformat() if shadow.until else None,
        },
        "rests": now.rests,
        "outcome": verdict.outcome if verdict else None,
        "reasons": list(verdict.reasons) if verdict else [],
        "metrics": [asdict(one) for one in verdict.metrics] if verdict else [],
        "candidate": _counted(now.candidate),
        "again": _counted(now.again),
        "requests": now.states,
        "dropped_by_applications": now.dropped,
        "spent": asdict(now.spent) if now.spent else None,
        "flagged": list(now.flagged),
        "controller": {
            "at": now.heartbeat.at.isoformat() if now.heartbeat.at else None,
            "host": now.heartbeat.host,
            "late": now.heartbeat.late(now.at),
        },
    }


def show_status(now: ShadowStatus) -> None:
    """What is on, the metrics, the costs."""
    shadow, verdict = now.shadow, now.verdict
    if shadow is None or verdict is None:
        rests = f"The shadow in {now.environment} rests: {now.rests}." if now.rests else None
        say(rests or f"No shadow is on in {now.environment}.")
        return
    until = f" until {shadow.until:%Y-%m-%d %H:%M} UTC" if shadow.until else ", as a step of a rollout"
    say(
        f"{shadow.release} in the shadow of {shadow.stable} in {now.environment}: "
        f"{shadow.percent:g} % of requests{until}"
    )
    say(f"  {_MARK[verdict.outcome]} {verdict.outcome}")
    for reason in verdict.reasons:
        say(f"    {reason}")
    table(_HEAD, map(_row, verdict.metrics))
    told = [f"{count:,} {_STATES.get(state, state)}" for state, count in sorted(now.states.items())]
    say(f"  requests: {', '.join(told) or 'none yet'}")
    for name, counted in ((shadow.release, now.candidate), (f"{shadow.stable} again", now.again)):
        if counted is not None and counted.compared:
            say(f"  {name}: {_costs(counted)}")
    if now.spent is not None:
        policy = shadow.policy
        say(
            f"  spent: {now.spent.calls_last_minute} of {policy.cap_rpm} calls in the last minute, "
            f"${now.spent.usd_last_day:.4f} of ${policy.cap_usd_per_day:g} in the last day"
        )
    if now.dropped:
        say(f"  {now.dropped:,} sampled requests were dropped before they could be stored")
    for request in now.flagged:
        say(f"! called harmful: request {one_line(request, 80)}")
    if now.heartbeat.late(now.at):
        say("! no controller has looked lately: `lockgate watch` is what replays requests.")


def _counted(counted: Counted | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    return {
        "compared": counted.compared,
        "failed": counted.failed,
        "same_words": counted.same,
        "mean_latency_ms": counted.mean_latency_ms,
        "usd": counted.usd,
    }


def _costs(counted: Counted) -> str:
    latency = counted.mean_latency_ms
    mean = "—" if latency is None else f"{latency:,.0f} ms"
    return (
        f"{counted.compared:,} answers, {counted.failed:,} failed, {counted.same:,} word for word as served, "
        f"{mean} on average, ${counted.usd:.4f}"
    )


def _row(one: MetricVerdict) -> tuple[str, ...]:
    interval = "" if one.low is None or one.high is None else f"{_number(one.low)} … {_number(one.high)}"
    return (
        _MARK[one.outcome],
        one.name,
        _number(one.canary),
        _number(one.control),
        interval,
        f"{one.canary_samples:,} / {one.control_samples:,}",
        one.reason,
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
