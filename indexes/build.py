"""Builds an index version and seals it.

Everything is written into a scratch folder, closed, hashed and synced; one rename makes it visible.
So a killed build leaves nothing that anyone would take for an index.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.collection import FINE, PLAIN, chroma_version, create, fill, opened_client
from indexes.delta import sentence_with_names
from indexes.digest import content_digest
from indexes.disk import one_sentence, sync_tree
from indexes.embedders import Embedder, Waiting
from indexes.export import write_export
from indexes.kept_vectors import KeptVectors, sweep_vectors
from indexes.leases import used
from indexes.loaders import load
from indexes.probes import PROBES, Probes, RowsLost, make_probes
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
    """Reads `source` and does with it what `build_rows` does. Raises InputError for a bad source too."""
    check_name(name, "index name")
    report(Progress("reading"))
    return build_rows(
        home,
        name,
        load(source, chunk_characters=chunk_characters),
        source.resolve().name,
        embedder=embedder,
        now=now,
        parent=parent,
        parent_version=parent_version,
        what_changed=what_changed,
        report=report,
        stop=stop,
    )


def build_rows(
    home: Path,
    name: str,
    loaded: Loaded,
    source: str,
    *,
    embedder: Embedder,
    now: datetime,
    parent: IndexManifest | None = None,
    parent_version: str | None = None,
    what_changed: str = "",
    report: Report = silent,
    stop: Stop = never,
) -> IndexManifest:
    """Embeds the rows, seals them under `home`/`name`/sealed/ and returns the manifest.

    `source` says for people where they come from. With `parent` (version `parent_version` of the same
    index) only rows that are new or changed are embedded, and the manifest says which documents differ.
    Content that is sealed already is adopted.
    Raises InputError for rows that cannot be an index, MachineryError when disk, Chroma or embedder fail,
    Cancelled; nothing is left behind then but the vectors that were made, for the next build to take over.
    """
    folder = home / check_name(name, "index name")
    refuse_duplicates(loaded.rows, source)
    check(stop, "building the index")
    if isinstance(embedder, Waiting):
        embedder.attend(report, stop)
    before = _parent(home, name, parent, embedder.identity)
    with one_sentence(folder):
        sweep(folder / "tmp")
        sweep_vectors(folder, now)
        kept = KeptVectors(folder, embedder.identity)
        content = _content(loaded, embedder, before, kept, report, stop)
        delta = before.changes(loaded.rows).delta() if parent else DocumentDelta()
        del before  # its rows and vectors would lie in memory while Chroma takes the new ones
        sealed = sealed_path(home, name, content.digest)
        adopted = adopt(sealed, name, content.digest)
        seal = adopted or _build(folder, name, content, loaded, embedder.identity, report, stop)
        kept.drop()
    return IndexManifest(
        digest=content.digest,
        passages=seal.passages,
        documents=seal.documents,
        embedder=seal.embedder,
        chunking=loaded.chunking,
        parent=parent_version if parent else None,
        delta=delta,
        chroma=seal.chroma,
        built_at=now,
        source=one_line(source),
        files=seal.files,
        what_changed=what_changed or _what_changed(loaded, delta, parent, embedder.identity),
    )


def _parent(home: Path, name: str, parent: IndexManifest | None, identity: EmbedderIdentity) -> Parent:
    if parent is None:
        return Parent()
    sealed = sealed_path(home, name, parent.digest)
    with used(sealed):
        files, _ = trusted_files(sealed, name, parent)
        check_files(sealed, tuple(file for file in files if "/" not in file.path))
        return read_parent(sealed, parent.embedder, identity)


def _content(
    loaded: Loaded, embedder: Embedder, before: Parent, kept: KeptVectors, report: Report, stop: Stop
) -> _Content:
    rows = tuple(sorted(loaded.rows, key=lambda row: row.id))
    vectors = vectors_of(rows, embedder, before, kept, report, stop)
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
        try:
            probes = _fill(work / "plain", inside / CHROMA, name, content, identity, PLAIN, report, stop)
        except RowsLost:
            report(Progress("writing", note="again, with a finer graph"))
            shutil.rmtree(work / "plain")
            probes = _fill(work / "fine", inside / CHROMA, name, content, identity, FINE, report, stop)
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


def _fill(
    path: Path,
    target: Path,
    name: str,
    content: _Content,
    identity: EmbedderIdentity,
    graph: Mapping[str, int],
    report: Report,
    stop: Stop,
) -> Probes:
    """The closed Chroma directory at `target`, made at `path`: Chroma must not meet a path a second time."""
    with opened_client(path) as client:
        collection = create(client, name, content.digest, identity, graph)
        fill(collection, content.rows, content.vectors, report=report, stop=stop)
        probes = make_probes(collection, content.rows, content.vectors)
    path.rename(target)
    return probes


def _what_changed(
    loaded: Loaded, delta: DocumentDelta, parent: IndexManifest | None, identity: EmbedderIdentity
) -> str:
    if parent is None:
        passages = len(loaded.rows)
        return (
            f"{loaded.documents:,} document{'' if loaded.documents == 1 else 's'}, "
            f"{passages:,} passage{'' if passages == 1 else 's'}"
        )
    said = sentence_with_names(delta)
    if parent.embedder != identity:
        said += f", embedded with {identity.name} instead of {parent.embedder.name}"
    return said
