"""What every branch of the store says of index versions: who needs which bytes, and whether that is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pygit2

from store.errors import LockgateError
from store.git.repository import MAIN, Store
from store.git.tracking import ASIDE
from store.index_readiness import Readiness, readiness
from store.records.base import Digest
from store.records.component import Component, Kind, Pin
from store.records.versions import IndexManifest
from store.rules.index_status import IndexStatus
from store.rules.retention import is_free, is_idle
from store.snapshot import Snapshot
from store.stamping import clock_trouble
from store.text import one_line

_BRANCHES = ("refs/heads/", "refs/remotes/", ASIDE)
_HERE = "main"
NEVER_SERVED = "it has never served"


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in one sealed folder: versions of equal content share it."""

    name: str
    """The index."""
    digest: Digest

    def __str__(self) -> str:
        return f"{self.name}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Said:
    """What one branch says of one version of a content."""

    where: str
    """ "main", or the whole name of another ref."""
    status: IndexStatus

    def kept(self) -> Iterator[str]:
        """Why the version has to stay, in words."""
        status, where = self.status, "" if self.where == _HERE else f" (on {one_line(self.where, 120)})"
        said = [*status.kept, *(f"{one} serves it" for one in status.environments)]
        if status.left is not None:
            said.append("it stays ready for rollback")
        if status.status == "built" and not status.kept:
            said.append(NEVER_SERVED)
        return (f"{one}{where}" for one in said)


@dataclass(frozen=True, slots=True)
class Sight:
    """All branches at one moment."""

    snapshot: Snapshot
    """`main`."""
    now: datetime
    main: dict[Content, dict[str, IndexStatus]]
    """By content and version, as `main` has them."""
    every: dict[Content, tuple[Said, ...]]
    """What any branch says of a content."""
    readiness: dict[str, Readiness]
    """Of `main`, by index."""
    trouble: tuple[str, ...]
    """Why nothing may be taken away now, in words."""

    def is_free(self, content: Content) -> bool:
        """Whether no branch needs it."""
        return is_free(one.status for one in self.every.get(content, ()))

    def is_idle(self, content: Content) -> bool:
        """Whether its time runs, on every branch."""
        return is_idle(one.status for one in self.every.get(content, ()))

    def kept(self, content: Content) -> tuple[str, ...]:
        """Why it has to stay, in words; empty where it need not."""
        said = (text for one in self.every.get(content, ()) for text in one.kept())
        return tuple(dict.fromkeys(said))

    def manifest(self, content: Content) -> IndexManifest:
        """That of one of its versions."""
        version = next(iter(self.main[content]))
        return self.snapshot.index(Pin(Component(Kind.INDEX, content.name), version))

    def pins(self, content: Content) -> str:
        """ "index/handbook@v3, v5"."""
        versions = tuple(self.main[content])
        return f"index/{content.name}@{', '.join(versions)}"


def look(store: Store, now: datetime, snapshot: Snapshot | None = None) -> Sight:
    """Reads all branches; `snapshot` is `main`, where that was read already. What cannot be read does not
    raise: it is trouble. Raises LockgateError where `main` itself cannot be read."""
    main = snapshot or store.at()
    trouble: list[str] = []
    if warning := clock_trouble(main, now):
        trouble.append(warning.partition(":")[0])
    mine: dict[Content, dict[str, IndexStatus]] = {}
    every: dict[Content, list[Said]] = {}
    known: dict[str, Readiness] = {}
    for where, branch in ((_HERE, main), *_branches(store, main, trouble)):
        try:
            for component in branch.components(Kind.INDEX):
                found = readiness(branch, component.name, now)
                trouble += [f"{where}: {gap}" for gap in found.gaps]
                for version, status in found.statuses.items():
                    digest = branch.index(Pin(component, version)).digest
                    content = Content(component.name, digest)
                    every.setdefault(content, []).append(Said(where, status))
                    if branch is main:
                        known[component.name] = found
                        mine.setdefault(content, {})[version] = status
        except LockgateError as error:
            trouble.append(f"{where}: {one_line(error.message, 300).rstrip('.')}")
    seen = {content: tuple(found) for content, found in every.items()}
    return Sight(main, now, mine, seen, known, tuple(dict.fromkeys(trouble)))


def _branches(store: Store, main: Snapshot, trouble: list[str]) -> Iterator[tuple[str, Snapshot]]:
    """Every other branch that `main` does not stand on: those of remotes, and what was put aside, too."""
    try:
        names = [one for one in store.repo.references if one.startswith(_BRANCHES) and one != MAIN]
        tips = {name: str(store.repo.references[name].resolve().target) for name in names}
    except (pygit2.GitError, KeyError, OSError, ValueError) as error:
        trouble.append(f"the branches cannot be read: {one_line(str(error), 200)}")
        return
    for name, tip in sorted(tips.items()):
        try:
            if not store.is_ancestor(tip, main.commit):
                yield name, store.at(tip)
        except LockgateError as error:
            trouble.append(f"{name}: {one_line(error.message, 200).rstrip('.')}")
