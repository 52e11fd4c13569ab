"""Observation files for tests, made through the client's own writing end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from evals.live.evidence import Stage, Window
from lockgate_client import Amendment, Observation, Resolution
from lockgate_client.intake import Intake

NOON = 1_772_452_800.0
"""2026-03-02 12:00 UTC, the start of a minute and of an hour."""
WINDOW = Window("production", "r2", "r1", (Stage(10, 5.0, 800.0), Stage(20, 25.0, 900.0)), sla_ms=1000.0)


def seen(request_id: str, arm: str = "canary", generation: int = 10, **facts: Any) -> Observation:
    """An observation of `arm`, at NOON unless `at` says otherwise; r2 is the canary's release."""
    release = facts.pop("release", "r2" if arm == "canary" else "r1")
    given = {
        "at": NOON, "environment": "production", "unit": f"user of {request_id}", "latency_ms": None,
        "error": False, "category": "", "quality": None, "harmful": None, "feedback": None, "tokens": None,
        "cost": None, **facts,
    }  # fmt: skip
    served = Resolution(release, "canary" if arm == "canary" else "stable", None, "no unit", generation, {})
    return Observation(
        request_id=request_id, release=release, arm=arm, generation=generation, resolution=served, **given
    )


def later(request_id: str, **facts: Any) -> Amendment:
    """An amendment, at NOON unless `at` says otherwise."""
    given = {
        "at": NOON, "quality": None, "harmful": None, "confirmed": None, "feedback": None, "tokens": None,
        "cost": None, **facts,
    }  # fmt: skip
    return Amendment(request_id=request_id, environment="production", generation=10, **given)


def write(path: Path, rows: Iterable[Observation | Amendment]) -> None:
    """Writes `rows` as a client does, in one transaction, and tries again while others write."""
    rows = list(rows)
    observations = [row for row in rows if isinstance(row, Observation)]
    amendments = [row for row in rows if isinstance(row, Amendment)]
    intake = Intake(path)
    for _ in range(100):
        with suppress(sqlite3.OperationalError):
            intake.write(observations, amendments, [])
            intake.close()
            return
    raise AssertionError(f"{path} was busy for too long")
