"""Builds an index version and seals it.

Everything is written into a scratch folder, closed, hashed and synced; one rename makes it visible.
So a killed build leaves nothing that anyone would take for an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.collection import chroma_version, create, fill, opened_client
from indexes.delta import sentence
from indexes.digest import content_digest
from indexes.disk import one_sentence, sync_tree
from indexes.embedders import Embedder
from indexes.export import write_export
from indexes.leases import used
from indexes.loaders import load
from indexes.probes import PROBES, make_probes
from indexes.publishing import adopt, publish
from indexes.rows import Loaded, Row, refuse_duplicates
from indexes.scratch import scratch, sweep
from indexes.seal import MANIFEST, Seal
from indexes.sealed import CHROMA, check_files, collect, sealed_path, trusted_files
from indexes.vectors import Parent, read_parent, vectors_of
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.component import check_name
from store.records.versions import DocumentDelta, EmbedderIdentity, IndexManifest
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class _Content:
    """What is sealed: the rows by id, their vectors, and the digest over both."""

    rows: tuple[Row, ...]
    vectors: NDArray[float32]
    digest: str


def build(
    home: Path,
    name: str,
    source: Path,
    *,
    embedder: Embedder,
    now: datetime,
    parent: IndexManifest | None = None,
    parent_version: str | None = None,
    chunk_characters: int = 600,
    what_changed: str = "",
    report: Report = silent,
    stop: Stop = never,
) -> IndexManifest:
    """Reads `source`, embeds it, seals it under `home`/`name`/sealed/ and returns its manifest.

    With `parent` (version `parent_version` of the same index) only rows that are new or changed are
    embedded, and the manifest says which documents differ. Content that is sealed already is adopted.
    Raises InputError for a bad source, MachineryError when disk, Chroma or embedder fail, Cancelled;
    nothing is left behind then.
    """
    folder = home / check_name(name, "index name")
    report(Progress("reading"))
    loaded = load(source, chunk_characters=chunk_characters)
    refuse_duplicates(loaded.rows, source.name)
    check(stop, "building the index")
    before = _parent(home, name, parent, embedder.identity)
    with one_sentence(folder):
        sweep(folder / "tmp")
        content = _content(loaded, embedder, before, report, stop)
        sealed = sealed_path(home, name, content.digest)
        adopted = adopt(sealed, name, content.digest)
        seal = adopted or _build(folder, name, content, loaded, embedder.identity, report, stop)
    return IndexManifest(
        digest=content.digest,
        passages=seal.passages,
        documents=seal.documents,
        embedder=seal.embedder,
        chunking=loaded.chunking,
        parent=parent_version if parent else None,
        delta=before.changes(loaded.rows).counts() if parent else DocumentDelta(),
        chroma=seal.chroma,
        built_at=now,
        source=one_line(source.resolve().name),
        files=seal.files,
        what_changed=what_changed or _what_changed(loaded, before, parent, embedder.identity),
    )


def _parent(home: Path, name: str, parent: IndexManifest | None, identity: EmbedderIdentity) -> Parent:
    if parent is None:
        return Parent()
    sealed = sealed_path(home, name, parent.digest)
    with used(sealed):
        files, _ = trusted_files(sealed, name, parent)
        check_files(sealed, tuple(file for file in files if "/" not in file.path))
        return read_parent(sealed, parent.embedder, identity)


def _content(loaded: Loaded, embedder: Embedder, before: Parent, report: Report, stop: Stop) -> _Content:
    rows = tuple(sorted(loaded.rows, key=lambda row: row.id))
    vectors = vectors_of(rows, embedder, before, report, stop)
    return _Content(rows, vectors, content_digest(rows, vectors, embedder.identity))


def _build(
    folder: Path,
    name: str,
    content: _Content,
    loaded: Loaded,
    identity: EmbedderIdentity,
    report: Report,
    stop: Stop,
) -> Seal:
    with scratch(folder / "tmp") as work:
        inside = work / "sealed"
        inside.mkdir()
        write_export(inside, content.rows, content.vectors)
        with opened_client(inside / CHROMA) as client:
            collection = create(client, name, content.digest, identity)
            fill(collection, content.rows, content.vectors, report=report, stop=stop)
            probes = make_probes(collection, content.rows, content.vectors)
        (inside / PROBES).write_bytes(probes.to_bytes())
        check(stop, "building the index")
        report(Progress("sealing"))
        seal = Seal(
            digest=content.digest,
            passages=len(content.rows),
            documents=loaded.documents,
            embedder=identity,
            chroma=chroma_version(),
            files=collect(inside),
        )
        (inside / MANIFEST).write_bytes(seal.to_bytes())
        for file in inside.rglob("*"):
            if file.is_file():
                file.chmod(0o400)  # a reminder for people; copies are made writable
        sync_tree(inside)
        return publish(inside, sealed_path(folder.parent, name, content.digest), seal)


def _what_changed(
    loaded: Loaded, before: Parent, parent: IndexManifest | None, identity: EmbedderIdentity
) -> str:
    if parent is None:
        passages = len(loaded.rows)
        return (
            f"{loaded.documents:,} document{'' if loaded.documents == 1 else 's'}, "
            f"{passages:,} passage{'' if passages == 1 else 's'}"
        )
    said = sentence(before.changes(loaded.rows).counts())
    if parent.embedder != identity:
        said += f", embedded with {identity.name} instead of {parent.embedder.name}"
    return said
