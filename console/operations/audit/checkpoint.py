"""A checkpoint: one line that an auditor keeps elsewhere and holds against the store later.

Who can write to a store alone can rewrite its past and sign all of it again. They cannot make another
history end in the same commit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from console.operations.audit.finding import Finding
from store.errors import InputError
from store.git.repository import Store
from store.text import one_line

_FORMAT = "lockgate.checkpoint/1"
_LINE = re.compile(
    r"lockgate\.checkpoint/1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (\d{1,12}) ([0-9a-f]{40})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `main` was once."""

    at: str
    """When it was made: ISO, UTC."""
    commits: int
    """How many it had."""
    head: str
    """40 hex."""

    def __str__(self) -> str:
        return f"{_FORMAT} {self.at} {self.commits} {self.head}"


def checkpoint(store: Store, now: datetime) -> Checkpoint:
    """Of `main` as it is."""
    tip = store.tip()
    return Checkpoint(f"{now:%Y-%m-%dT%H:%M:%SZ}", len(store.history(tip)), tip)


def parse(text: str) -> Checkpoint:
    """Reads the line. Raises InputError."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"{one_line(text, 60)!r} is no checkpoint; `lockgate audit checkpoint` prints one: {_FORMAT}, a "
            "time, a number of commits and a commit."
        )
    return Checkpoint(match[1], int(match[2]), match[3])


def held(store: Store, kept: Checkpoint, tip: str) -> Finding | None:
    """What is wrong with `main` at `tip` against `kept`; None where it stands on it."""
    if not store.is_ancestor(kept.head, tip):
        where = "is not in the store" if kept.head not in store.repo else "is not on main any more"
        why = f"{kept.head[:10]}, main's head in the checkpoint of {kept.at}, {where}"
        return Finding(tip, "rewritten", why)
    count = len(store.history(kept.head))
    if count != kept.commits:
        said = f"in the checkpoint of {kept.at} on {kept.commits:,}"
        why = f"{kept.head[:10]} stands on {count:,} commits; {said}"
        return Finding(tip, "cut off", why)
    return None
