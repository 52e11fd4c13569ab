"""What ran at an instant: every component of every environment then."""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, Cell, clock
from console.operations.audit.questions.past import Past
from console.operations.rollout.why import snapshot_at
from store.snapshot import Snapshot

HEAD = ("environment", "release", "users_percent", "component", "version", "digest", "since", "record")


def ran(past: Past, asked: Asked) -> Answer:
    """What was served at `asked.at`. Raises InputError for a time before the store began."""
    at = asked.at or past.workspace.clock.now()
    then = snapshot_at(past.workspace, at)
    names = (asked.environment,) if asked.environment else then.policy.names
    rows = tuple(row for name in names for row in _rows(then, name))
    serving = len({(row[0], row[1]) for row in rows})
    said = f"On {at:%Y-%m-%d %H:%M:%S} UTC {serving} releases were served; the store was at {then.commit}."
    return Answer(HEAD, rows, said.replace(" 1 releases were", " 1 release was"))


def _rows(then: Snapshot, name: str) -> list[tuple[Cell, ...]]:
    pointer = then.environment(name)
    shares: list[tuple[str, float]] = []
    rollout = pointer.rollout
    canary = rollout.percent if rollout is not None and rollout.active else 0.0
    if pointer.stable:
        shares.append((pointer.stable, 100 - canary))
    if rollout is not None and canary:
        shares.append((rollout.release, canary))
    rows: list[tuple[Cell, ...]] = []
    for id, percent in shares:
        release = then.release(id)
        since = next((one.since for one in pointer.served if one.release == id), None)
        for component, pinned in sorted(release.components.items()):
            rows.append(
                (name, id, percent, component, pinned.version, pinned.digest, clock(since), pointer.record)
            )
    return rows
