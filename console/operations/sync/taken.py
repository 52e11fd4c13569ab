"""Where two machines changed one environment: what may be settled without a person.

A canary was taken away here while the other side could not be heard: if that went on with it, users here
stay on stable and the record is made again on top; if that took it away as well, its pointer stands and
both records are kept. And what two controllers wrote down of themselves, without moving anybody: the
remote's stands, and the next tick does again what is still to be done. All else is for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from store.errors import InputError
from store.kill_file import KillFile
from store.records.environment import Environment
from store.records.operation import Operation
from store.records.rollout import Rollout
from store.snapshot import Snapshot

TAKES_AWAY = frozenset({"rollback", "abort", "fail", "error"})
"""The kinds of record after which nobody is on the canary."""
_BELONGS_TO = TAKES_AWAY | {"pause", "baseline"}
"""What is put aside together with a record that took the canary away."""
_ONLY_STOPS = TAKES_AWAY | {"pause"}
_DONE_AGAIN = frozenset({"pause", "baseline", "settle", "unshadow"})
"""What a controller does by itself and finds again at its next tick."""
_REASON_LIMIT = 2000

Settled = Literal["aside", "record", "conflict"]
"""aside: put aside, and a canary that it took away stays away. record: their pointer stands, the record is
kept."""


@dataclass(frozen=True, slots=True)
class Local:
    """A commit that is only here."""

    commit: str
    record: Operation | None
    """None for a commit that was made with git."""


def settle(
    one: Local, paths: tuple[str, ...], all_local: Sequence[Local], ours: Snapshot, theirs: Snapshot
) -> Settled:
    """What becomes of `one`, whose `paths` both sides changed; `ours` and `theirs` are the two tips."""
    record = one.record
    if record is None or record.environment is None:
        return "conflict"
    if paths != (f"environments/{record.environment}.toml",):
        return "conflict"
    mine, other = _pointer(ours, record.environment), _pointer(theirs, record.environment)
    if mine is None or other is None:
        return "conflict"
    taker = taken_away(all_local[all_local.index(one) :], record.environment)
    if taker is None:
        if record.kind not in _DONE_AGAIN or not record.by.is_controller:
            return "conflict"
        return "record" if _place(mine) == _place(other) else "aside"
    if _still_served(taker, other) is not None:
        same = record.rollout is not None and record.rollout.attempt == _attempt(taker)
        return "aside" if same and record.kind in _BELONGS_TO else "conflict"
    return "record" if record.kind in _ONLY_STOPS and _covers(other, mine) else "conflict"


def taken_away(local: Sequence[Local], environment: str) -> Operation | None:
    """The last record that took a canary of `environment` away."""
    found = (one.record for one in reversed(local) if one.record is not None)
    return next((one for one in found if one.environment == environment and one.kind in TAKES_AWAY), None)


def kills(local: Sequence[Local], theirs: Snapshot, at: datetime) -> tuple[tuple[str, KillFile], ...]:
    """By environment: the kill file that keeps users on stable although `theirs` serves a canary that one
    of `local`, which is put aside, took away."""
    found: list[tuple[str, KillFile]] = []
    for environment in dict.fromkeys(one.record.environment for one in local if one.record is not None):
        taker = taken_away(local, environment) if environment is not None else None
        pointer = _pointer(theirs, environment) if environment is not None else None
        if environment is None or taker is None or pointer is None:
            continue
        rollout = _still_served(taker, pointer)
        if rollout is None:
            continue
        reason = f"{taker.why or taker.summary} (record {taker.id}, put aside)"
        kill = KillFile(
            epoch=pointer.generation + 1,
            attempt=rollout.attempt,
            reason=reason if len(reason) <= _REASON_LIMIT else reason[: _REASON_LIMIT - 1] + "…",
            at=at,
            findings=taker.rollout.findings if taker.rollout is not None else (),
        )
        found.append((environment, kill))
    return tuple(found)


def _attempt(record: Operation) -> str | None:
    return record.rollout.attempt if record.rollout is not None else None


def _still_served(taker: Operation, pointer: Environment) -> Rollout | None:
    """The rollout of `pointer`, if users are on the canary that `taker` took away."""
    rollout = pointer.rollout
    if rollout is None or rollout.attempt != _attempt(taker):
        return None
    return rollout if rollout.active and rollout.percent else None


def _place(pointer: Environment) -> tuple[object, ...]:
    """Where an environment stands, whoever brought it there."""
    rollout = pointer.rollout
    stands = (rollout.attempt, rollout.state, rollout.pause, rollout.step) if rollout is not None else ()
    return (pointer.stable, pointer.shadow is None, *stands)


def _covers(theirs: Environment, ours: Environment) -> bool:
    """Whether `theirs` has already all that `ours` wants: the same stable, no canary, every hold and
    rejection."""
    if theirs.stable != ours.stable or (theirs.rollout is not None and theirs.rollout.active):
        return False
    if (ours.rollout and ours.rollout.attempt) != (theirs.rollout and theirs.rollout.attempt):
        return False
    held = {one.component for one in theirs.holds}
    rejected = {(one.release, one.pins) for one in theirs.rejected}
    return ("*" in held or {one.component for one in ours.holds} <= held) and {
        (one.release, one.pins) for one in ours.rejected
    } <= rejected


def _pointer(snapshot: Snapshot, environment: str) -> Environment | None:
    try:
        return snapshot.environment(environment)
    except InputError:
        return None
