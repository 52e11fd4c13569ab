"""What a collection on a server is called, and what it says of itself: whose it is and what it holds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from indexes.chroma_server import ChromaServer
from indexes.collection import digest_in, marks
from store.errors import MachineryError
from store.records.base import Digest
from store.records.component import check_name
from store.records.versions import IndexManifest
from store.text import one_line

_STORE, _INDEX, _VERSION = "lockgate.store", "lockgate.index", "lockgate.version"
_COMPLETE = "lockgate.complete"
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Kept:
    """A collection of ours on a server."""

    collection: str
    index: str
    version: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a collection has to hold, and whose it is."""

    store: str
    """The id of the store that the version belongs to: another store's collections are not touched."""
    name: str
    """The index."""
    version: str
    manifest: IndexManifest

    @property
    def collection(self) -> str:
        """What it is called."""
        return server_name(self.name, self.version)


def server_name(name: str, version: str) -> str:
    """The collection of a version: `<name>--<version>`.

    A name that Chroma would not take is shortened and ends with a hash of all of it behind a capital letter,
    which no index name has; so two versions never share one.
    """
    plain = f"{check_name(name, 'index name')}--{version}"
    if len(plain) <= _LONGEST and ".." not in plain:
        return plain
    hash = hashlib.sha256(name.encode()).hexdigest()[:12]
    head = re.sub(r"\.{2,}", ".", name)[: _LONGEST - len(version) - len(hash) - 4].rstrip("._-")
    return f"{head}-H{hash}--{version}"


def marks_of(wanted: Wanted) -> dict[str, str]:
    """The metadata of a collection that is about to be filled."""
    marked = {_STORE: wanted.store, _INDEX: wanted.name, _VERSION: wanted.version}
    return {**marks(wanted.manifest.digest, wanted.manifest.embedder), **marked}


def was_complete(collection: Any, wanted: Wanted) -> bool:
    """Whether it was whole once, and answered rightly."""
    return bool((collection.metadata or {}).get(_COMPLETE) == wanted.manifest.digest)


def mark_complete(collection: Any, wanted: Wanted) -> None:
    """Writes that it is whole. Raises what Chroma raises."""
    collection.modify(metadata={**collection.metadata, _COMPLETE: wanted.manifest.digest})


def find_ours(client: Any, server: ChromaServer, wanted: Wanted) -> Any | None:
    """The collection of that name; None where there is none. Raises MachineryError for one of others."""
    found = get_collection(client, wanted.collection)
    if found is None:
        return None
    where = f"collection {wanted.collection} on {server}"
    if digest_in(found) != wanted.manifest.digest:
        raise MachineryError(
            f"{where} was made for other content ({one_line(digest_in(found), 19) or 'no digest'}, not "
            f"{wanted.manifest.digest[:19]}); remove or rename it there, or name another database."
        )
    if (found.metadata or {}).get(_STORE) != wanted.store:
        raise MachineryError(
            f"{where} belongs to another store; name a database of its own for each store "
            "(`?tenant=NAME&database=NAME` in indexes_server)."
        )
    return found


def get_collection(client: Any, name: str) -> Any | None:
    """The collection called `name`; None where there is none."""
    from chromadb.errors import NotFoundError

    try:
        return client.get_collection(name, embedding_function=None)
    except NotFoundError:
        return None


def kept_of(collection: Any, store: str) -> Kept | None:
    """What a collection says it is, where it carries the mark of `store`."""
    marked = collection.metadata or {}
    index, version = (str(marked.get(key, "")) for key in (_INDEX, _VERSION))
    digest = digest_in(collection)
    if marked.get(_STORE) != store or not (index and version and digest):
        return None
    return Kept(str(collection.name), index, version, digest)
