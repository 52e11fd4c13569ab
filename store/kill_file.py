"""The kill file that the client obeys: `live/<environment>.kill` sends everybody to stable at once.

It is written before the commit that says why, because it takes milliseconds and needs no store. Its
epoch outranks the published document, and while it is there no document with a canary of its
attempt is published; the rollback's commit makes it needless.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field

from store.bounded import parse_json, validate
from store.errors import InputError, MachineryError
from store.git.durability import disk_trouble, write_atomically
from store.git.lock import held
from store.records.base import Instant, Prose, Strict, Ulid
from store.records.finding import Finding


class KillFile(Strict):
    """The content; the client reads only `epoch`."""

    epoch: int = Field(ge=0)
    """Documents of a lower generation serve stable only."""
    attempt: Ulid
    """The rollout that it stops."""
    reason: Prose
    at: Instant
    findings: tuple[Finding, ...] = Field(default=(), max_length=50)


def kill_path(live: Path) -> Path:
    """Beside the live document at `live`."""
    return live.with_suffix(".kill")


def write_kill(live: Path, kill: KillFile) -> None:
    """Puts `kill` beside the live document at `live`, on disk when it returns; one of a later epoch stays.

    Raises MachineryError when the disk refuses.
    """
    path = kill_path(live)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(path.with_name(f".{path.name}.lock")):
            known = read_kill(live)
            if known is None or known.epoch < kill.epoch:
                text = json.dumps(kill.model_dump(mode="json"), indent=1, allow_nan=False)
                write_atomically(path, text.encode() + b"\n")
    except OSError as error:
        raise disk_trouble(error, path) from error


def read_kill(live: Path) -> KillFile | None:
    """The kill file beside `live`; None where there is none or one that this did not write.

    A file that cannot be understood stops the canary at the client all the same.
    """
    try:
        data = kill_path(live).read_bytes()
        return validate(KillFile, parse_json(data, "the kill file"), "the kill file")
    except (FileNotFoundError, InputError):
        return None
    except OSError as error:
        raise MachineryError(f"{kill_path(live)} cannot be read: {error.strerror}.") from error


def remove_kill(live: Path) -> None:
    """Takes the kill file away, if it is there."""
    kill_path(live).unlink(missing_ok=True)
