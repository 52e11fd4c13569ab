"""refs/lockgate/hosts/<name>: what one host serves, as it says itself. Told, never relied on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.records.base import Instant, Name, Prose, ReleaseId, Strict

HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class HostServes(Strict):
    """One environment's live document on that host."""

    environment: Name
    generation: int = Field(ge=0)
    """Of the pointer that the document was made from."""
    release: ReleaseId
    """The stable one."""
    canary: ReleaseId | None = None


class HostReport(Strict):
    """host.json: the whole report."""

    format: Literal["lockgate.host/1"] = "lockgate.host/1"
    host: HostName
    at: Instant
    tool: str = Field(max_length=100)
    """The version of Lockgate there."""
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    """What its main had."""
    serves: tuple[HostServes, ...] = Field(default=(), max_length=100)
    problems: tuple[Prose, ...] = Field(default=(), max_length=20)
    """What it could not follow."""

    def says_same(self, other: HostReport | None) -> bool:
        """Whether it differs from `other` in its time only."""
        return other is not None and self.model_copy(update={"at": other.at}) == other
