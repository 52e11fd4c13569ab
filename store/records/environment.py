"""environments/<name>.toml: the pointer. What an environment serves is read here and nowhere else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from store.records.base import Instant, Name, Person, PinText, Prose, ReleaseId, Strict, Ulid
from store.records.rollout import Rollout
from store.records.shadow import Shadow


class Served(Strict):
    """A stretch of time in which a release was the stable one."""

    release: ReleaseId
    since: Instant
    until: Instant | None = None
    """None while it serves."""


class Hold(Strict):
    """Left by a rollback: automation keeps off until a person moves forward."""

    component: str = "*"
    """`kind/name`, or * for the whole environment."""
    reason: Prose
    by: Person
    at: Instant
    record: Ulid


class Rejection(Strict):
    """A release that was rolled back; it is not promoted again until it is cleared."""

    release: ReleaseId
    pins: tuple[PinText, ...] = Field(default=(), max_length=200)
    """The versions (`kind/name@vN`) that were taken away together. Any release that holds all of them
    is rejected too; empty rejects the release alone."""
    reason: Prose
    by: Person
    at: Instant
    record: Ulid


class Freeze(Strict):
    """A window in which nothing moves forward; rollback always may."""

    reason: Prose
    since: Instant
    until: Instant


class Review(Strict):
    """Somebody broke the glass, and nobody else has looked at it yet."""

    record: Ulid
    by: Person
    at: Instant
    reason: Prose


class Environment(Strict):
    """The whole pointer file of one environment."""

    format: Literal["lockgate.environment/1"] = "lockgate.environment/1"
    name: Name
    generation: int = Field(default=0, ge=0)
    """Strictly increasing: one more with each change."""
    stable: ReleaseId | None = None
    previous: ReleaseId | None = None
    """What stable replaced."""
    rollout: Rollout | None = None
    """The promotion in progress, or the last one until the next begins."""
    shadow: Shadow | None = None
    """A release that answers for the log only. It rests while a rollout serves or shadows somebody."""
    record: Ulid | None = None
    """The record of the operation that wrote this file."""
    served: tuple[Served, ...] = ()
    """Newest first; all of the retention time and at least the last 20."""
    holds: tuple[Hold, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    used: tuple[Ulid, ...] = Field(default=(), max_length=200)
    """Approvals that carried a promotion already, newest first: none counts twice."""
    reviews: tuple[Review, ...] = Field(default=(), max_length=100)
    """What is still to be reviewed, oldest first."""
