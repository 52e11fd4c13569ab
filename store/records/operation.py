"""records/<yyyy>/<mm>/<ulid>.toml: what one operation did, in the same commit as what it did."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from store.records.approval import Approval
from store.records.base import Digest, Instant, Name, Person, Prose, ReleaseId, Strict, Ulid
from store.records.finding import MOST_FINDINGS, Finding
from store.records.rollout import RolloutState

OperationKind = Literal[
    "init",
    "add",
    "stage",
    "block",
    "eval",
    "promote",
    "switch",
    "rollback",
    "clear",
    "freeze",
    "unfreeze",
    "note",
    "policy",
    "approve",
    "review",
    "advance",
    "pause",
    "resume",
    "abort",
    "fail",
    "error",
    "settle",
    "baseline",
    "shadow",
    "unshadow",
    "drift",
    "drill",
    "pin",
    "unpin",
    "mark",
    "archive",
    "restore",
    "purge",
]
"""review: somebody else looked at what was done in an emergency.
freeze, unfreeze: nothing moves forward for a time, or it may again. advance: a rollout's next step.
baseline: what stable's latency is became known during a step.
fail, error: it ended without one. settle: its watch is over. shadow, unshadow: a release begins, or ends,
to answer for the log only. drift: how a model answers was written down, or it changed under its pin.
drill: the rollbacks of an environment were rehearsed.
pin, unpin, mark, archive, restore, purge: what is kept of index versions."""

TAKING_BACK: frozenset[OperationKind] = frozenset({"rollback", "abort", "fail", "error", "pause", "unshadow"})
"""What takes something away from users, or stops giving them more: no key that is locked keeps it back."""


class Change(Strict):
    """One component before and after."""

    component: str
    """`kind/name`."""
    before: str | None = None
    """vN, or None where it is new."""
    after: str | None = None
    """vN, or None where it is gone."""
    before_digest: Digest | None = None
    after_digest: Digest | None = None
    what: Prose = ""
    """What differs, in words: "50 documents added, 2 removed"."""


class Override(Strict):
    """A condition that was not met and that a person answered for."""

    condition: str
    reason: Prose


class RolloutMark(Strict):
    """Where a rollout stood after the operation."""

    attempt: Ulid
    release: ReleaseId
    state: RolloutState
    step: int = Field(ge=-1)
    percent: float = Field(ge=0, le=100)
    generation: int = Field(ge=0)
    """The live document's."""
    seconds_to_detect: float | None = Field(default=None, ge=0)
    """For an automatic rollback: from the stage's beginning to the decision."""
    findings: tuple[Finding, ...] = Field(default=(), max_length=MOST_FINDINGS)
    """The evidence that moved it."""


class Operation(Strict):
    """One record."""

    format: Literal["lockgate.record/1"] = "lockgate.record/1"
    id: Ulid
    kind: OperationKind
    at: Instant
    by: Person
    environment: Name | None = None
    why: Prose = ""
    """The note: why it was done, in the person's words."""
    summary: Prose
    """The sentence for an incident: "Deployed prompt support v7 (changed tone instructions)"."""
    release: ReleaseId | None = None
    """The release that it made, moved or judged."""
    before: ReleaseId | None = None
    """What the environment served before."""
    after: ReleaseId | None = None
    """What it serves since."""
    changes: tuple[Change, ...] = ()
    evidence: tuple[Ulid, ...] = ()
    """The verdicts that carried it."""
    gate: Literal["pass", "block", "inconclusive", "none", "override", "served before"] = "none"
    overrides: tuple[Override, ...] = ()
    emergency: bool = False
    """The glass was broken: what the overrides answer for is to be reviewed by somebody else."""
    approvals: tuple[Approval, ...] = Field(default=(), max_length=100)
    """The one that it gave, or those that carried it."""
    checks: tuple[str, ...] = Field(default=(), max_length=200)
    """Every condition that was looked at, with its verdict, in words."""
    rollout: RolloutMark | None = None
    """For an operation on a rollout."""
    ended: RolloutMark | None = None
    """How the attempt ended whose place this took; its percent is what it served until then."""
    about: Ulid | None = None
    """For a note or a review: the record that it is about."""
    tool: str = ""
    """The Lockgate version that wrote it."""
    host: str = ""
