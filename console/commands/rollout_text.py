"""How a rollout and a controller's tick read on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from console.commands.output import print_json_line, say, table
from console.controller.tick import Ticked
from console.operations.rollout.status import RolloutStatus
from console.operations.rollout.taking_back import by_hand
from store.records.finding import Finding
from store.records.rollout import Rollout
from store.rules.rollout import TROUBLE_MINUTES, told
from store.text import one_line

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
        "outcome": seen.outcome if now.looked_at else None,
        "reason": seen.reason if now.looked_at or now.rollout is None else now.rollout.reason,
        "waits_for": now.waits_for,
        "healthy_minutes": seen.healthy_minutes,
        "scored": seen.scored,
        "idle_minutes": seen.idle_minutes,
        "metrics": [one.model_dump(mode="json") for one in seen.findings or now.last],
        "alerts": list(now.sight.analysis.alerts) if now.sight.analysis else [],
        "notes": list(now.sight.analysis.notes) if now.sight.analysis else [],
        "controller": {
            "at": now.heartbeat.at.isoformat() if now.heartbeat.at else None,
            "host": now.heartbeat.host,
            "late": now.unattended,
        },
        "trouble": now.trouble,
        "problems": list(now.problems),
        "frozen": now.frozen,
        "took_place": now.took_place,
        "way_out": now.way_out,
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
    if now.took_place:
        say(f"  {now.took_place}: this took its place")
    if rollout.state == "awaiting approval":
        say(f"  `lockgate rollout approve --env {now.environment}` says yes")
    if rollout.watch_until is not None:
        say(f"  watched until {rollout.watch_until:%Y-%m-%d %H:%M} UTC: triggers still act")
    if now.way_out:
        say(f"  {now.way_out}")
    if now.frozen:
        say(f"! {now.frozen}")
    if now.kill is not None:
        say("! users are on stable already; `lockgate tick` writes it down")
    if now.killed_by_hand is not None:
        say(f"! {by_hand(now.environment, now.killed_by_hand)}")
    for number, step in enumerate(rollout.policy.steps):
        mark = "▶" if number == rollout.step else "✓" if number < rollout.step else "·"
        hold = f", holds {step.hold_minutes} healthy minutes" if step.hold_minutes else ""
        scored = f", {step.min_scored} scored answers" if step.min_scored else ""
        wants = ", wants an approval" if step.approval else ""
        stays = ", waits at its end for `lockgate rollout advance`" if step.pause else ""
        say(f"  {mark} {number + 1}. {told(step)}{hold}{scored}{wants}{stays}")
    seen = now.sight.observed
    if rollout.active and rollout.stages:
        say(f"  this step: {seen.healthy_minutes} healthy minutes, {seen.scored} scored answers")
    if now.waits_for:
        say(f"  waits for: {now.waits_for}")
    if metrics := seen.findings or now.last:
        table(_HEAD, map(_row, metrics))
    for alert in now.sight.analysis.alerts if now.sight.analysis else ():
        say(f"! {alert}")
    for note in now.sight.analysis.notes if now.sight.analysis else ():
        say(f"  note: {note}")
    _show_troubles(now, rollout)


def _show_troubles(now: RolloutStatus, rollout: Rollout) -> None:
    if now.trouble:
        since = f" since {now.trouble_since:%H:%M:%S} UTC" if now.trouble_since else ""
        say(f"! the evidence cannot be read{since}: {now.trouble}")
        if rollout.active and rollout.step >= 0:
            say(f"! after {TROUBLE_MINUTES:g} minutes of that the rollout ends (errored)")
    for problem in now.problems:
        say(f"! {problem}")
    if now.unattended:
        since = f"since {now.heartbeat.at:%H:%M:%S} UTC" if now.heartbeat.at else "yet"
        falls = " (clients fall back to stable)" if rollout.percent else ""
        say(f"! no controller has looked {since}: run `lockgate watch`{falls}.")


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
        "problems": [*done.problems, *troubles(done)],
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


def show_tick(done: Ticked) -> None:
    """What a tick did; nothing where it did nothing."""
    for record in done.records:
        say(f"{record.at:%H:%M:%S} {record.kind}: {record.summary}")
    for problem in (*done.problems, *troubles(done)):
        say(f"! {problem}")


def troubles(done: Ticked) -> tuple[str, ...]:
    """Whose evidence could not be read, one sentence each."""
    seen = ((name, sight.trouble) for name, sight in done.sights if sight.trouble)
    return tuple(f"{name}: the evidence cannot be read: {one_line(said, 400)}" for name, said in seen)


class Teller:
    """Tells of each tick of `lockgate watch`; a trouble that lasts is told once."""

    def __init__(self, as_json: bool, now: Callable[[], datetime]) -> None:
        self._as_json = as_json
        self._now = now
        self._told: tuple[str, ...] = ()

    def __call__(self, done: Ticked) -> None:
        """One compact line of JSON, or lines of text; nothing where there is nothing new."""
        new = tuple(one for one in troubles(done) if one not in self._told)
        if done.sights:
            self._told = troubles(done)
        if not (done.records or done.problems or new):
            return
        if self._as_json:
            print_json_line({"at": self._now().isoformat(), **tick_as_json(done)})
            return
        show_tick(replace(done, problems=(*done.problems, *new), sights=()))
