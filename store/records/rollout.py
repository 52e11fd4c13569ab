"""A rollout: a promotion in progress, as the environment's pointer carries it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from store.records.approval import Approval
from store.records.base import Instant, Person, Prose, ReleaseId, Strict, Ulid
from store.records.rollout_policy import RolloutPolicy, Step

RolloutState = Literal[
    "pending",
    "awaiting approval",
    "progressing",
    "paused",
    "succeeded",
    "rolling back",
    "rolled back",
    "aborted",
    "failed",
    "errored",
    "superseded",
]
"""pending: not begun. awaiting approval: the next step wants a yes. progressing: a step runs.
paused: nothing moves forward, see PauseCause. succeeded: 100 %, watched until `watch_until`.
rolling back: users are on stable, the record of it is not written yet. rolled back: evidence or a
person took it back. aborted: a person stopped it. failed: policy said no before any user saw it.
errored: the machinery broke. superseded: a newer release took its place."""
PauseCause = Literal["step", "manual", "inconclusive", "freeze", "no traffic"]
"""step: the step waits for a person at its end. inconclusive: the evidence does not decide."""
ACTIVE: frozenset[RolloutState] = frozenset({"pending", "awaiting approval", "progressing", "paused"})
"""The states in which the rollout may still move forward."""


class Stage(Strict):
    """A step that was begun, as observations know it."""

    step: int = Field(ge=0)
    """Position in the policy's steps."""
    generation: int = Field(ge=0)
    """The first generation of the live document that served it."""
    percent: float = Field(ge=0, le=100)
    """The canary's share of users; 0 for a shadow step."""
    since: Instant
    slow_ms: float | None = Field(default=None, gt=0)
    """The latency that counts as a rise over stable's p99, frozen when the stage began."""


class Rollout(Strict):
    """One attempt. Its policy is the one that it began with."""

    attempt: Ulid
    """The record of the promotion that made it; verdicts belong to it."""
    release: ReleaseId
    """The canary's."""
    stable: ReleaseId
    """What it is measured against."""
    state: RolloutState = "pending"
    pause: PauseCause | None = None
    reason: Prose = ""
    """Why it is in this state."""
    policy: RolloutPolicy
    step: int = Field(default=-1, ge=-1)
    """Position in the policy's steps; -1 before the first."""
    percent: float = Field(default=0, ge=0, le=100)
    shadow_percent: float = Field(default=0, ge=0, le=100)
    salt: str = Field(min_length=1, max_length=200)
    """Kept through pause, resume and retry, so that users stay in their arm."""
    stages: tuple[Stage, ...] = Field(default=(), max_length=40)
    """Oldest first."""
    approvals: tuple[Approval, ...] = Field(default=(), max_length=100)
    approvals_wanted: int = Field(default=1, ge=1, le=10)
    """How many a step needs that wants an approval."""
    author: Person | None = None
    """Who made the release: their own yes does not count. None where anybody's does."""
    by: Person
    """Who promoted."""
    started_at: Instant
    since: Instant
    """When it came into its state."""
    ended_generation: int | None = Field(default=None, ge=0)
    """The first generation that does not serve the canary any more."""
    watch_until: Instant | None = None
    """Until when triggers still act, once it succeeded."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.state == "paused") != (self.pause is not None):
            raise ValueError("a paused rollout says why, and no other does")
        if not -1 <= self.step < len(self.policy.steps):
            raise ValueError("the step is not one of the policy's")
        if self.state not in ACTIVE | {"succeeded"} and (self.percent or self.shadow_percent):
            raise ValueError(f"a rollout that is {self.state} serves nobody")
        generations = [stage.generation for stage in self.stages]
        if generations != sorted(set(generations)):
            raise ValueError("its stages are not in order")
        return self

    @property
    def active(self) -> bool:
        """Whether it may still move forward."""
        return self.state in ACTIVE

    @property
    def current(self) -> Step | None:
        """The step it is in; None before the first."""
        return self.policy.steps[self.step] if self.step >= 0 else None

    @property
    def following(self) -> Step | None:
        """The step after this one; None at the last."""
        return self.policy.steps[self.step + 1] if self.step + 1 < len(self.policy.steps) else None
