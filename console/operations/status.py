"""Status: what each environment serves, and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.operations.reconcile import is_behind
from store.records.component import Kind
from store.rules.index_status import index_statuses
from store.snapshot import Snapshot
from store.workspace import Workspace

_SOON_HOURS = 24


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One environment now."""

    name: str
    stable: str | None
    since: datetime | None
    live: str
    """`current`, `behind` or `none`."""
    components: tuple[str, ...]
    """kind/name@vN"""


@dataclass(frozen=True, slots=True)
class Status:
    """The workspace now."""

    commit: str
    environments: tuple[EnvironmentStatus, ...]
    attention: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "commit": self.commit,
            "environments": [
                {
                    "name": one.name,
                    "stable": one.stable,
                    "since": one.since.isoformat() if one.since else None,
                    "live": one.live,
                    "components": list(one.components),
                }
                for one in self.environments
            ],
            "attention": list(self.attention),
        }


def status(workspace: Workspace) -> Status:
    """Reads pointers and live documents; opens no index and calls no model."""
    snapshot = workspace.store.at()
    environments = tuple(_environment(workspace, snapshot, name) for name in snapshot.policy.names)
    return Status(snapshot.commit, environments, attention(workspace, snapshot))


def _environment(workspace: Workspace, snapshot: Snapshot, name: str) -> EnvironmentStatus:
    pointer = snapshot.environment(name)
    release = snapshot.release(pointer.stable) if pointer.stable else None
    live = "none" if release is None else "behind" if is_behind(workspace, pointer) else "current"
    return EnvironmentStatus(
        name=name,
        stable=pointer.stable,
        since=pointer.served[0].since if pointer.served else None,
        live=live,
        components=tuple(str(pin) for pin in release.pins()) if release else (),
    )


def attention(workspace: Workspace, snapshot: Snapshot) -> tuple[str, ...]:
    """What needs a person, one sentence each."""
    found: list[str] = []
    for pointer in snapshot.environments():
        if pointer.stable and is_behind(workspace, pointer):
            found.append(
                f"{pointer.name}: its live document is behind the store; `lockgate reconcile` writes it"
            )
        found.extend(
            f"{pointer.name}: hold on {'everything' if one.component == '*' else one.component} "
            f"since {one.at:%Y-%m-%d %H:%M} UTC ({one.reason})"
            for one in pointer.holds
        )
        found.extend(
            f"{one.release} was rolled back in {pointer.name} on {one.at:%Y-%m-%d}: {one.reason}"
            for one in pointer.rejected
        )
    for component in snapshot.components(Kind.INDEX):
        statuses = index_statuses(snapshot, component.name, workspace.clock.now())
        for version, one in statuses.items():
            if one.left is not None and one.left.total_seconds() < _SOON_HOURS * 3600:
                hours = int(one.left.total_seconds() // 3600)
                found.append(f"{component}@{version} stays ready for rollback for {hours} h more")
    return tuple(found)
