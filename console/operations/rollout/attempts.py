"""Which records belong to one attempt at a rollout."""

from __future__ import annotations

from store.git.repository import Store
from store.history.newest import newest
from store.records.operation import Operation
from store.snapshot import Snapshot

LOOKED_THROUGH = 200
"""Commits, newest first, among which the records of an attempt are looked for."""


def records_of(store: Store, snapshot: Snapshot, attempt: str) -> tuple[Operation, ...]:
    """The records of `attempt` and the one that took its place, newest first."""
    found = []
    for entry in newest(store, LOOKED_THROUGH):
        record = snapshot.operation(entry.id) if entry.id else None
        marks = (record.rollout, record.ended) if record is not None else ()
        if record is not None and any(mark is not None and mark.attempt == attempt for mark in marks):
            found.append(record)
        if entry.id == attempt:
            break
    return tuple(found)
