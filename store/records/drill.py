"""drills/<environment>/<ulid>.toml: each rollback that was rehearsed, and whether it would have held."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.records.base import Instant, Name, Prose, ReleaseId, Strict, Ulid

What = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Rehearsed(Strict):
    """One rollback."""

    what: What
    """`everything`, or the component (`kind/name`) that would be taken back alone."""
    target: tuple[What, ...] = Field(max_length=200)
    """What would come back: `kind/name@vN`."""
    holds: bool
    seconds: float = Field(ge=0)
    """That opening, reading and asking took, one after the other."""
    said: Prose = ""
    """Why it would not hold, and the way out."""


class Drill(Strict):
    """One rehearsal of one environment, on one machine."""

    format: Literal["lockgate.drill/1"] = "lockgate.drill/1"
    id: Ulid
    at: Instant
    environment: Name
    release: ReleaseId
    """What served then."""
    host: str = Field(max_length=200)
    rehearsed: tuple[Rehearsed, ...] = Field(min_length=1, max_length=200)
    without: tuple[Prose, ...] = Field(default=(), max_length=200)
    """What nothing could be gone back to for, in words: no promise."""

    @property
    def holds(self) -> bool:
        """Whether every promise would have held."""
        return all(one.holds for one in self.rehearsed)

    @property
    def broken(self) -> tuple[Rehearsed, ...]:
        """Those that would not."""
        return tuple(one for one in self.rehearsed if not one.holds)
