"""Which Chroma server settings.toml names, without asking it or looking for its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.errors import InputError
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_server import ChromaServer


def server_named(workspace: Workspace) -> ChromaServer | None:
    """The server, as the live document tells it. Settings that cannot be read name none, and stop no
    rollback: copies on this machine serve then."""
    try:
        url = workspace.settings.indexes_server
    except InputError:
        return None
    if url is None:
        return None
    from indexes.chroma_server import ChromaServer

    return ChromaServer.parse(url)
