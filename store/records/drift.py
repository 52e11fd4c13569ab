"""drift/<model>/<version>/: how a pinned model answered when it was known to be good, and that it changed.

`<ulid>.toml` is a baseline, `incidents/<ulid>.toml` an incident. Both have the id of the record that
brought them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from store.canonical import digest_of
from store.records.base import Digest, Instant, Name, PinText, Prose, ReleaseId, Strict, Ulid

Token = Annotated[str, StringConstraints(max_length=60)]
LogProb = Annotated[float, Field(ge=-50, le=0)]
ShortText = Annotated[str, StringConstraints(max_length=200)]
DriftCall = Annotated[tuple[tuple[Token, LogProb], ...], Field(min_length=1, max_length=10)]
"""The most likely first tokens of one answer; where logprobs are not known, the one that came, with 0."""
DriftRound = Annotated[tuple[DriftCall, ...], Field(min_length=1, max_length=10)]
"""One call for each prompt."""


class DriftBaseline(Strict):
    """What a model version answered to a few one-token prompts when it began to be watched."""

    format: Literal["lockgate.drift/1"] = "lockgate.drift/1"
    id: Ulid
    at: Instant
    model: PinText
    model_digest: Digest
    environment: Name
    """Where it served."""
    release: ReleaseId
    """With which release."""
    every_hours: float = Field(default=24, ge=0, le=24 * 90)
    """How often a controller checks it; 0 leaves it to people."""
    mode: Literal["logprobs", "tokens"]
    """What is compared: the likeliest first tokens with their logprobs, or the first token itself."""
    tops: int = Field(default=0, ge=0, le=10)
    """Logprobs that are asked for."""
    temperature: float = Field(default=0, ge=0, le=2)
    """With which is asked."""
    prompts: tuple[ShortText, ...] = Field(min_length=1, max_length=10)
    near_tied: int | None = Field(default=None, ge=0, le=10)
    """For tokens: how many of the prompts are border inputs."""
    rounds: tuple[DriftRound, ...] = Field(min_length=2, max_length=50)
    returned: tuple[ShortText, ...] = Field(default=(), max_length=20)
    """The names by which the model called itself."""
    fingerprints: tuple[ShortText, ...] = Field(default=(), max_length=20)
    """`system_fingerprint`, as told."""
    served_by: ShortText = ""
    """The engine of an embedded model."""
    digest: Digest
    """Over mode, prompts and rounds."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if any(len(one) != len(self.prompts) for one in self.rounds):
            raise ValueError("a round has not one call for each prompt")
        if self.digest != rounds_digest(self.mode, self.prompts, self.rounds):
            raise ValueError("its rounds are not the ones that its digest was taken of")
        return self


def rounds_digest(mode: str, prompts: tuple[str, ...], rounds: object) -> str:
    """The digest of a baseline's measurements."""
    return digest_of([mode, prompts, rounds])


class DriftCategory(Strict):
    """One category of cases, asked again after an alarm. Scores are means in [0, 1]."""

    name: str
    suite: str
    """`evals/name`."""
    cases: int = Field(ge=1)
    before: float = Field(ge=0, le=1)
    now: float = Field(ge=0, le=1)
    difference: float = Field(ge=-1, le=1)
    low: float = Field(ge=-1, le=1)
    """difference − 1.96 SE, from run to run."""
    high: float = Field(ge=-1, le=1)
    p_value: float = Field(gt=0, le=1)
    """Of the paired test, case by case."""
    moved: bool
    """Whether that is certain with all categories together (Holm, 5 %)."""


class DriftIncident(Strict):
    """A model changed under its pin."""

    format: Literal["lockgate.drift-incident/1"] = "lockgate.drift-incident/1"
    id: Ulid
    at: Instant
    model: PinText
    baseline: Ulid
    environment: Name
    release: ReleaseId
    cause: Literal["answers", "name"]
    """answers: what it says is distributed otherwise; name: it calls itself by another name."""
    since: Instant
    """The last check at which nothing spoke for a change: it happened after this."""
    checks: int = Field(ge=0)
    """Since the baseline."""
    e_value: float = Field(ge=0)
    """The evidence against "nothing changed"; 100 is an alarm."""
    p_values: tuple[float, ...] = Field(default=(), max_length=10)
    """Of the last checks, the newest last."""
    returned: tuple[ShortText, ...] = Field(default=(), max_length=20)
    """The names by which it calls itself now."""
    fingerprints_before: tuple[ShortText, ...] = Field(default=(), max_length=20)
    fingerprints_now: tuple[ShortText, ...] = Field(default=(), max_length=20)
    ours: tuple[Prose, ...] = Field(default=(), max_length=50)
    """What we changed between baseline and alarm, one sentence for each record."""
    ours_said: Prose
    """Whether any of it can be the reason."""
    categories: tuple[DriftCategory, ...] = Field(default=(), max_length=100)
    """What the suite says now, against answers from before."""
    suite_said: Prose
    """What the suite shows, or why it could not be asked."""
    advice: tuple[Prose, ...] = Field(min_length=1, max_length=10)
    """What to do, the first choice first."""
