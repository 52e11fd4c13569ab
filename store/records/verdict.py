"""verdicts/<release>/<ulid>.toml: what the gate said, and of what exactly it said so."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from store.records.base import Digest, Instant, Prose, ReleaseId, Strict, Ulid
from store.records.policy import Tier
from store.text import one_line

Outcome = Literal["pass", "block", "inconclusive"]
ERROR_SHARE = 0.01
"""A run of which more than this share of the answers failed says nothing."""
ONLY_WARNS = " only warns, because nothing but a judge grades it: "
"""Follows a category's name where its judge may not hold a release back."""


class Flip(Strict):
    """A case whose score changed."""

    case: str
    category: str
    before: float = Field(ge=0, le=1)
    after: float = Field(ge=0, le=1)
    question: Prose = ""
    answer_before: Prose = ""
    answer_after: Prose = ""
    reason: Prose = ""


class CategoryVerdict(Strict):
    """One category of cases, candidate against baseline. Scores are means in [0, 1]."""

    name: str
    suite: str
    """`evals/name`."""
    outcome: Outcome
    cases: int = Field(ge=0)
    repeats: int = Field(ge=0)
    candidate: float = Field(ge=0, le=1)
    baseline: float | None = Field(default=None, ge=0, le=1)
    difference: float | None = Field(default=None, ge=-1, le=1)
    standard_error: float | None = Field(default=None, ge=0)
    low: float | None = None
    """difference − z·SE"""
    high: float | None = None
    """difference + z·SE"""
    margin: float = Field(ge=0, le=1)
    needs_repeats: int | None = None
    """For inconclusive: repeats that would decide, where repeats can."""
    reason: Prose

    @property
    def only_informs(self) -> bool:
        """Fell beyond the margin, but has too few cases to hold a release back: shown, never a tick."""
        return self.outcome == "pass" and self.difference is not None and self.difference < -self.margin

    @property
    def only_warns(self) -> bool:
        """Nothing but a judge grades it, whose word does not count yet: whatever it fell, it was let pass."""
        return self.outcome == "pass" and self.reason.startswith(one_line(self.name, 100) + ONLY_WARNS)


class Verdict(Strict):
    """The gate's word on one release. A promotion whose digests differ is refused."""

    format: Literal["lockgate.verdict/1"] = "lockgate.verdict/1"
    id: Ulid
    at: Instant
    release: ReleaseId
    release_digest: Digest
    baseline: ReleaseId | None = None
    baseline_digest: Digest | None = None
    tier: Tier
    suites: dict[str, Digest]
    """By `evals/name`: the digest of the version whose cases were run."""
    graders_digest: Digest
    """Over the identity (name, version, arguments) of all graders that scored."""
    judge_digest: Digest | None = None
    policy_digest: Digest
    """Over margins, floors, alpha and repeats that decided."""
    outcome: Outcome
    reasons: tuple[Prose, ...] = ()
    """One sentence for each thing that is not a pass."""
    categories: tuple[CategoryVerdict, ...] = ()
    flips: tuple[Flip, ...] = Field(default=(), max_length=50)
    cases: int = Field(default=0, ge=0)
    answers: int = Field(default=0, ge=0)
    """Answers graded, both arms, all repeats."""
    errors: int = Field(default=0, ge=0)
    """Answers that machinery failed to give: never scored."""
    took_seconds: float = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.baseline is None) != (self.baseline_digest is None):
            raise ValueError("a baseline has both a name and a digest")
        if self.outcome == "pass" and (trouble := self._against_a_pass()):
            raise ValueError(f"it says pass, but {trouble}; run the evals again")
        if self.outcome == "inconclusive" and any(one.outcome == "block" for one in self.categories):
            raise ValueError("it says inconclusive, but a category blocks; run the evals again")
        return self

    def _against_a_pass(self) -> str | None:
        """What in the rest of the verdict no passed run can have, as the middle of a sentence."""
        for one in self.categories:
            if one.outcome != "pass":
                return f"{one_line(one.name, 60)} of {one_line(one.suite, 60)} says {one.outcome}"
        if not self.suites or not self.categories:
            return "it names no suite or no category"
        if not self.cases or not self.answers:
            return f"it counts {self.cases} cases and {self.answers} answers"
        if self.errors > ERROR_SHARE * (self.answers + self.errors):
            return f"{self.errors} of {self.answers + self.errors} answers failed"
        return "it gives reasons against" if self.reasons else None
