"""approvals/<environment>/<release>/<ulid>.toml: a yes to one release in one environment, at one step."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.canonical import canonical_json
from store.records.base import Digest, Instant, Name, Person, ReleaseId, Strict, Ulid

ENTERING = -1
"""The step of an approval for the promotion itself."""


class Approval(Strict):
    """A yes. It counts for exactly what it names, and for nothing that came after."""

    format: Literal["lockgate.approval/1"] = "lockgate.approval/1"
    id: Ulid
    """Of the record that gave it."""
    environment: Name
    release: ReleaseId
    release_digest: Digest
    policy_digest: Digest
    """Of what lockgate.toml demanded of the environment then."""
    step: int = Field(default=ENTERING, ge=ENTERING, lt=20)
    """Position in the rollout's steps; ENTERING for the promotion itself."""
    attempt: Ulid | None = None
    """For a step: the rollout."""
    by: Person
    at: Instant
    signature: Annotated[str, StringConstraints(max_length=16_384)] | None = None
    """Armored, over `signed`; None where the machine had no key."""

    @property
    def signed(self) -> bytes:
        """What the signature is over: everything but itself, as canonical JSON."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))


def approval_path(environment: str, release: str, id: str) -> str:
    """Where an approval of a promotion lies."""
    return f"approvals/{environment}/{release}/{id}.toml"
