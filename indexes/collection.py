"""The only place that talks to Chroma: one collection a directory, squared l2, vectors made by us."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.rows import Metadata, Row
from store.canonical import canonical_json
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.component import check_name
from store.records.versions import EmbedderIdentity
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

BATCH = 1000
"""Rows of one add(). Chroma takes at most 5461; smaller ones can be cancelled sooner."""
PLAIN: dict[str, int] = {}
"""How Chroma links rows where nothing is said: 16 neighbours, of 100 candidates, 100 looked at."""
FINE = {"max_neighbors": 32, "ef_construction": 200, "ef_search": 400}
"""For vectors that are all about equally far apart, where the plain graph loses rows. Measured on 100,000
texts of words drawn evenly: it misses 0.8 % of rows asked for by their own vector, the plain one 22 %;
filling takes four times as long, a question 8 ms instead of 1."""
_DIGEST, _EMBEDDER = "lockgate.digest", "lockgate.embedder"


def collection_name(name: str) -> str:
    """The Chroma collection of index `name`: `lockgate-<name>`.

    Fitted to the strictest of Chroma's rules: at most 63 characters, no `..`, a letter or digit last.
    """
    return re.sub(r"\.{2,}", ".", f"lockgate-{check_name(name, 'index name')}")[:63].rstrip("._-")


def chroma_version() -> str:
    """The installed chromadb."""
    from importlib.metadata import version

    return version("chromadb")


def embedder_mark(identity: EmbedderIdentity) -> str:
    """The embedder as it is written into a collection."""
    return canonical_json(identity.model_dump(mode="json")).decode()


@contextmanager
def opened_client(path: Path) -> Iterator[Any]:
    """A Chroma client on `path`, without telemetry and deaf to .env files; closed at the end."""
    client = open_client(path)
    try:
        yield client
    finally:
        client.close()


def open_client(path: Path) -> Any:
    """A Chroma client on `path`; close() it. Opening writes to the directory."""
    os.environ["ANONYMIZED_TELEMETRY"] = "False"  # read when chromadb is imported
    import chromadb
    from chromadb.config import Settings

    settings = Settings(
        _env_file=None, anonymized_telemetry=False, chroma_api_impl="chromadb.api.rust.RustBindingsAPI"
    )
    return chromadb.PersistentClient(path=str(path), settings=settings)


def create(
    client: Any, name: str, digest: str, identity: EmbedderIdentity, graph: Mapping[str, int] = PLAIN
) -> Any:
    """The empty collection of index `name`, marked with what it will hold; `graph` is PLAIN or FINE."""
    return client.create_collection(
        collection_name(name),
        embedding_function=None,
        configuration={"hnsw": {"space": "l2", **graph}},
        metadata=marks(digest, identity),
    )


def marks(digest: str, identity: EmbedderIdentity) -> dict[str, str]:
    """What a collection says of itself: what it was made for and with."""
    return {_DIGEST: digest, _EMBEDDER: embedder_mark(identity)}


def fill(
    collection: Any,
    rows: Sequence[Row],
    vectors: NDArray[float32],
    *,
    report: Report = silent,
    stop: Stop = never,
) -> None:
    """Adds all rows. Raises Cancelled between batches, MachineryError when Chroma took fewer."""
    for at in range(0, len(rows), BATCH):
        check(stop, "building the index")
        batch = rows[at : at + BATCH]
        collection.add(
            ids=[row.id for row in batch],
            documents=[row.document for row in batch],
            embeddings=vectors[at : at + BATCH],
            metadatas=[_metadata(row) for row in batch],
        )
        report(Progress("writing", at + len(batch), len(rows)))
    if collection.count() != len(rows):
        raise MachineryError(f"Chroma kept {collection.count():,} of {len(rows):,} rows; build again.")


def find(client: Any, collection: str) -> Any:
    """The collection called `collection`. Raises MachineryError when it is not in this directory."""
    try:
        return client.get_collection(collection, embedding_function=None)
    except Exception as error:
        reason = one_line(str(error))
        raise MachineryError(f"collection {one_line(collection)} cannot be opened: {reason}.") from None


def digest_in(collection: Any) -> str:
    """The content digest that the collection was made for."""
    return str((collection.metadata or {}).get(_DIGEST, ""))


def embedder_in(collection: Any) -> str:
    """The embedder mark that the collection was made with."""
    return str((collection.metadata or {}).get(_EMBEDDER, ""))


def _metadata(row: Row) -> Metadata | None:
    return row.metadata or None  # Chroma refuses an empty one
