"""Settle: take away the sealed copies of what is recorded as archived, once their archives are whole.

Level-triggered: it looks at what the store says and at what is here, so whoever died in the middle is
finished by the next. What anything refers to again stays, whatever the record says.
"""

from __future__ import annotations

from collections.abc import Callable

from console.operations.index.keeping import content_of
from console.operations.index.sight import Content, Sight, look
from store.progress import Report, Stop, never, silent
from store.workspace import Workspace

Point = Callable[[str], None]
"""Told of each step, by name: tests die there."""


def nowhere(_: str) -> None:
    """A Point that does nothing."""


def settle(
    workspace: Workspace,
    sight: Sight,
    content: Content,
    *,
    report: Report = silent,
    stop: Stop = never,
    point: Point = nowhere,
) -> bool:
    """Takes the sealed copy of `content` away where the store says so and nothing speaks against it; True
    if it did. Raises MachineryError when its archive is not whole: then the copy stays."""
    from indexes.archive import archive
    from indexes.publishing import drop_aside, set_aside

    if not settles(workspace, sight, content):
        return False
    if not _is_purged(sight, content):
        archive(workspace.indexes, content.name, sight.manifest(content), report=report, stop=stop)
    point("checked")
    with workspace.store.writing():
        fresh = look(workspace.store, workspace.clock.now())
        if not settles(workspace, fresh, content):
            return False
        point("settling")
        gone = set_aside(workspace.indexes, content.name, content.digest)
    point("aside")
    drop_aside(workspace.indexes, content.name)
    point("removed")
    return gone


def settles(workspace: Workspace, sight: Sight, content: Content) -> bool:
    """Whether the sealed copy of `content` is here and may go."""
    from indexes.sealed import sealed_path

    versions = sight.main.get(content, {})
    recorded = bool(versions) and all(one.phase in ("packed", "purged") for one in versions.values())
    here = sealed_path(workspace.indexes, content.name, content.digest).is_dir()
    return here and recorded and sight.is_free(content) and not sight.trouble


def settled(workspace: Workspace, ref: str, *, report: Report = silent) -> bool:
    """`settle` of what `ref` (`name@vN`) names: what follows on an archive by hand. Raises MachineryError."""
    sight = look(workspace.store, workspace.clock.now())
    return settle(workspace, sight, content_of(sight, ref)[1], report=report)


def _is_purged(sight: Sight, content: Content) -> bool:
    return all(one.phase == "purged" for one in sight.main[content].values())
