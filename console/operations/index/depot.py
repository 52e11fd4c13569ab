"""The depot: where machines that share a store share the bytes of index versions, if settings.toml names one.

Level-triggered like all that follows the store: whoever has bytes that the depot lacks sends them, whoever
needs bytes that are not here fetches them. What was sent from here is noted in `state/depot.json`, so that an
ordinary tick asks the depot nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.operations.index.depot_notes import Notes
from console.operations.index.sight import Content, Sight, look
from store.errors import InputError, MachineryError
from store.progress import Report, Stop, check, never, silent
from store.records.component import Kind, Pin
from store.records.release import Release
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.depot.depot import Depot


@dataclass(slots=True)
class Sent:
    """What was done."""

    versions: list[str] = field(default_factory=list)
    """`index/handbook@v3` of those that had something to send."""
    size: int = 0
    """Bytes of the files that were sent, before they were packed."""
    problems: list[str] = field(default_factory=list)


def has_depot(workspace: Workspace) -> bool:
    """Whether settings.toml names one; one that cannot be read names none, and stops no rollback."""
    try:
        return workspace.settings.indexes_url is not None
    except InputError:
        return False


def depot_of(workspace: Workspace) -> Depot:
    """The depot. Raises InputError where settings.toml names none, or one that cannot be."""
    url = workspace.settings.indexes_url
    if url is None:
        raise InputError('no depot is named: settings.toml names one (`indexes_url = "s3://bucket/folder"`).')
    from indexes.depot.depot import Depot

    return Depot.open(url, workspace.settings.indexes_options)


def send_all(
    workspace: Workspace, *, again: bool = False, report: Report = silent, stop: Stop = never
) -> Sent:
    """Sends what is here and not in the depot: sealed files of versions, archives of those that are packed.

    `again` believes no note and asks the depot about everything. Single versions that fail are problems;
    raises InputError where no depot is named, LockgateError where the store cannot be read, Cancelled.
    """
    depot, done = depot_of(workspace), Sent()
    sight = look(workspace.store, workspace.clock.now())
    notes = Notes(workspace, depot.url, again=again)
    for content in sight.main:
        check(stop, "The upload")
        try:
            size = _send(workspace, depot, sight, content, notes, report, stop)
        except MachineryError as error:
            done.problems.append(f"{sight.pins(content)} is not in the depot: {error.message}")
            continue
        if size:
            done.versions.append(sight.pins(content))
            done.size += size
    return done


def _send(
    workspace: Workspace,
    depot: Depot,
    sight: Sight,
    content: Content,
    notes: Notes,
    report: Report,
    stop: Stop,
) -> int:
    from indexes.archive import has_archive
    from indexes.depot.sending import is_sendable, send, send_archive

    home, manifest = workspace.indexes, sight.manifest(content)
    phases = {one.phase for one in sight.main[content].values()}
    if phases <= {"packed", "purged"}:
        if "packed" not in phases or content.digest in notes.archives:
            return 0
        if not has_archive(home, content.name, content.digest):
            return 0
        size = send_archive(depot, home, content.name, content.digest, stop=stop)
        notes.add_archive(content.digest)
        return size
    if content.digest in notes.sealed or not is_sendable(home, content.name, manifest):
        return 0
    size = send(depot, home, content.name, manifest, report=report, stop=stop)
    notes.add_sealed(content.digest)
    return size


def send_release(
    workspace: Workspace, snapshot: Snapshot, release: Release, *, report: Report = silent
) -> None:
    """Sees that every index version of `release` is in the depot, before other machines are to serve it.

    Does nothing where no depot is named. Raises MachineryError where it is not and cannot be sent.
    """
    if not has_depot(workspace) or not release.pins(Kind.INDEX):
        return
    from indexes.depot.sending import holds, is_sendable, send

    depot = depot_of(workspace)
    notes = Notes(workspace, depot.url)
    for pin in release.pins(Kind.INDEX):
        manifest, name = snapshot.index(pin), pin.component.name
        if manifest.digest in notes.sealed:
            continue
        if is_sendable(workspace.indexes, name, manifest):
            send(depot, workspace.indexes, name, manifest, report=report)
        elif not holds(depot, manifest):
            raise MachineryError(
                f"{pin} is not in {one_line(depot.url, 200)}, and what is here was built again: other "
                "machines could not serve it. `lockgate index push` on the machine that added it sends it."
            )
        notes.add_sealed(manifest.digest)


def fetch_version(
    workspace: Workspace, snapshot: Snapshot, pin: Pin, *, report: Report = silent, stop: Stop = never
) -> bool:
    """Makes the sealed folder of `pin` from the depot; False where none is named.

    Raises MachineryError where the depot does not answer, has nothing of it or something else; Cancelled.
    """
    if not has_depot(workspace):
        return False
    from indexes.archive import restore
    from indexes.depot.sending import fetch, fetch_archive, holds

    depot, home = depot_of(workspace), workspace.indexes
    manifest, name = snapshot.index(pin), pin.component.name
    if holds(depot, manifest):
        fetch(depot, home, name, manifest, report=report, stop=stop)
    elif depot.has_archive(name, manifest.digest):
        fetch_archive(depot, home, name, manifest, report=report, stop=stop)
        restore(home, name, manifest, report=report, stop=stop)
    else:
        raise MachineryError(
            f"{pin} is neither on this machine nor in {one_line(depot.url, 200)}: `lockgate index push` on a "
            "machine that has it sends it there."
        )
    return True


def fetch_packed(workspace: Workspace, content: Content, sight: Sight, *, stop: Stop = never) -> bool:
    """Puts the archive of `content` into its place; False where no depot has it. As `fetch_version`."""
    if not has_depot(workspace):
        return False
    from indexes.depot.sending import fetch_archive

    depot = depot_of(workspace)
    if not depot.has_archive(content.name, content.digest):
        return False
    fetch_archive(depot, workspace.indexes, content.name, sight.manifest(content), stop=stop)
    return True
