"""A shadow: a release that answers a share of requests once more, for the log only."""

from __future__ import annotations

from pydantic import Field

from store.records.base import Instant, Person, ReleaseId, Strict, Ulid


class ShadowPolicy(Strict):
    """What a shadow may cost, and what its answers may differ by."""

    again_percent: float = Field(default=20, ge=1, le=100)
    """Share of the replayed requests that stable answers again too: what differs between its own two
    answers is noise."""
    cap_rpm: int = Field(default=60, ge=1, le=100_000)
    """Calls of models a minute, of both releases together."""
    cap_usd_per_day: float = Field(default=5, ge=0, le=1_000_000)
    """What the calls of any 24 hours may cost, by the prices in settings.toml."""
    concurrency: int = Field(default=2, ge=1, le=64)
    """Requests that are replayed at once."""
    deadline_s: float = Field(default=60, gt=0, le=3600)
    """Seconds that one answer may take."""
    queue: int = Field(default=500, ge=1, le=10_000)
    """Requests that may wait; of more the oldest are dropped, and counted."""
    quality_drop: float = Field(default=0.05, gt=0, le=1)
    """A drop of the mean score by the suite's graders of at least this much blocks (0.05 is five points);
    1 leaves it out of the verdict."""
    retrieval_drop: float = Field(default=0.2, gt=0, le=1)
    """The same for how much of what stable retrieves the shadow retrieves."""
    similarity_drop: float = Field(default=0.2, gt=0, le=1)
    """The same for how alike the answers are."""


class Shadow(Strict):
    """One release in the shadow of what an environment serves."""

    attempt: Ulid
    """The record that began it; verdicts belong to it."""
    release: ReleaseId
    percent: float = Field(gt=0, le=100)
    """Share of requests that are replayed."""
    policy: ShadowPolicy = ShadowPolicy()
    generation: int = Field(ge=0)
    """The first generation of the live document that carried it."""
    since: Instant
    until: Instant
    """When the controller ends it."""
    by: Person
    """Who began it."""
