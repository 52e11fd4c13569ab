"""Journals of runs as a list shows them: how each began and how far it came, without reading all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from console.operations.run_suites import RUNS
from evals.running.journal import FILE_LIMIT, read_lines
from evals.running.lines import End, Entry, Line, Start, read_line
from store.bounded import LINE_LIMIT
from store.workspace import Workspace

QUIET = timedelta(seconds=90)
"""A run without an end that wrote nothing for so long was stopped."""
MOST = 60
"""Journals that are looked at, the newest first."""
_TAILS = (32 * 1024, 2 * LINE_LIMIT)
"""Bytes at the end in which the last line is looked for: most lines are short."""


@dataclass(frozen=True, slots=True)
class Journaled:
    """One journal."""

    path: Path
    start: Start
    last_at: datetime
    """When its last line was written."""
    end: End | None

    def goes_on(self, now: datetime) -> bool:
        """Whether somebody still writes to it, by the age of its last line."""
        return self.end is None and now - self.last_at < QUIET


def journals(workspace: Workspace) -> tuple[Journaled, ...]:
    """The newest journals on this machine, newest first. What cannot be read is left out."""
    aged = []
    for path in (workspace.state / RUNS).glob("*.jsonl"):
        try:
            aged.append((path.stat().st_mtime_ns, path.name, path))
        except OSError:
            continue
    newest = [path for _, _, path in sorted(aged, reverse=True)[:MOST]]
    found = [one for path in newest if (one := journal_at(path)) is not None]
    return tuple(sorted(found, key=lambda one: one.last_at, reverse=True))


def journal_at(path: Path) -> Journaled | None:
    """The journal at `path` from its first and its last line; None where it is none."""
    try:
        with path.open("rb") as file:
            first = next(read_lines(file), None)
            last = next((line for length in _TAILS if (line := _last(file, length)) is not None), first)
    except OSError:
        return None
    if not isinstance(first, Start) or last is None:
        return None
    return Journaled(path, first, last.at, last if isinstance(last, End) else None)


def answers_of(path: Path) -> Iterator[Entry]:
    """Every answer in the journal at `path`, once: of two about the same, the later.

    One that cannot be read, or is larger than a run would go on with, has none.
    """
    from evals.running.journal import entries

    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) > FILE_LIMIT:
                return
            file.seek(0)
            yield from entries(read_lines(file)).values()
    except OSError:
        return


def _last(file: BinaryIO, length: int) -> Line | None:
    """The last whole line among the last `length` bytes that can be read."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - length))
    tail = file.read(length)
    whole = tail[: tail.rfind(b"\n") + 1]
    lines = (line for line in reversed(whole.split(b"\n")) if line.strip())
    return next((found for line in lines if (found := read_line(line)) is not None), None)
