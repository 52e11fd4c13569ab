"""What the console knows of the workspace at one moment. Read as a whole in a worker, then only looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from console.operations.drill.last import last_drill
from console.operations.heartbeat import last_beat
from console.operations.reconcile import is_behind
from console.operations.status import known_remote
from store.errors import LockgateError
from store.history.entry import Entry
from store.history.newest import newest
from store.index_readiness import index_statuses
from store.records.component import Kind
from store.records.drill import Drill
from store.rules.index_status import IndexStatus
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from console.operations.hosts import Host
    from console.operations.sync.state import RemoteState

RECENT = 50
"""Operations read straight from git."""


@dataclass(frozen=True, slots=True)
class World:
    """One moment."""

    name: str
    """The workspace's folder."""
    snapshot: Snapshot
    now: datetime
    recent: tuple[Entry, ...]
    """The newest operations, newest first."""
    statuses: Mapping[str, Mapping[str, IndexStatus]]
    """By index name and version."""
    unattended: bool
    """Whether no controller has looked lately at this machine."""
    behind: tuple[str, ...]
    """Environments whose live document does not say what the store says."""
    remote: RemoteState | None
    """How this machine stands to the remote that it shares the store through; None where it has none."""
    drills: Mapping[str, Drill | None] = field(default_factory=dict)
    """By environment: the last rehearsal of its rollbacks."""
    hosts: tuple[Host, ...] = ()
    """Other machines that lag or are silent."""

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments' names in order."""
        return self.snapshot.policy.names

    @property
    def short_commit(self) -> str:
        """The tip, as much of it as people compare."""
        return self.snapshot.commit[:7]

    @property
    def title(self) -> str:
        """Which commit, in step with whom, when: for the title of every screen."""
        synced = (self.remote.words(self.now),) if self.remote is not None else ()
        return "  ".join((f"main {self.short_commit}", *synced, f"{self.now:%H:%M} UTC"))


def look(workspace: Workspace) -> World:
    """Reads the workspace as it is now. Raises LockgateError when the store cannot be read."""
    snapshot = workspace.store.at()
    for component in snapshot.components():
        snapshot.versions(component)  # kept by the snapshot: screens ask for names on the event loop
    now = workspace.clock.now()
    return World(
        name=workspace.root.name,
        snapshot=snapshot,
        now=now,
        recent=newest(workspace.store, RECENT),
        statuses={
            component.name: index_statuses(snapshot, component.name, now)
            for component in snapshot.components(Kind.INDEX)
        },
        unattended=last_beat(workspace).late(now),
        behind=_behind(workspace, snapshot),
        remote=known_remote(workspace),
        drills={name: last_drill(snapshot, name) for name in snapshot.policy.names},
        hosts=tuple(one for one in _others(workspace, snapshot) if one.word in ("lags", "silent")),
    )


def has_moved(workspace: Workspace, known: World) -> bool:
    """Whether what the console shows is no longer what is there: main, the remote, or a minute passed."""
    if workspace.store.tip() != known.snapshot.commit or _standing(known_remote(workspace)) != _standing(
        known.remote
    ):
        return True
    return (workspace.clock.now() - known.now).total_seconds() >= 60


def _standing(remote: RemoteState | None) -> object:
    """What of it is news; not when it answered last."""
    return remote and (remote.name, remote.ahead, remote.behind, remote.trouble)


def _others(workspace: Workspace, snapshot: Snapshot) -> tuple[Host, ...]:
    """Hosts that share the store, but this one; none without a remote, and none that cannot be read."""
    from console.operations.hosts import hosts

    try:
        if workspace.settings.remote is None:
            return ()
        return tuple(one for one in hosts(workspace, snapshot) if not one.here)
    except LockgateError:
        return ()


def _behind(workspace: Workspace, snapshot: Snapshot) -> tuple[str, ...]:
    found: list[str] = []
    for environment in snapshot.environments():
        try:
            if environment.stable is not None and is_behind(workspace, environment):
                found.append(environment.name)
        except (LockgateError, OSError):
            found.append(environment.name)
    return tuple(found)
