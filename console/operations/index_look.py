"""Looking into an index version: verify it, list its documents and probes, ask it a question."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.operations.access import embedder
from console.operations.index.server import content_of, server_of
from console.operations.ready import opened
from store.errors import InputError
from store.progress import Progress, Report, Stop, never, silent
from store.records.component import Kind, Pin
from store.records.versions import IndexManifest
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.documents import DocumentInfo
    from indexes.opened import Passage
    from indexes.probes import Probe, ProbeResult


@dataclass(frozen=True, slots=True)
class GoldenQuery:
    """One probe of a sealed version, and what a verify got for it."""

    id: str
    """The row whose own vector asks."""
    text: str
    """The beginning of its document."""
    nearest: tuple[str, ...]
    """The ids that must come back, nearest first; there are k of them."""
    right: bool | None = None
    """Whether the right row came first; None where nobody asked."""
    found: int = 0
    """How many of `nearest` came back."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A version that is whole."""

    pin: Pin
    files: int
    passages: int
    queries: tuple[GoldenQuery, ...] = ()
    """Its probes with their answers."""
    packed: bool = False
    """Whether it was the archive that was looked at: each byte of it was unpacked and compared."""
    collection: str = ""
    """Its collection on the server that serves, where there is one; it was asked the same."""


def verify(
    workspace: Workspace, ref: str, *, full: bool = False, report: Report = silent, stop: Stop = never
) -> Verified:
    """Hashes every sealed file of `ref` (`name` or `name@vN`), and probes a fresh copy; where a server serves
    it, its collection there too.

    The copy is kept where no good one was open, and thrown away otherwise.
    Raises MachineryError naming the file that is damaged or the collection that answers wrongly, Cancelled
    when `stop` says so; then nothing is left.
    """
    from indexes.archive import check_archive, has_archive
    from indexes.sealed import sealed_path
    from indexes.sealed import verify as verify_sealed

    snapshot = workspace.store.at()
    pin = index_pin(snapshot, ref)
    manifest = snapshot.index(pin)
    name = pin.component.name
    sealed = sealed_path(workspace.indexes, name, manifest.digest)
    if not sealed.is_dir() and has_archive(workspace.indexes, name, manifest.digest):
        check_archive(workspace.indexes, name, manifest, report=report, stop=stop)
        return Verified(pin, len(manifest.files), manifest.passages, packed=True)
    verify_sealed(workspace.indexes, name, manifest, full=full, report=report, stop=stop)
    asked = _read(sealed)
    result = _probe_fresh_copy(workspace.indexes, name, manifest, asked, report, stop)
    queries = tuple(
        GoldenQuery(one.id, one.text, one.nearest, answer.top, answer.found)
        for one, answer in zip(asked, result.answers, strict=True)
    )
    collection = _verify_on_server(workspace, snapshot, pin, report)
    return Verified(pin, len(manifest.files), manifest.passages, queries, collection=collection)


def _verify_on_server(workspace: Workspace, snapshot: Snapshot, pin: Pin, report: Report) -> str:
    """The collection that was probed; empty where no server serves, or none was made for this version."""
    server = server_of(workspace)
    if server is None:
        return ""
    from indexes import server_collection

    content = content_of(workspace, snapshot, pin)
    report(Progress("probing", note=content.collection))
    found = server_collection.verify(server, workspace.indexes, content)
    return content.collection if found is not None else ""


def _probe_fresh_copy(
    home: Path, name: str, manifest: IndexManifest, asked: tuple[Probe, ...], report: Report, stop: Stop
) -> ProbeResult:
    from indexes.collection import collection_name
    from indexes.opened import latest_copy, open_copy, probe

    wanted = latest_copy(home, name, manifest) is None
    copy = open_copy(home, name, manifest, verified=True, report=report, stop=stop)
    kept = False
    try:
        report(Progress("probing", note=f"{len(asked)} golden queries"))
        result = probe(copy, collection_name(name), manifest, asked, mark=wanted, stop=stop)
        kept = wanted
    finally:
        if not kept:
            shutil.rmtree(copy, ignore_errors=True)
    return result


def probes(workspace: Workspace, ref: str) -> tuple[GoldenQuery, ...]:
    """The golden queries that were sealed with `ref`. Raises MachineryError when they are not here."""
    from indexes.sealed import sealed_path, trusted_files

    snapshot = workspace.store.at()
    pin = index_pin(snapshot, ref)
    manifest = snapshot.index(pin)
    sealed = sealed_path(workspace.indexes, pin.component.name, manifest.digest)
    trusted_files(sealed, pin.component.name, manifest)
    return tuple(GoldenQuery(one.id, one.text, one.nearest) for one in _read(sealed))


def _read(sealed: Path) -> tuple[Probe, ...]:
    from indexes.probes import read_probes

    return read_probes(sealed)


def documents(workspace: Workspace, ref: str) -> list[DocumentInfo]:
    """The source documents of `ref`."""
    from indexes.documents import documents as listed

    snapshot = workspace.store.at()
    pin = index_pin(snapshot, ref)
    return listed(workspace.indexes, pin.component.name, snapshot.index(pin))


def search(workspace: Workspace, ref: str, question: str, k: int) -> list[Passage]:
    """The `k` nearest passages of `ref` to `question`."""
    from indexes.collection import collection_name
    from indexes.opened import Retriever

    snapshot = workspace.store.at()
    pin = index_pin(snapshot, ref)
    manifest = snapshot.index(pin)
    retriever = Retriever.open(
        opened(workspace, snapshot, pin),
        collection_name(pin.component.name),
        embedder(workspace, manifest.embedder.name),
    )
    try:
        return retriever.query([question], k)[0]
    finally:
        retriever.close()


def index_pin(snapshot: Snapshot, ref: str) -> Pin:
    """`handbook`, `handbook@v2` or `index/handbook@v2` as a pin. Raises InputError."""
    pin = snapshot.pin(ref if ref.startswith("index/") else f"index/{ref}")
    if pin.component.kind is not Kind.INDEX:
        raise InputError(f"{pin} is no index.")
    return pin
