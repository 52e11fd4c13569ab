"""Filling a collection on a server from a sealed export, and going on where that was cut off."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from indexes.chroma_server import ChromaServer, be_patient
from indexes.collection import BATCH, FINE, PLAIN
from indexes.export import read_rows, read_vectors
from indexes.rows import Row
from indexes.sealed import CHROMA, check_content, check_files, chroma_of, trusted_files
from indexes.server_marks import Wanted, find_ours, marks_of, was_complete
from store.progress import Progress, Report, Stop, check

_BATCH_BYTES = 6 << 20
"""Of one add(), about: a server takes 40 MB of JSON, where a character may be six bytes."""
_NUMBER_BYTES = 16  # of a vector's number, written out


def filled(
    client: Any,
    server: ChromaServer,
    collection: Any | None,
    sealed: Path,
    wanted: Wanted,
    report: Report,
    stop: Stop,
) -> Any:
    """The collection of `wanted` with all rows; `collection` is as much of it as there is.

    Raises MachineryError where the export is not what was sealed, Cancelled between two batches, and what
    Chroma raises.
    """
    _check_export(sealed, wanted, report, stop)
    be_patient(client)
    try:
        begun = collection or _create(client, server, sealed, wanted)
        return _fill(client, begun, sealed, wanted, report, stop)
    except Exception as error:
        if not _is_broken(error) or (collection is not None and was_complete(collection, wanted)):
            raise
    # A server that was killed while it wrote may have left a collection that takes nothing any more. This one
    # was never whole, so nobody asks it: it is begun again.
    client.delete_collection(wanted.collection)
    return _fill(client, _create(client, server, sealed, wanted), sealed, wanted, report, stop)


def _is_broken(error: Exception) -> bool:
    from chromadb.errors import InternalError

    return isinstance(error, InternalError)


def _check_export(sealed: Path, wanted: Wanted, report: Report, stop: Stop) -> None:
    """What is read for filling is what was sealed; Chroma's own files are not read."""
    files, rebuilt = trusted_files(sealed, wanted.name, wanted.manifest)
    check_files(sealed, tuple(file for file in files if not file.path.startswith(f"{CHROMA}/")), report, stop)
    if rebuilt:
        check_content(sealed, wanted.manifest, report, stop)


def _create(client: Any, server: ChromaServer, sealed: Path, wanted: Wanted) -> Any:
    """The empty collection; one that somebody else has just made for the same is as good."""
    from chromadb.errors import ChromaError

    try:
        return client.create_collection(
            wanted.collection,
            embedding_function=None,
            configuration={"hnsw": {"space": "l2", **graph_of(sealed)}},
            metadata=marks_of(wanted),
        )
    except ChromaError:
        if (found := find_ours(client, server, wanted)) is None:
            raise
        return found


def _fill(client: Any, collection: Any, sealed: Path, wanted: Wanted, report: Report, stop: Stop) -> Any:
    """Adds the rows that are not there."""
    total, done = wanted.manifest.passages, 0
    vectors = read_vectors(sealed, wanted.manifest.embedder.dimension)
    most = min(BATCH, client.get_max_batch_size())
    resumes = collection.count() > 0
    for batch in _batches(read_rows(sealed), most, vectors.shape[1]):
        check(stop, f"Filling {wanted.collection}")
        there = set(collection.get(ids=[row.id for row in batch], include=[])["ids"]) if resumes else set()
        new = [(row, done + at) for at, row in enumerate(batch) if row.id not in there]
        if new:
            collection.add(
                ids=[row.id for row, _ in new],
                documents=[row.document for row, _ in new],
                embeddings=vectors[[at for _, at in new]],
                metadatas=[row.metadata or None for row, _ in new],
            )
        done += len(batch)
        report(Progress("filling the server", done, total, wanted.collection))
    return collection


def _batches(rows: Iterator[Row], most: int, dimension: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        length = len(row.document.encode()) + len(json.dumps(row.metadata)) + dimension * _NUMBER_BYTES
        if batch and (len(batch) == most or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


def graph_of(sealed: Path) -> Mapping[str, int]:
    """How finely the sealed collection links its rows: PLAIN or FINE. Its files are read, never opened by
    Chroma; where they do not say, it is PLAIN."""
    path = chroma_of(sealed) / "chroma.sqlite3"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            told = [row[0] for row in file.execute("select schema_str from collections")]
        vectors = json.loads(told[0])["keys"]["#embedding"]["float_list"]["vector_index"]
        links = int(vectors["config"]["hnsw"]["max_neighbors"])
    except (sqlite3.Error, OSError, ValueError, LookupError, TypeError):
        return PLAIN
    return FINE if links >= FINE["max_neighbors"] else PLAIN
