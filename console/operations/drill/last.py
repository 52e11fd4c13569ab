"""The last rehearsal of an environment, from records alone."""

from __future__ import annotations

from store.errors import InputError
from store.records.drill import Drill
from store.snapshot import Snapshot, is_ulid

FOLDER = "drills"


def last_drill(snapshot: Snapshot, environment: str) -> Drill | None:
    """The newest drill of `environment` that can be read."""
    folder = f"{FOLDER}/{environment}"
    names = (name.removesuffix(".toml") for name in snapshot.names(folder) if name.endswith(".toml"))
    for id in sorted((name for name in names if is_ulid(name)), reverse=True):
        try:
            found = snapshot.record(Drill, f"{folder}/{id}.toml")
        except InputError:  # `lockgate check` names it
            continue
        if found is not None and (found.id, found.environment) == (id, environment):
            return found
    return None
