"""Check: read every file of the store strictly and collect what is not well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

import pygit2

from console.operations.checks.files import Contents, folders, look, look_into, told
from console.operations.checks.links import links
from console.operations.checks.past import landed, past
from console.operations.checks.tree import File, Place, files
from store.errors import InputError
from store.git import objects
from store.git.repository import Store
from store.progress import Progress, Report, silent
from store.text import one_line

MOST = 1_000
"""Findings that are told; the rest is counted."""
_REPORTED = 500
"""Files between two lines of progress."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at."""

    commit: str
    """40 hex."""
    files: int
    findings: tuple[str, ...]
    """One sentence each, at most MOST."""
    more: int = 0
    """Findings that are not told."""
    known: int = 0
    """Findings that were so on the base already, and are not among these."""

    @property
    def count(self) -> int:
        """Findings in all."""
        return len(self.findings) + self.more


def check(
    store: Store, ref: str | None = None, *, base: str | None = None, report: Report = silent
) -> Checked:
    """Reads everything in the store's tree at `ref` (a branch, a tag or a commit; `main` by default).

    Each file by itself, then what files say of each other, then whether what landed is what it was: in
    all of the past, or on the commit `base` where that is given. Then what was wrong there already is
    only counted. Raises InputError for an unknown ref, MachineryError when the repository cannot be read.
    """
    commit = find(store, ref)
    placed: list[File] = []
    sentences = _sentences(store, commit, placed, report)
    if base is None:
        return _collected(commit, placed, chain(sentences, past(store.repo, commit)), frozenset())
    older = find(store, base)
    found = [*sentences, *landed(store.repo, older, commit)]
    before = frozenset(_sentences(store, older, [], report)) if found else frozenset()
    return _collected(commit, placed, found, before)


def _collected(
    commit: pygit2.Commit, placed: list[File], sentences: Iterable[str], before: frozenset[str]
) -> Checked:
    findings: list[str] = []
    more = known = 0
    for sentence in sentences:
        if sentence in before:
            known += 1
        elif len(findings) < MOST:
            findings.append(sentence)
        else:
            more += 1
    return Checked(str(commit.id), len(placed), tuple(findings), more, known)


def find(store: Store, ref: str | None) -> pygit2.Commit:
    """The commit that `ref` names. Raises InputError."""
    if ref is None:
        return store.commit(store.tip())
    found = objects.find_commit(store.repo, ref)
    try:
        return found or store.repo.revparse_single(ref).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        raise InputError(
            f"there is no commit {one_line(ref, 60)!r} in {store.path}; name a branch or a commit, and fetch "
            "it first where a clone is shallow."
        ) from None


def _sentences(store: Store, commit: pygit2.Commit, placed: list[File], report: Report) -> Iterator[str]:
    odd: list[str] = []
    placed.extend(files(store.repo, commit, odd))
    yield from odd
    if not any(file.place is Place.POLICY for file in placed):
        yield "the store has no lockgate.toml; restore it from history with git."
    contents = Contents()

    def read(file: File) -> bytes:
        return objects.blob(store.repo, file.blob, file.path)

    for number, file in enumerate(placed):
        if number % _REPORTED == 0:
            report(Progress("reading", number, len(placed)))
        yield from told(partial(look, file, read, contents))
    for pin, parts in folders(placed).items():
        yield from told(partial(look_into, pin, parts, read, contents))
    report(Progress("reading", len(placed), len(placed)))
    yield from told(partial(links, contents, store.at(str(commit.id)).digest))
    report(Progress("comparing with the past"))
