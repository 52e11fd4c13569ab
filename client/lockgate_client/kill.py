"""The kill file: `<environment>.kill` beside a live document sends everybody to stable at once.

It is JSON, `{"epoch": 13, "reason": "…"}`. It counts while its epoch is greater than the
document's generation, so the document that follows it (the rollback's, one generation on) lifts it
by itself; deleting it lifts it too. A kill file that cannot be understood, an empty one for
example, counts until it is gone: somebody wanted to stop something.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from lockgate_client.document import refuse_constant, unique_keys
from lockgate_client.files import Reading, WatchedFile

LIMIT = 64 * 1024
"""Bytes of one kill file."""
NONE = -1.0
"""The epoch where there is no kill file: older than any document."""
ALWAYS = math.inf
"""The epoch of a kill file that cannot be understood: newer than any document."""


def kill_epoch(reading: Reading) -> float:
    """The epoch that a kill file's contents give."""
    if reading.absent:
        return NONE
    try:
        value = json.loads(reading.data or b"", object_pairs_hook=unique_keys, parse_constant=refuse_constant)
        epoch = value["epoch"]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        return ALWAYS
    return epoch if type(epoch) is int else ALWAYS


def kill_paths(document: Path, environment: str) -> tuple[Path, ...]:
    """Where a kill file counts: beside the path, and beside the file that it is a link to."""
    name = f"{environment}.kill"
    beside = document.with_name(name)
    try:
        return (beside, document.resolve().with_name(name)) if document.is_symlink() else (beside,)
    except (OSError, RuntimeError):  # a link that leads nowhere or round in a circle
        return (beside,)


class KillSwitch:
    """The newest epoch among the kill files of one document. Not thread-safe: the caller locks."""

    __slots__ = ("_epochs", "_files", "_paths")

    def __init__(self) -> None:
        self._paths: tuple[Path, ...] = ()
        self._files: tuple[WatchedFile, ...] = ()
        self._epochs: dict[Path, float] = {}

    def look(self, document: Path, environment: str, now_ns: int) -> float:
        """The epoch now. `now_ns` is the wall clock in nanoseconds since 1970."""
        paths = kill_paths(document, environment)
        if paths != self._paths:
            self._paths, self._epochs = paths, {}
            self._files = tuple(WatchedFile(path, LIMIT) for path in paths)
        for file in self._files:
            reading = file.look(now_ns)
            if reading is not None:
                self._epochs[file.path] = kill_epoch(reading)
        return max(self._epochs.values(), default=NONE)
