"""Rollbacks: what was taken back, why, by whom, and how long users had it."""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, clock
from console.operations.audit.questions.past import Past
from console.operations.audit.questions.stretches import Stretch, stretches
from console.operations.counted import counted
from store.records.operation import Operation

HEAD = (
    "at", "record", "environment", "by", "automatic", "from_release", "to_release", "components", "cause",
    "seconds_to_detect", "minutes_served",
)  # fmt: skip
_SIMULTANEOUS_SECONDS = 1


def rollbacks(past: Past, asked: Asked) -> Answer:
    """Newest first, with what moved them."""
    served: dict[str, list[Stretch]] = {}
    rows, automatic = [], 0
    for one in past.happened(asked, "rollback"):
        record = one.record
        if record is None or record.environment is None:
            continue
        if record.environment not in served:
            served[record.environment] = stretches(past, record.environment)
        minutes = _minutes(record, served[record.environment])
        automatic += record.by.is_controller
        mark = record.rollout
        rows.append(
            (
                clock(record.at), record.id, record.environment, record.by.name,
                "yes" if record.by.is_controller else "no",
                mark.release if mark else record.before, record.after,
                " ".join(change.component for change in record.changes),
                record.why or record.summary,
                round(mark.seconds_to_detect, 1) if mark and mark.seconds_to_detect is not None else None,
                minutes,
            )
        )  # fmt: skip
    return Answer(HEAD, tuple(rows), f"{counted(len(rows), 'rollback')}, {automatic} by a controller.")


def _minutes(record: Operation, served: list[Stretch]) -> float | None:
    """How long somebody was served what was taken back: to the restore, from its first user on."""
    bad = record.rollout.release if record.rollout else record.before
    ended = [
        one
        for one in served
        if one.release == bad
        and one.until is not None
        and abs((one.until - record.at).total_seconds()) <= _SIMULTANEOUS_SECONDS
    ]
    if not ended:
        return None
    return round(sum((one.until - one.since).total_seconds() for one in ended if one.until) / 60, 1)
