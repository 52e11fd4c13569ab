"""The Chroma server that index versions are served from, if this machine's settings name one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.operations.access import endpoint_settings
from console.operations.index.bytes_here import bring
from console.operations.index.server_named import server_named
from evals.models.access import access_url
from evals.models.endpoint import NO_KEY
from store.progress import Report, Stop, never, silent
from store.records.component import Pin
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_server import ChromaServer
    from indexes.server_marks import Wanted


def server_at(workspace: Workspace, url: str) -> ChromaServer:
    """The server at `url`, with the key that settings.toml has for its host. Raises InputError for an address
    that is none, a host that is not allowed, and a key that is missing."""
    from indexes.chroma_server import ChromaServer

    place = url.partition("+")[2].partition("?")[0]
    access = access_url(place or url, endpoint_settings(workspace))
    return ChromaServer.parse(url, "" if access.api_key == NO_KEY else access.api_key)


def server_of(workspace: Workspace) -> ChromaServer | None:
    """The server with its key; None where settings.toml names none. Raises InputError as `server_at`."""
    if (named := server_named(workspace)) is None:
        return None
    return server_at(workspace, str(named))


def content_of(workspace: Workspace, snapshot: Snapshot, pin: Pin) -> Wanted:
    """What the collection of `pin` has to hold."""
    from indexes.server_marks import Wanted
    from store.git.origin import origin

    return Wanted(origin(workspace.store), pin.component.name, pin.version, snapshot.index(pin))


def stand(
    workspace: Workspace,
    snapshot: Snapshot,
    pin: Pin,
    server: ChromaServer,
    report: Report = silent,
    stop: Stop = never,
) -> None:
    """Sees that the collection of `pin` stands on `server`, whole and probed; fills it where it does not.

    Raises ServerAway, MachineryError where it is not what it should be, Cancelled.
    """
    from indexes.server_collection import ensure

    bring(workspace, snapshot, pin, report=report, stop=stop)
    ensure(server, workspace.indexes, content_of(workspace, snapshot, pin), report=report, stop=stop)
