"""retention/<index>/<version>.toml: what is kept of an index version. It changes; the version never does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.records.base import Digest, Instant, Name, Person, Prose, Strict, Ulid, VersionId

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class IndexPin(Strict):
    """A person's wish that a version stays ready whatever its age."""

    reason: Prose
    by: Person
    at: Instant
    record: Ulid


class Mark(Strict):
    """The first of two phases: its time is over, and nothing referred to it."""

    at: Instant
    record: Ulid
    last_served: Instant
    """What the mark stands on: it says nothing about a version that has served since."""


class Archive(Strict):
    """The second phase: the bytes were packed, and unpacked again to see that they are whole."""

    at: Instant
    record: Ulid
    digest: Digest
    """The content digest of what was packed."""
    size: int = Field(ge=0)
    """Bytes of the archive, on the machine that packed it."""
    sha256: Hex
    """Of the archive's file there."""
    keyframe: Digest | None = None
    """The content whose archive it is packed against; None where it stands alone."""


class Returned(Strict):
    """A person had it unpacked; its time counts from here."""

    at: Instant
    record: Ulid


class Purged(Strict):
    """Its bytes are gone for good."""

    at: Instant
    record: Ulid


class Keeping(Strict):
    """The whole file. Without one, all is as it was when the version was added."""

    format: Literal["lockgate.keeping/1"] = "lockgate.keeping/1"
    index: Name
    version: VersionId
    pin: IndexPin | None = None
    mark: Mark | None = None
    archive: Archive | None = None
    restored: Returned | None = None
    purged: Purged | None = None
    """Once set, the version can only be built again from its source."""


def keeping_path(index: str, version: str) -> str:
    """Where the store has it."""
    return f"retention/{index}/{version}.toml"
