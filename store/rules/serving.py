"""How a pointer changes: what serves, what served, what is held and rejected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from store.records.base import Person
from store.records.component import Component
from store.records.environment import Environment, Hold, Rejection, Served
from store.records.release import Release
from store.records.rollout import Rollout
from store.rules.rejection import blames, matches

_AT_LEAST = 20


def serve(
    environment: Environment, release: str, record: str, at: datetime, retention: timedelta
) -> Environment:
    """`environment` with `release` as its stable one since `at`."""
    ended = tuple(
        one.model_copy(update={"until": max(at, one.since)}) if one.until is None else one
        for one in environment.served
    )
    kept = tuple(
        one
        for number, one in enumerate(ended)
        if number < _AT_LEAST or one.until is None or at - one.until <= retention * 2
    )
    return environment.model_copy(
        update={
            "generation": environment.generation + 1,
            "previous": environment.stable,
            "stable": release,
            "record": record,
            "served": (Served(release=release, since=at), *kept),
            "rollout": _unwatched(environment.rollout),
        }
    )


def _unwatched(rollout: Rollout | None) -> Rollout | None:
    """A watch is over what it watches: once something else is served, it ends."""
    if rollout is None or rollout.watch_until is None:
        return rollout
    return rollout.model_copy(update={"watch_until": None, "reason": "something else is served"})


def lifted(environment: Environment, component: Component | None = None) -> Environment:
    """`environment` without its holds; with `component`, without the holds on that alone."""
    kept = tuple(one for one in environment.holds if component and one.component != str(component))
    return environment.model_copy(update={"holds": kept})


def hold(
    environment: Environment, components: tuple[str, ...], reason: str, by: Person, at: datetime, record: str
) -> Environment:
    """`environment` with a hold on `components` (everything, for an empty tuple) beside those it has."""
    names = components or ("*",)
    added = tuple(Hold(component=one, reason=reason, by=by, at=at, record=record) for one in names)
    kept = tuple(one for one in environment.holds if one.component not in names)
    return environment.model_copy(update={"holds": (*added, *kept)})


def reject(
    environment: Environment,
    release: str,
    pins: tuple[str, ...],
    reason: str,
    by: Person,
    at: datetime,
    record: str,
) -> Environment:
    """`environment` with `release`, and whatever holds all of `pins` (`kind/name@vN`), marked rejected."""
    kept = tuple(one for one in environment.rejected if (one.release, one.pins) != (release, pins))
    rejection = Rejection(release=release, pins=pins, reason=reason, by=by, at=at, record=record)
    return environment.model_copy(update={"rejected": (rejection, *kept)})


def cleared(environment: Environment, release: str, record: str) -> Environment:
    """`environment` without the rejections that taking `release` away left."""
    kept = tuple(one for one in environment.rejected if one.release != release)
    return environment.model_copy(
        update={"rejected": kept, "generation": environment.generation + 1, "record": record}
    )


def rollback_target(environment: Environment, releases: Mapping[str, Release]) -> str | None:
    """The newest release that served before the current one, differs from it and that nothing rejects.

    `releases` by id; one that is missing there cannot be gone back to.
    """
    for served in environment.served:
        release = releases.get(served.release)
        if (
            release is not None
            and served.until is not None
            and served.release != environment.stable
            and not any(matches(one, release) for one in environment.rejected)
        ):
            return served.release
    return None


def component_target(
    environment: Environment, component: Component, current: str | None, releases: Mapping[str, Release]
) -> str | None:
    """The version of `component` that served before the current one did and that no rollback blames."""
    good = good_versions(environment, component, releases)
    return next((version for version, _ in good if version != current), None)


def has_served(
    environment: Environment, component: Component, version: str, releases: Mapping[str, Release]
) -> datetime | None:
    """When `version` of `component` last served in `environment` (its end, or since when); None for never,
    and for one that was rolled back."""
    good = good_versions(environment, component, releases)
    return next((served.until or served.since for found, served in good if found == version), None)


def good_versions(
    environment: Environment, component: Component, releases: Mapping[str, Release]
) -> Iterator[tuple[str, Served]]:
    """Every version of `component` that served, newest first, without those that a rollback blames."""
    for served in environment.served:
        release = releases.get(served.release)
        version = release.version_of(component) if release else None
        if release is None or version is None or _is_bad(environment, component, version):
            continue
        if not any(blames(one, release, component) for one in environment.rejected):
            yield version, served


def _is_bad(environment: Environment, component: Component, version: str) -> bool:
    return any(one.pins == (f"{component}@{version}",) for one in environment.rejected)
