"""What may not be archived: every version of an index that something refers to, with the reason.

Pure: pointers, releases and keepings in, reasons out. What cannot be read is a gap, and a gap stops whoever
wants to take bytes away: it may refer to anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from store.records.component import Component
from store.records.environment import Environment
from store.records.keeping import Keeping
from store.records.release import Release
from store.rules.index_status import IndexStatus, Phase
from store.rules.serving import good_versions, rollback_target

SWEPT_AFTER = timedelta(hours=24)
"""Between the mark and the archive, at least."""
DUE: tuple[Phase, ...] = ("over", "marked")


@dataclass(frozen=True, slots=True)
class Roots:
    """Why versions of one index have to stay."""

    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By version, in words: "production serves it"."""
    gaps: tuple[str, ...] = ()
    """What could not be read, in words; while there is any, nothing may go."""


def roots(
    component: Component,
    environments: Iterable[Environment],
    releases: Mapping[str, Release],
    keepings: Iterable[Keeping],
    targets: int,
) -> Roots:
    """The versions of `component` that something refers to. `targets` of those that served before the
    current one are kept in each environment."""
    found: dict[str, list[str]] = {}
    gaps: list[str] = []
    for environment in environments:
        for id, reason in _referred(environment, releases):
            release = releases.get(id)
            if release is None:
                gaps.append(f"{id} in {environment.name} cannot be read")
            elif (version := release.version_of(component)) is not None:
                found.setdefault(version, []).append(reason)
        for version in _targets(environment, component, releases, targets):
            found.setdefault(version, []).append(f"{environment.name} can go back to it")
    for keeping in keepings:
        if keeping.index == component.name and (said := _pinned(keeping)):
            found.setdefault(keeping.version, []).append(said)
    reasons = {version: tuple(dict.fromkeys(said)) for version, said in found.items()}
    return Roots(reasons, tuple(dict.fromkeys(gaps)))


def _referred(environment: Environment, releases: Mapping[str, Release]) -> Iterator[tuple[str, str]]:
    name = environment.name
    if environment.stable is not None:
        yield environment.stable, f"{name} serves it"
    if environment.previous is not None:
        yield environment.previous, f"{name} served it before"
    rollout = environment.rollout
    if rollout is not None and (rollout.active or rollout.watch_until is not None):
        yield rollout.release, f"{name} rolls it out"
        yield rollout.stable, f"{name} measures a rollout against it"
    if environment.shadow is not None:
        yield environment.shadow.release, f"{name} has it in its shadow"
    for served in environment.served:
        if served.release not in releases:
            yield served.release, ""  # it may hold anything
    held = {one.record for one in environment.holds}
    for rejection in environment.rejected:
        if rejection.record in held:
            yield rejection.release, f"{name} has a hold from taking it away"
    whole = rollback_target(environment, releases)
    if whole is not None:
        yield whole, f"{name} can go back to it"


def _targets(
    environment: Environment, component: Component, releases: Mapping[str, Release], count: int
) -> tuple[str, ...]:
    """The last `count` versions that served before the current one, newest first."""
    stable = releases.get(environment.stable or "")
    current = stable.version_of(component) if stable else None
    good = dict.fromkeys(version for version, _ in good_versions(environment, component, releases))
    return tuple(version for version in good if version != current)[:count]


def told(
    status: IndexStatus, kept: tuple[str, ...], keeping: Keeping | None, now: datetime, retention: timedelta
) -> IndexStatus:
    """`status` with what is known of the version's bytes: what people are shown."""
    return replace(_told(status, kept, keeping, now, retention), pinned=_pinned(keeping))


def _pinned(keeping: Keeping | None) -> str:
    pin = keeping.pin if keeping is not None else None
    return f"pinned by {pin.by.name}: {pin.reason}" if pin is not None else ""


def _told(
    status: IndexStatus, kept: tuple[str, ...], keeping: Keeping | None, now: datetime, retention: timedelta
) -> IndexStatus:
    if status.status in ("production", "unknown"):
        return IndexStatus(
            status.status,
            environments=status.environments,
            last_served=status.last_served,
            unreadable=status.unreadable,
            kept=kept,
            packed=_packed(keeping),
        )
    served = _counts_from(status, keeping)
    phase = _phase(keeping, served)
    if phase in ("packed", "purged"):
        packed = _packed(keeping)
        return IndexStatus("archived", last_served=served, kept=kept, phase=phase, packed=packed)
    if served is None:
        return IndexStatus("built", kept=kept)
    left = served + retention - now
    if left > timedelta(0):
        return IndexStatus("rollback_ready", left=min(left, retention), last_served=served, kept=kept)
    if kept:
        return IndexStatus("rollback_ready", last_served=served, kept=kept)
    return IndexStatus("archived", last_served=served, phase=phase)


def _counts_from(status: IndexStatus, keeping: Keeping | None) -> datetime | None:
    """From when its time counts: when it last served, or was unpacked again."""
    moments = [status.last_served]
    if keeping is not None:
        moments += [keeping.mark.last_served if keeping.mark else None]
        moments += [keeping.restored.at if keeping.restored else None]
    return max((one for one in moments if one is not None), default=None)


def _phase(keeping: Keeping | None, served: datetime | None) -> Phase:
    if keeping is None:
        return "over"
    if keeping.purged is not None:
        return "purged"
    if keeping.archive is not None:
        return "packed"
    return "marked" if keeping.mark is not None and keeping.mark.last_served == served else "over"


def _packed(keeping: Keeping | None) -> int | None:
    return keeping.archive.size if keeping is not None and keeping.archive is not None else None


def is_due(status: IndexStatus) -> bool:
    """Whether its time is over, nothing refers to it and its bytes were not taken away yet."""
    return status.status == "archived" and status.phase in DUE and not status.kept


def is_free(found: Iterable[IndexStatus]) -> bool:
    """Whether no branch says that a version is needed, by what each says of it."""
    return all(one.status == "archived" and not one.kept for one in found)


def is_idle(found: Iterable[IndexStatus]) -> bool:
    """Whether nothing refers to it on any branch; its time may not be over yet, but it runs."""
    return all(one.status in ("rollback_ready", "archived") and not one.kept for one in found)
