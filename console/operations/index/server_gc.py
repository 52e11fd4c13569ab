"""Which collections on the server may go: those of versions that were archived or purged a week ago.

Only what carries the mark of this store is looked at. What `main` does not know may be of a branch, or of a
machine that is ahead; it stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.operations.excused import index_parts
from console.operations.index.depot_gc import is_over
from console.operations.index.server import server_of
from console.operations.index.sight import Content, Sight, look
from console.operations.reconcile import published_document
from store.git.origin import origin
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.server_marks import Kept


def unneeded_collections(workspace: Workspace, sight: Sight) -> tuple[Kept, ...]:
    """The collections that nobody needs; none where settings.toml names no server, or what is needed is not
    known for sure. Raises ServerAway where it does not answer, InputError where it cannot be asked."""
    server = server_of(workspace)
    if server is None or sight.trouble:
        return ()
    from indexes.server_collection import ours

    named = _named(workspace, sight)
    return tuple(one for one in ours(server, origin(workspace.store)) if _may_go(sight, one, named))


def remove_collection(workspace: Workspace, kept: Kept) -> bool:
    """Deletes it, unless the store has changed its mind; whether it did. Raises ServerAway, InputError."""
    server, sight = server_of(workspace), look(workspace.store, workspace.clock.now())
    if server is None or sight.trouble or not _may_go(sight, kept, _named(workspace, sight)):
        return False
    from indexes.server_collection import remove

    return remove(server, origin(workspace.store), kept)


def _may_go(sight: Sight, kept: Kept, named: frozenset[str]) -> bool:
    content = Content(kept.index, kept.digest)
    versions = sight.main.get(content, {})
    return kept.version in versions and kept.collection not in named and is_over(sight, content)


def _named(workspace: Workspace, sight: Sight) -> frozenset[str]:
    """The collections that live documents on this machine name."""
    documents = (published_document(workspace, name) for name in sight.snapshot.policy.names)
    return frozenset(part.collection for one in documents if one is not None for part in index_parts(one))
