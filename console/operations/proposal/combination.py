"""The combination that a change makes: what production serves, with the new versions in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.operations.compose import composed
from console.operations.describe import changes_between
from store.records.component import Component, Kind, Pin
from store.records.operation import Change
from store.records.policy import TIERS, EnvironmentPolicy, Policy, Tier
from store.records.release import Release
from store.snapshot import Snapshot
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Combination:
    """What is to be evaluated."""

    environment: str
    """Whose release is the current one."""
    current: Release
    candidate: Release
    """A draft that nobody lands."""
    tier: Tier
    """The largest that an environment's gate wants: it holds the others."""
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is nothing to evaluate."""

    why: str
    """One sentence."""


def new_versions(base: Snapshot, head: Snapshot) -> tuple[Pin, ...]:
    """The versions that are in `head` and not in `base`, in the order of kinds and names."""
    return tuple(_new(base, head))


def combination(
    workspace: Workspace, base: Snapshot, head: Snapshot, pins: tuple[Pin, ...]
) -> Combination | Nothing:
    """`pins`, which `head` adds to `base`, against the release that production serves on `base`; where
    production serves none, against that of the first environment with a gate.

    The policy is that of `base`: a change does not choose its own gate. Of several new versions of a
    component the newest counts; components that the release does not bind are left out.
    """
    if not pins:
        return Nothing("No version of a component is new.")
    tiers = [one.gate.tier for one in base.policy.environments if one.gate.required]
    if not tiers:
        return Nothing("No environment of lockgate.toml wants a gate.")
    environment = _serving(base)
    if environment is None:
        return Nothing("No environment with a gate serves anything yet.")
    current = base.release(str(base.environment(environment.name).stable))
    bound = {pin.component: pin for pin in pins if str(pin.component) in current.components}
    if not bound:
        return Nothing(f"{current.id}, which {environment.name} serves, binds none of the new versions.")
    candidate = composed(workspace, head, current, bound.values())
    return Combination(
        environment=environment.name,
        current=current,
        candidate=candidate,
        tier=max(tiers, key=TIERS.index),
        changes=changes_between(head, current, candidate),
    )


def _new(base: Snapshot, head: Snapshot) -> Iterator[Pin]:
    for component in head.components():
        before = set(base.versions(component))
        yield from (Pin(component, one) for one in head.versions(component) if one not in before)


def _serving(base: Snapshot) -> EnvironmentPolicy | None:
    policy: Policy = base.policy
    wanted = [one for one in policy.environments if one.production]
    wanted += [one for one in policy.environments if one.gate.required]
    return next((one for one in wanted if base.environment(one.name).stable), None)


def needed(candidate: Release, current: Release) -> tuple[Pin, ...]:
    """The index versions whose bytes both need."""
    return tuple(dict.fromkeys((*candidate.pins(Kind.INDEX), *current.pins(Kind.INDEX))))


def unbound(pins: tuple[Pin, ...], current: Release) -> tuple[Component, ...]:
    """The components of `pins` that `current` does not bind."""
    found = (pin.component for pin in pins if str(pin.component) not in current.components)
    return tuple(dict.fromkeys(found))
