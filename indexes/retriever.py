"""Asks an opened copy, or a collection on a server, for the passages nearest to a text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexes.chroma_server import ChromaServer, answering, connect
from indexes.collection import embedder_in, embedder_mark, find, open_client
from indexes.embedders import Embedder
from indexes.rows import source_of
from store.errors import LockgateError, MachineryError
from store.text import one_line


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage that was found."""

    id: str
    """The row's id."""
    source: str
    """The source document it comes from."""
    text: str
    distance: float
    """Squared l2 distance between unit vectors: 0 is equal, 4 is opposite."""


class Retriever:
    """An open copy and the embedder that its vectors were made with. Safe to use from several threads."""

    def __init__(self, client: Any, collection: Any, embedder: Embedder) -> None:
        self._client = client
        self._collection = collection
        self._embedder = embedder
        self._count = int(collection.count())
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, path: Path | ChromaServer, collection: str, embedder: Embedder) -> Retriever:
        """Opens the copy at `path`, or the collection on that server.

        Raises MachineryError when it is not there, cannot be opened, or was made with another embedder.
        """
        if isinstance(path, ChromaServer):
            with answering(path):
                return cls._of(connect(path), path, collection, embedder)
        return cls._of(_opened(path), path, collection, embedder)

    @classmethod
    def _of(cls, client: Any, path: Path | ChromaServer, collection: str, embedder: Embedder) -> Retriever:
        try:
            found = find(client, collection)
            made_with, asked_with = embedder_in(found), embedder_mark(embedder.identity)
            if made_with != asked_with:
                raise MachineryError(
                    f"{path} was embedded with {one_line(made_with)}, not with {one_line(asked_with)}; "
                    "questions need the same embedder."
                )
            return cls(client, found, embedder)
        except BaseException:
            client.close()
            raise

    def query(self, texts: Sequence[str], k: int) -> list[list[Passage]]:
        """The `k` nearest passages (fewer in a smaller index) of each text. Raises MachineryError."""
        if not texts or k < 1 or self._count == 0:
            return [[] for _ in texts]
        try:
            answers = self._collection.query(
                query_embeddings=self._embedder.embed(texts),
                n_results=min(k, self._count),
                include=["documents", "metadatas", "distances"],
            )
        except LockgateError:
            raise
        except Exception as error:
            raise MachineryError(f"the index could not be asked: {one_line(str(error))}.") from None
        return [
            [
                Passage(id, source_of(id, metadata or {}), document or "", float(distance))
                for id, metadata, document, distance in zip(*answer, strict=True)
            ]
            for answer in zip(
                answers["ids"], answers["metadatas"], answers["documents"], answers["distances"], strict=True
            )
        ]

    def close(self) -> None:
        """Lets go of the copy; a second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._client.close()

    def __enter__(self) -> Retriever:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(path: Path) -> Any:
    if not (path / "chroma.sqlite3").is_file():
        raise MachineryError(f"{path} holds no Chroma index; open the index version again.")
    try:
        return open_client(path)
    except Exception as error:
        raise MachineryError(f"{path} cannot be opened: {one_line(str(error))}.") from None
