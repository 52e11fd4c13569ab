"""What a push would bring, held against the rules before any ref moves (githooks(5), pre-receive)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2

from console.operations.audit.commits import Reading, examined
from console.operations.audit.finding import Finding
from store.errors import InputError, LockgateError
from store.git.contents import Contents
from store.git.log import Since
from store.git.repository import MAIN
from store.progress import never, silent
from store.signing.allowed import Signers
from store.text import one_line

_NOTHING = "0" * 40
_LINE = re.compile(r"([0-9a-f]{40}) ([0-9a-f]{40}) (\S{1,1000})")


@dataclass(frozen=True, slots=True)
class Asked:
    """One ref that a push wants to move."""

    old: str
    """40 hex; zeros where there is none yet."""
    new: str
    """40 hex; zeros where it is to go."""
    ref: str


def asked(lines: Iterable[str]) -> tuple[Asked, ...]:
    """What git says on standard input. Raises InputError for what it would not say."""
    found = []
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise InputError(f"{one_line(line, 80)!r} is no line of a push; git calls this as its hook.")
        found.append(Asked(*match.groups()))
    return tuple(found)


def refused(
    folder: Path, moves: Sequence[Asked], signers: Signers, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Why the push may not land, one sentence each; empty where it may. Branches beside `main` are free.

    `environment` is what git sets: new objects lie in quarantine until the hook lets them in.
    """
    reasons: list[str] = []
    for move in moves:
        if move.ref != MAIN:
            continue
        if move.new == _NOTHING:
            reasons.append("main cannot be taken away.")
            continue
        try:
            repo = _opened(folder, environment)
            reasons.extend(_on_main(repo, move, signers))
        except LockgateError as error:
            reasons.append(error.message)
        except (KeyError, ValueError, OSError, pygit2.GitError) as error:
            reasons.append(f"what was pushed cannot be read: {one_line(str(error), 200)}.")
    return tuple(reasons)


def _opened(folder: Path, environment: Mapping[str, str]) -> pygit2.Repository:
    repo = pygit2.Repository(str(folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    quarantine = environment.get("GIT_QUARANTINE_PATH") or environment.get("GIT_OBJECT_DIRECTORY")
    if quarantine:
        repo.odb.add_disk_alternate(str(Path(folder, quarantine)))
    return repo


def _on_main(repo: pygit2.Repository, move: Asked, signers: Signers) -> list[str]:
    old = None if move.old == _NOTHING else move.old
    since = Since(repo, move.new, old)
    if old is not None and not since.stands_on_hidden:
        return [
            f"{move.new[:10]} does not stand on {move.old[:10]}, which main is: history is not rewritten "
            "here; `lockgate sync` brings yours up to date."
        ]
    ids = tuple(reversed(since.newest_first()))
    found = examined(Reading(repo), ids, signers, Contents(repo), silent, never)
    return [_sentence(one) for one in found]


def _sentence(found: Finding) -> str:
    return f"{found.commit[:10]}: {found.what}: {found.why}."
