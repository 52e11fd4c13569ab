"""Outboxes that send nothing, records, and targets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ulid import ULID

from console.notify.letters import Letters
from console.notify.outbox import Outbox
from console.notify.outcome import Outcome
from store.records.base import Person
from store.records.operation import Operation
from store.settings import NotifyTarget

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DELIVERED = Outcome("delivered", "answered 204")
DOWN = Outcome("failed", "answered 503", is_down=True)
REFUSED = Outcome("failed", "answered 400")
GONE = Outcome("gone", "answered 410")


def record(seconds: float = 0, kind: str = "promote", **changes: Any) -> Operation:
    """A record made `seconds` after noon."""
    at = NOON + timedelta(seconds=seconds)
    return Operation.model_validate(
        {
            "id": str(ULID(int(at.timestamp() * 1000).to_bytes(6, "big") + bytes(10))),
            "kind": kind,
            "at": at,
            "by": Person(name="Ada", email="ada@example.com"),
            "environment": "production",
            "release": "r2",
            "summary": "Promoted r2 to production",
            "why": "a secret plan",
            **changes,
        }
    )


def webhook(name: str = "hook", *events: str, url: str = "https://hooks.example.com/x") -> NotifyTarget:
    return NotifyTarget(name=name, kind="webhook", url=url, events=events or ("*",))


@dataclass
class Post:
    """Takes the place of the network: answers in turn, then delivers."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    """(target, event id)."""

    def __call__(self, target: NotifyTarget, event_id: str, body: bytes, now: datetime) -> Outcome:
        assert body and now.tzinfo is not None
        self.sent.append((target.name, event_id))
        return self.outcomes.pop(0) if self.outcomes else DELIVERED


def outbox(path: Path, post: Post, targets: Sequence[NotifyTarget] = (webhook(),)) -> Outbox:
    return Outbox(Letters(path / "outbox.sqlite"), targets, post, dice=random.Random(1))
