"""When each release was served where, read from the records of an environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from console.operations.audit.questions.answer import Asked
from console.operations.audit.questions.past import Past
from store.records.operation import Operation

MOVES = ("stage", "promote", "switch", "rollback", "advance", "pause", "resume", "abort", "fail", "error")
Arm = Literal["stable", "canary"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a release was served."""

    environment: str
    release: str
    arm: Arm
    since: datetime
    until: datetime | None
    """None where it still is."""


def stretches(past: Past, environment: str) -> list[Stretch]:
    """Oldest first."""
    happened = past.happened(Asked(environment=environment), *MOVES)
    return read([one.record for one in happened if one.record is not None][::-1], environment)


def read(records: Iterable[Operation], environment: str) -> list[Stretch]:
    """The stretches that `records` of `environment` tell of, oldest first."""
    found: list[Stretch] = []
    running: dict[Arm, tuple[str, datetime]] = {}

    def turn(arm: Arm, release: str | None, at: datetime) -> None:
        now = running.get(arm)
        if now is not None and now[0] == release:
            return
        if now is not None:
            found.append(Stretch(environment, now[0], arm, now[1], at))
            del running[arm]
        if release is not None:
            running[arm] = (release, at)

    for record in records:
        mark = record.rollout
        canary = mark.release if mark is not None and 0 < mark.percent < 100 else None
        turn("canary", canary, record.at)
        if record.after is not None:
            turn("stable", record.after, record.at)
    for arm, (release, since) in running.items():
        found.append(Stretch(environment, release, arm, since, None))
    return sorted(found, key=lambda one: one.since)
