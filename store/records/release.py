"""A release: component versions bound together, immutable, with a digest over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from store.canonical import digest_of
from store.records.base import Digest, Instant, Person, ReleaseId, Strict, Ulid, VersionId
from store.records.component import Component, Kind, Pin


class PinnedVersion(Strict):
    """One component of a release."""

    version: VersionId
    digest: Digest
    """The digest of the version's files."""


def release_digest(components: Mapping[str, PinnedVersion]) -> str:
    """The digest over sorted (component, version, digest); the release's number plays no part."""
    return digest_of(sorted((name, pinned.version, pinned.digest) for name, pinned in components.items()))


class Release(Strict):
    """releases/<id>.toml"""

    format: Literal["lockgate.release/1"] = "lockgate.release/1"
    id: ReleaseId
    created_at: Instant
    created_by: Person
    base: ReleaseId | None = None
    """The release it was composed from."""
    digest: Digest
    components: dict[str, PinnedVersion] = Field(min_length=1, max_length=200)
    """By `kind/name`."""
    evidence: tuple[Ulid, ...] = ()
    """The verdicts that were there when it was composed (verdicts/<release>/<ulid>.toml)."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name in self.components:
            Component.parse(name)
        if release_digest(self.components) != self.digest:
            raise ValueError("the digest does not fit the components")
        return self

    def pins(self, kind: Kind | None = None) -> tuple[Pin, ...]:
        """Its component versions, in the order of kinds; only those of `kind` where given."""
        order = list(Kind)
        pins = [Pin(Component.parse(name), one.version) for name, one in self.components.items()]
        chosen = [pin for pin in pins if kind is None or pin.component.kind is kind]
        return tuple(sorted(chosen, key=lambda p: (order.index(p.component.kind), p.component.name)))

    def version_of(self, component: Component) -> str | None:
        """The version of `component` in this release, or None."""
        pinned = self.components.get(str(component))
        return pinned.version if pinned else None
