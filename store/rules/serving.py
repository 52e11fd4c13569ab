"""How a pointer changes: what serves, what served, what is held and rejected."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.records.base import Person
from store.records.component import Component
from store.records.environment import Environment, Hold, Rejection, Served
from store.records.release import Release

_AT_LEAST = 20


def serve(
    environment: Environment, release: str, record: str, at: datetime, retention: timedelta
) -> Environment:
    """`environment` with `release` as its stable one since `at`; holds are lifted by moving."""
    ended = tuple(
        one.model_copy(update={"until": at}) if one.until is None else one for one in environment.served
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
            "holds": (),
        }
    )


def hold(
    environment: Environment, components: tuple[str, ...], reason: str, by: Person, at: datetime, record: str
) -> Environment:
    """`environment` with a hold on `components` (or on everything, for an empty tuple)."""
    holds = tuple(
        Hold(component=one, reason=reason, by=by, at=at, record=record) for one in components or ("*",)
    )
    return environment.model_copy(update={"holds": holds})


def reject(
    environment: Environment, release: str, reason: str, by: Person, at: datetime, record: str
) -> Environment:
    """`environment` with `release` marked rejected."""
    kept = tuple(one for one in environment.rejected if one.release != release)
    rejection = Rejection(release=release, reason=reason, by=by, at=at, record=record)
    return environment.model_copy(update={"rejected": (rejection, *kept)})


def cleared(environment: Environment, release: str) -> Environment:
    """`environment` without the rejection of `release`."""
    kept = tuple(one for one in environment.rejected if one.release != release)
    return environment.model_copy(update={"rejected": kept, "generation": environment.generation + 1})


def rollback_target(environment: Environment, rejected: frozenset[str]) -> str | None:
    """The newest release that served before the current one, differs from it and is not rejected."""
    for served in environment.served:
        if (
            served.until is not None
            and served.release != environment.stable
            and served.release not in rejected
        ):
            return served.release
    return None


def component_target(
    environment: Environment,
    component: Component,
    current: str | None,
    releases: dict[str, Release],
    rejected: frozenset[str] = frozenset(),
) -> str | None:
    """The version of `component` that served before the current one did, or None.

    Releases that were rejected do not count, unless the version also served in one that was not.
    """
    for served in environment.served:
        release = releases.get(served.release)
        version = release.version_of(component) if release else None
        if version is not None and version != current and served.release not in rejected:
            return version
    return None


def has_served(
    environment: Environment, component: Component, version: str, releases: dict[str, Release]
) -> datetime | None:
    """When `version` of `component` last served in `environment` (its end, or since when); None for never."""
    for served in environment.served:
        release = releases.get(served.release)
        if release and release.version_of(component) == version:
            return served.until or served.since
    return None
