"""Looking into an index version: verify it, list its documents, ask it a question."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.operations.access import embedder
from console.operations.ready import opened
from store.errors import InputError
from store.progress import Report, silent
from store.records.component import Kind, Pin
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.documents import DocumentInfo
    from indexes.opened import Passage


@dataclass(frozen=True, slots=True)
class Verified:
    """A version that is whole."""

    pin: Pin
    files: int
    passages: int


def verify(workspace: Workspace, ref: str, *, full: bool = False, report: Report = silent) -> Verified:
    """Hashes every sealed file of `ref` (`name` or `name@vN`), and probes a fresh copy.

    Raises MachineryError naming the file that is damaged.
    """
    from indexes.collection import collection_name
    from indexes.opened import open_copy, probe
    from indexes.probes import read_probes
    from indexes.sealed import sealed_path
    from indexes.sealed import verify as verify_sealed

    snapshot = workspace.store.at()
    pin = index_pin(snapshot, ref)
    manifest = snapshot.index(pin)
    verify_sealed(workspace.indexes, pin.component.name, manifest, full=full, report=report)
    copy = open_copy(workspace.indexes, pin.component.name, manifest, verified=True)
    try:
        sealed = sealed_path(workspace.indexes, pin.component.name, manifest.digest)
        probe(copy, collection_name(pin.component.name), manifest, read_probes(sealed))
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise
    return Verified(pin, len(manifest.files), manifest.passages)


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
