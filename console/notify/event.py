"""What others are told of a record."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal

from store.records.base import Instant, Strict
from store.records.operation import Operation
from store.text import one_line

_SUMMARY_LIMIT = 2000
TEST_KIND = "test"
"""The kind of an event that only tries a target."""


class Event(Strict):
    """One record, as it leaves this machine. The note and e-mail addresses stay here."""

    format: Literal["lockgate.event/1"] = "lockgate.event/1"
    id: str
    """The record's: the same event is never two."""
    kind: str
    """promote, rollback, …"""
    environment: str | None
    release: str | None
    summary: str
    """One line of safe text."""
    by: str
    """The name of who did it."""
    at: Instant


def event_of(record: Operation) -> Event:
    """The event of one record."""
    return Event(
        id=record.id,
        kind=record.kind,
        environment=record.environment,
        release=record.release,
        summary=one_line(record.summary, _SUMMARY_LIMIT),
        by=one_line(record.by.name),
        at=record.at,
    )


def trial_event(id: str, by: str, at: datetime) -> Event:
    """An event that says that it is a test. `id` is a new ULID."""
    return Event(
        id=id,
        kind=TEST_KIND,
        environment=None,
        release=None,
        summary="A test of notifications; nothing happened.",
        by=one_line(by),
        at=at,
    )


def body_of(event: Event) -> bytes:
    """The event as the JSON that is sent: ASCII, one line."""
    return json.dumps(event.model_dump(mode="json"), separators=(",", ":"), allow_nan=False).encode()
