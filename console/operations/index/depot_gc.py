"""What may go from the depot: sealed files of versions whose archive is there, and all of what was purged.

Another machine may be about to send a version that shares a file with an old one. So nothing goes within a
week of its archiving, nothing that any version here still needs, and nothing while another branch has
versions that `main` has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.operations.index.depot import depot_of, has_depot
from console.operations.index.depot_notes import Notes
from console.operations.index.sight import Content, Sight
from store.records.keeping import Keeping
from store.records.versions import SealedFile
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.depot.depot import Depot

QUIET = timedelta(days=7)
"""Since the archiving or purging was recorded."""


@dataclass(frozen=True, slots=True)
class InDepot:
    """What one version has there that nobody needs."""

    pins: str
    content: Content
    files: tuple[SealedFile, ...]
    archive: bool
    """Whether its archive goes too."""

    @property
    def size(self) -> int:
        """Bytes, before they were packed."""
        return sum(file.size for file in self.files)


def unneeded(workspace: Workspace, sight: Sight, name: str) -> tuple[InDepot, ...]:
    """What may go of index `name`; nothing where no depot is named. Raises MachineryError where it does not
    answer."""
    if not has_depot(workspace) or sight.trouble:
        return ()
    mine = [content for content in sight.main if content.name == name]
    if any(content.name == name and content not in sight.main for content in sight.every):
        return ()
    depot = depot_of(workspace)
    over = [content for content in mine if is_over(sight, content)]
    needed = {
        file.sha256 for content in mine if content not in over for file in sight.manifest(content).files
    }
    return tuple(_found(depot, sight, over, needed))


def remove(workspace: Workspace, found: InDepot) -> None:
    """Deletes it there. Raises MachineryError."""
    depot = depot_of(workspace)
    Notes(workspace, depot.url).forget({found.content.digest})
    for file in found.files:
        depot.remove(file)
    if found.archive:
        depot.remove_archive(found.content.name, found.content.digest)


def _found(depot: Depot, sight: Sight, over: list[Content], needed: set[str]) -> Iterator[InDepot]:
    for content in over:
        is_purged = _phases(sight, content) == {"purged"}
        has_archive = depot.has_archive(content.name, content.digest)
        if not is_purged and not has_archive:
            continue
        files = {one.sha256: one for one in sight.manifest(content).files if one.sha256 not in needed}
        there = tuple(one for one in files.values() if depot.has(one))
        takes_archive = is_purged and has_archive and not _is_keyframe(sight, content)
        if there or takes_archive:
            yield InDepot(sight.pins(content), content, there, takes_archive)


def _phases(sight: Sight, content: Content) -> set[str | None]:
    return {one.phase for one in sight.main[content].values()}


def is_over(sight: Sight, content: Content) -> bool:
    """Whether it was archived or purged long enough ago, and nothing refers to it: other machines have heard
    of it by now."""
    if not _phases(sight, content) <= {"packed", "purged"} or not sight.is_free(content):
        return False
    kept = sight.readiness[content.name].keepings
    ends = [_ended(one) for version in sight.main[content] if (one := kept.get(version)) is not None]
    return bool(ends) and all(at is not None and sight.now - at >= QUIET for at in ends)


def _ended(kept: Keeping) -> datetime | None:
    last = kept.purged or kept.archive
    return last.at if last is not None else None


def _is_keyframe(sight: Sight, content: Content) -> bool:
    kept = sight.readiness[content.name].keepings.values()
    return any(one.archive is not None and one.archive.keyframe == content.digest for one in kept)
