"""What a rollback forbids: the release that it took away, and every other that holds what was bad in it."""

from __future__ import annotations

from collections.abc import Iterable

from store.records.component import Component
from store.records.environment import Environment, Rejection
from store.records.operation import Change
from store.records.release import Release


def matches(rejection: Rejection, release: Release) -> bool:
    """Whether `rejection` is about `release`: by its number, or because all its pins are in it."""
    if rejection.release == release.id:
        return True
    held = {str(pin) for pin in release.pins()} if rejection.pins else set()
    return bool(rejection.pins) and held.issuperset(rejection.pins)


def rejected_by(environments: Iterable[Environment], release: Release) -> tuple[str, Rejection] | None:
    """The first environment that rejects `release`, and its rejection; None where nobody does."""
    for environment in environments:
        for rejection in environment.rejected:
            if matches(rejection, release):
                return environment.name, rejection
    return None


def blames(rejection: Rejection, release: Release, component: Component) -> bool:
    """Whether `rejection` speaks against the version of `component` that `release` holds.

    A rollback of the prompt alone says nothing about the index that served beside it.
    """
    if not matches(rejection, release):
        return False
    version = release.version_of(component)
    return not rejection.pins or f"{component}@{version}" in rejection.pins


def taken_away(changes: Iterable[Change], only_some: bool) -> tuple[tuple[str, ...], ...]:
    """The pins of each rejection that a rollback with `changes` leaves.

    Named components are bad each by itself (`only_some`); of a whole release it is only known that its
    changed versions were bad together.
    """
    pins = tuple(f"{one.component}@{one.before}" for one in changes if one.before)
    return tuple((pin,) for pin in pins) if only_some else (pins,)
