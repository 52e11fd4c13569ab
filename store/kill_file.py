"""The kill file that the client obeys: `live/<environment>.kill` sends everybody to stable at once.

It is written before the commit that says why, because it takes milliseconds and needs no store. Its
epoch outranks the published document, and while it is there no document with a canary of its
attempt is published; the rollback's commit makes it needless.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from store.bounded import parse_json, validate
from store.errors import InputError, MachineryError
from store.git.durability import disk_trouble, write_atomically
from store.git.lock import held
from store.records.base import Instant, Prose, Strict, Ulid
from store.records.finding import MOST_FINDINGS, Finding
from store.text import one_line


class KillFile(Strict):
    """The content; the client reads only `epoch`."""

    epoch: int = Field(ge=0)
    """Documents of a lower generation serve stable only."""
    attempt: Ulid
    """The rollout that it stops."""
    kind: Literal["rollback", "error"] = "rollback"
    """What is to follow: rolled back, or errored, which rejects nothing."""
    reason: Prose
    at: Instant
    findings: tuple[Finding, ...] = Field(default=(), max_length=MOST_FINDINGS)


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


def foreign_kill(live: Path) -> str | None:
    """What a kill file beside `live` that is not one of ours says, for example one that a person wrote; None
    where there is none. It stands until whoever wrote it removes it.

    Raises MachineryError when it cannot be read.
    """
    if read_kill(live) is not None:
        return None
    try:
        data = kill_path(live).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MachineryError(f"{kill_path(live)} cannot be read: {error.strerror}.") from error
    try:
        value = parse_json(data, "the kill file")
        return one_line(str(value["reason"]), 400) or "no reason given"
    except (InputError, KeyError, TypeError):
        return "no reason given"


def remove_kill(live: Path) -> None:
    """Takes the kill file away, if it is there."""
    kill_path(live).unlink(missing_ok=True)
