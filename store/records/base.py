"""The base of all records: strict, frozen, without unknown fields and non-finite numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Strict(BaseModel):
    """A record. Nothing is coerced, nothing extra is kept, nothing changes after it was made.

    Its validator is made when the first one is read: a command reads few of the kinds that it imports.
    (pydantic does that under a lock from 2.14 on.)
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("the time needs a time zone, for example 2026-03-01T12:00:00Z")
    return at.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_utc)]
"""A moment with its time zone, kept in UTC."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 hex digits."""
ReleaseId = Annotated[str, StringConstraints(pattern=r"^r[1-9][0-9]{0,8}$")]
"""r1, r2, …"""
VersionId = Annotated[str, StringConstraints(pattern=r"^v[1-9][0-9]{0,8}$")]
"""v1, v2, …"""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""The name of a component or an environment."""
PinText = Annotated[
    str,
    StringConstraints(
        pattern=r"^(app|prompt|model|index|guardrail|evals)/[a-z0-9][a-z0-9._-]{0,63}@v[1-9][0-9]{0,8}$"
    ),
]
"""`kind/name@vN`."""
Ulid = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
"""A sortable identifier: 26 characters, the first ten tell the time (github.com/ulid/spec)."""
Prose = Annotated[str, StringConstraints(max_length=20_000)]
"""Words that people wrote."""


_CONTROLLER = "Lockgate controller for "


class Person(Strict):
    """Who did something, as git knows them."""

    name: str
    """Their name."""
    email: str = ""
    """Their address; may be empty."""

    @property
    def as_controller(self) -> Person:
        """The controller that runs as this person."""
        return self.model_copy(update={"name": f"{_CONTROLLER}{self.name}"})

    @property
    def is_controller(self) -> bool:
        """Whether a controller did it, whoever it ran as."""
        return self.name.startswith(_CONTROLLER)
