"""Status: what each environment serves, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from console.operations.drill.last import last_drill
from console.operations.heartbeat import last_beat
from console.operations.reconcile import is_behind
from console.operations.rollout.taking_back import by_hand
from store.errors import InputError
from store.index_readiness import index_statuses
from store.kill_file import foreign_kill
from store.records.component import Kind
from store.records.environment import Environment
from store.records.release import Release
from store.rules.rejection import rejected_by
from store.rules.windows import frozen
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from console.operations.sync.state import RemoteState

_SOON_HOURS = 24
_DRILL_OLD = timedelta(days=30)


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
    remote: RemoteState | None = None
    """None where the workspace has none."""

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
            **({"remote": self.remote.as_json()} if self.remote is not None else {}),
        }


def status(workspace: Workspace) -> Status:
    """Reads pointers and live documents; opens no index and calls no model."""
    snapshot = workspace.store.at()
    environments = tuple(_environment(workspace, snapshot, name) for name in snapshot.policy.names)
    remote = known_remote(workspace)
    needed = (*attention(workspace, snapshot), *_unsynced(remote))
    return Status(snapshot.commit, environments, needed, remote)


def known_remote(workspace: Workspace) -> RemoteState | None:
    """How this machine stands to its remote, as far as it knows; None where it has none. Asks nobody."""
    try:
        if workspace.settings.remote is None:
            return None  # and nothing is imported
    except InputError:
        return None  # `lockgate doctor` says what is wrong with the settings
    from console.operations.sync.state import remote_state

    return remote_state(workspace)


def _unsynced(remote: RemoteState | None) -> Iterator[str]:
    """What keeps this machine from being in step with its remote."""
    if remote is not None and remote.trouble is not None:
        yield f"not in step with the remote: {remote.trouble}"


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
    pointers = snapshot.environments()
    for place, pointer in enumerate(pointers):
        if pointer.stable and is_behind(workspace, pointer):
            found.append(
                f"{pointer.name}: its live document is behind the store; `lockgate reconcile` writes it"
            )
        if (said := foreign_kill(workspace.live(pointer.name))) is not None:
            found.append(by_hand(pointer.name, said))
        found.extend(_on_its_way(pointer, workspace))
        found.extend(_in_the_way(snapshot, pointers, place))
        found.extend(_rehearsed(snapshot, pointer.name, workspace.clock.now()))
        found.extend(_to_review(pointer))
        found.extend(_closed(snapshot, pointer, workspace.clock.now()))
    for component in snapshot.components(Kind.INDEX):
        statuses = index_statuses(snapshot, component.name, workspace.clock.now())
        for version, one in statuses.items():
            if one.left is not None and one.left.total_seconds() < _SOON_HOURS * 3600:
                hours = int(one.left.total_seconds() // 3600)
                found.append(f"{component}@{version} stays ready for rollback for {hours} h more")
    return tuple(found)


def _on_its_way(pointer: Environment, workspace: Workspace) -> Iterator[str]:
    rollout = pointer.rollout
    if rollout is None or not rollout.active:
        return
    state = rollout.state if rollout.pause is None else f"paused ({rollout.pause})"
    yield (
        f"{pointer.name}: the rollout of {rollout.release} is {state} at {rollout.percent:g} %; "
        f"`lockgate rollout status --env {pointer.name}` says more"
    )
    if last_beat(workspace).late(workspace.clock.now()):
        yield f"{pointer.name}: no controller looks after its rollout: run `lockgate watch`"


def _rehearsed(snapshot: Snapshot, name: str, now: datetime) -> Iterator[str]:
    """What the last drill found broken, or that it is long ago."""
    drill = last_drill(snapshot, name)
    if drill is None:
        return
    for one in drill.broken:
        yield f"{name}: going back ({one.what}) would not have held on {drill.at:%Y-%m-%d %H:%M}: {one.said}"
    if now - drill.at > _DRILL_OLD:
        days = (now - drill.at).days
        yield f"{name}: its rollbacks were rehearsed {days} days ago; `lockgate drill` does it"


def _closed(snapshot: Snapshot, pointer: Environment, now: datetime) -> Iterator[str]:
    """Why nothing moves forward, and until when."""
    policy = snapshot.policy.environment(pointer.name)
    found = frozen(pointer.freezes, policy.windows if policy else (), now)
    if found is not None:
        yield f"{pointer.name}: {found}; going back is possible"


def _to_review(pointer: Environment) -> Iterator[str]:
    """What was done with broken glass and nobody else has looked at."""
    for one in pointer.reviews:
        why = one_line(one.reason, 120)
        yield (
            f"{pointer.name}: {one.by.name} broke the glass on {one.at:%Y-%m-%d %H:%M} UTC ({why}); "
            f"somebody else looks at it and says `lockgate review {one.record} -m …`"
        )


def _in_the_way(snapshot: Snapshot, pointers: Sequence[Environment], place: int) -> Iterator[str]:
    """Holds and rejections of one environment, where they concern what would be promoted into it next.

    What a person has put back since, and what nobody is about to promote, is past: the history has it.
    """
    pointer = pointers[place]
    coming = next_release(snapshot, pointers, place)
    if coming is None:
        return
    for one in pointer.holds:
        what = "everything" if one.component == "*" else one.component
        since = f"{one.at:%Y-%m-%d %H:%M} UTC"
        yield f"{pointer.name}: hold on {what} since {since} ({one.reason}); moving forward lifts it"
    refused = rejected_by(pointers, coming)
    if refused is not None:
        where, rejection = refused
        what = "was" if rejection.release == coming.id else f"holds what, in {rejection.release}, was"
        yield (
            f"{coming.id} {what} rolled back in {where} on {rejection.at:%Y-%m-%d}: {rejection.reason}; "
            f"it is next for {pointer.name}; `lockgate clear {rejection.release} -m WHY` lets it in"
        )


def next_release(snapshot: Snapshot, pointers: Sequence[Environment], place: int) -> Release | None:
    """What would be promoted into an environment next: what the one before it serves, or the newest release
    for the first one; None where that serves there already, or the gate has blocked it."""
    ids = snapshot.release_ids()
    coming = pointers[place - 1].stable if place else (ids[-1] if ids else None)
    if coming is None or coming == pointers[place].stable:
        return None
    if place == 0 and any(one.outcome == "block" for one in snapshot.verdicts(coming)[:1]):
        return None
    return snapshot.find_release(coming)
