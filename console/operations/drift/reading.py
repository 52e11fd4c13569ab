"""Baselines and incidents in the store, and which models of an environment are watched by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import InputError
from store.records.component import Kind, Pin
from store.records.drift import DriftBaseline, DriftIncident
from store.records.release import Release
from store.records.versions import ModelPin
from store.snapshot import Snapshot, is_ulid
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.file import DriftFile

FOLDER = "drift"


@dataclass(frozen=True, slots=True)
class Watched:
    """A model version that serves, and its newest baseline."""

    environment: str
    release: Release
    pin: Pin
    model: ModelPin
    baseline: DriftBaseline
    incident: DriftIncident | None
    """The one that was found on this baseline."""


def folder_of(pin: Pin) -> str:
    """Where the store keeps the baselines of `pin`."""
    return f"{FOLDER}/{pin.component.name}/{pin.version}"


def newest_baseline(snapshot: Snapshot, pin: Pin) -> DriftBaseline | None:
    """The baseline that counts. Raises InputError where the file is not what its path says."""
    folder = folder_of(pin)
    for id in _ids(snapshot, folder):
        found = snapshot.record(DriftBaseline, f"{folder}/{id}.toml")
        if found is None:
            continue
        if (found.id, found.model) != (id, str(pin)):
            raise InputError(f"{folder}/{id}.toml says that it is {found.id} of {found.model}; put it back.")
        return found
    return None


def incidents(snapshot: Snapshot, pin: Pin) -> tuple[DriftIncident, ...]:
    """All incidents of `pin`, newest first."""
    folder = f"{folder_of(pin)}/incidents"
    found = (snapshot.record(DriftIncident, f"{folder}/{id}.toml") for id in _ids(snapshot, folder))
    return tuple(one for one in found if one is not None)


def serving(snapshot: Snapshot, environment: str | None) -> tuple[tuple[str, Release, Pin], ...]:
    """The model versions of what `environment` serves, or of what every production environment serves;
    each version once. Raises InputError for an unknown environment."""
    policy = snapshot.policy
    names = [environment] if environment else [one.name for one in policy.environments if one.production]
    found: dict[Pin, tuple[str, Release, Pin]] = {}
    for name in names:
        stable = snapshot.environment(name).stable
        if stable is None:
            continue
        release = snapshot.release(stable)
        for pin in release.pins(Kind.MODEL):
            found.setdefault(pin, (name, release, pin))
    return tuple(found.values())


def watched(snapshot: Snapshot, environment: str | None = None) -> tuple[Watched, ...]:
    """The models that serve and have a baseline."""
    found = []
    for name, release, pin in serving(snapshot, environment):
        baseline = newest_baseline(snapshot, pin)
        if baseline is not None:
            found.append(watch_of(snapshot, name, release, pin, baseline))
    return tuple(found)


def watch_of(
    snapshot: Snapshot, environment: str, release: Release, pin: Pin, baseline: DriftBaseline
) -> Watched:
    """`pin` with what the store knows of it."""
    incident = next((one for one in incidents(snapshot, pin) if one.baseline == baseline.id), None)
    return Watched(environment, release, pin, snapshot.model(pin), baseline, incident)


def file_of(workspace: Workspace) -> DriftFile:
    """The checks that this machine made."""
    from evals.drift.file import DriftFile

    return DriftFile(workspace.state / "drift.sqlite")


def _ids(snapshot: Snapshot, folder: str) -> tuple[str, ...]:
    names = (name.removesuffix(".toml") for name in snapshot.names(folder) if name.endswith(".toml"))
    return tuple(sorted((name for name in names if is_ulid(name)), reverse=True))
