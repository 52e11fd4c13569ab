"""How a rollout and a controller's tick read on a terminal."""

from __future__ import annotations

from typing import Any

from console.commands.output import print_json, say, table
from console.controller.tick import Ticked
from console.operations.rollout.status import RolloutStatus
from console.operations.rollout.taking_back import by_hand
from store.records.finding import Finding
from store.rules.rollout import told

_HEAD = ("", "metric", "canary", "control", "interval", "samples", "what it says")
_MARK = {"pass": "✓", "block": "✗", "inconclusive": "?"}


def status_as_json(now: RolloutStatus) -> dict[str, Any]:
    """Plain data."""
    seen = now.sight.observed
    rollout = now.rollout.model_dump(mode="json") if now.rollout else None
    return {
        "environment": now.environment,
        "at": now.at.isoformat(),
        "state": now.state,
        "rollout": rollout,
        "outcome": seen.outcome,
        "reason": seen.reason,
        "waits_for": now.waits_for,
        "healthy_minutes": seen.healthy_minutes,
        "scored": seen.scored,
        "idle_minutes": seen.idle_minutes,
        "metrics": [one.model_dump(mode="json") for one in seen.findings],
        "alerts": list(now.sight.analysis.alerts) if now.sight.analysis else [],
        "notes": list(now.sight.analysis.notes) if now.sight.analysis else [],
        "controller": {"at": now.heartbeat.at, "host": now.heartbeat.host, "late": now.unattended},
        "trouble": now.trouble,
        "killed": now.kill.reason if now.kill is not None else now.killed_by_hand,
    }


def show_status(now: RolloutStatus) -> None:
    """The ladder, the metrics, and what is waited for."""
    rollout = now.rollout
    if rollout is None:
        say(f"No rollout was ever begun in {now.environment}.")
        return
    say(f"{rollout.release} against {rollout.stable} in {now.environment}: {now.state}")
    if reason := now.kill.reason if now.kill is not None else rollout.reason:
        say(f"  {reason}")
    if now.kill is not None:
        say("! users are on stable already; `lockgate tick` writes it down")
    if now.killed_by_hand is not None:
        say(f"! {by_hand(now.environment, now.killed_by_hand)}")
    for number, step in enumerate(rollout.policy.steps):
        mark = "▶" if number == rollout.step else "✓" if number < rollout.step else "·"
        hold = f", holds {step.hold_minutes} healthy minutes" if step.hold_minutes else ""
        scored = f", {step.min_scored} scored answers" if step.min_scored else ""
        wants = ", wants an approval" if step.approval else ""
        say(f"  {mark} {number + 1}. {told(step)}{hold}{scored}{wants}")
    seen = now.sight.observed
    if rollout.active and rollout.stages:
        say(f"  this step: {seen.healthy_minutes} healthy minutes, {seen.scored} scored answers")
    if now.waits_for:
        say(f"  waits for: {now.waits_for}")
    if seen.findings:
        table(
            ("", "metric", "canary", "control", "interval", "samples", "what it says"),
            map(_row, seen.findings),
        )
    for alert in now.sight.analysis.alerts if now.sight.analysis else ():
        say(f"! {alert}")
    for note in now.sight.analysis.notes if now.sight.analysis else ():
        say(f"  note: {note}")
    if now.trouble:
        say(f"! the evidence cannot be read: {now.trouble}")
    if now.unattended:
        since = f"since {now.heartbeat.at:%H:%M:%S} UTC" if now.heartbeat.at else "yet"
        say(f"! no controller has looked {since}: run `lockgate watch` (clients fall back to stable).")


def _row(one: Finding) -> tuple[str, ...]:
    interval = "" if one.low is None or one.high is None else f"{_number(one.low)} … {_number(one.high)}"
    return (
        _MARK[one.outcome],
        one.metric,
        _number(one.canary),
        _number(one.control),
        interval,
        f"{one.canary_samples:,} / {one.control_samples:,}",
        one.reason,
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def tick_as_json(done: Ticked) -> dict[str, Any]:
    """Plain data."""
    return {
        "records": [one.model_dump(mode="json") for one in done.records],
        "problems": list(done.problems),
        "rollouts": {
            name: {
                "outcome": sight.observed.outcome,
                "reason": sight.observed.reason,
                "healthy_minutes": sight.observed.healthy_minutes,
                "scored": sight.observed.scored,
            }
            for name, sight in done.sights
        },
    }


def show_tick(done: Ticked, as_json: bool) -> None:
    """What a tick did; nothing where it did nothing."""
    if as_json:
        if done.records or done.problems:
            print_json(tick_as_json(done))
        return
    for record in done.records:
        say(f"{record.at:%H:%M:%S} {record.kind}: {record.summary}")
    for problem in done.problems:
        say(f"! {problem}")
