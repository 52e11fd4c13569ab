"""Generations only rise, also where what was only here is put aside."""

from __future__ import annotations

import socket
from datetime import datetime

from console.version import version
from store.bounded import write_toml
from store.errors import InputError
from store.git.repository import Writer
from store.records.operation import Operation
from store.snapshot import Snapshot, record_path
from store.stamping import next_record
from store.workspace import Workspace


def raised(workspace: Workspace, tip: str, to: str) -> tuple[str, int]:
    """`to`, or a commit on it that raises what is lower there than at `tip`; and how many commits that are.

    A live document never goes back to a lower generation, so a pointer that did would not be followed.
    """
    store = workspace.store
    before, after = store.at(tip), store.at(to)
    lower = [one for one in after.environments() if one.generation < _generation(before, one.name)]
    if not lower:
        return to, 0
    made = next_record(after, workspace.clock.now())
    higher = {one.name: _generation(before, one.name) + 1 for one in lower}
    record = _record(workspace, made.id, made.at, higher)
    files = {
        f"environments/{one.name}.toml": write_toml(
            one.model_copy(update={"generation": higher[one.name], "record": made.id})
        )
        for one in lower
    }
    files[record_path(made.id)] = write_toml(record)
    message = f"{record.summary}\n\nLockgate-Op: {record.id}\nLockgate-Kind: {record.kind}\n"
    return Writer(store).prepare(to, files, message, record.by, made.at), 1


def _generation(snapshot: Snapshot, environment: str) -> int:
    try:
        return snapshot.environment(environment).generation
    except InputError:
        return 0


def _record(workspace: Workspace, id: str, at: datetime, higher: dict[str, int]) -> Operation:
    which = ", ".join(f"{name} to generation {number}" for name, number in higher.items())
    return Operation(
        id=id,
        kind="note",
        at=at,
        by=workspace.person,
        summary=f"Took what the remote has and raised {which}: applications here had seen a higher one",
        tool=version(),
        host=socket.gethostname(),
    )
