"""An index version as a collection of a Chroma server: filled from the sealed export, checked, found again.

One collection a version, `<name>--<version>`, that says in its metadata whose it is, what it holds, and
whether it was whole once. Filling adds only rows that are not there yet, so it goes on after either side
died.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexes import probes as golden
from indexes.chroma_server import ChromaServer, connected
from indexes.disk import one_sentence
from indexes.leases import used
from indexes.probes import AGREEMENT, Probe, ProbeResult, read_probes
from indexes.sealed import sealed_path, trusted_files
from indexes.server_filling import filled
from indexes.server_marks import (
    Kept,
    Wanted,
    find_ours,
    get_collection,
    kept_of,
    mark_complete,
    was_complete,
)
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, never, silent

_PAGE = 200


def ensure(
    server: ChromaServer, home: Path, wanted: Wanted, *, report: Report = silent, stop: Stop = never
) -> str:
    """The collection of `wanted`, whole and probed: one that stands is only asked, else it is filled from the
    sealed folder in `home`. Returns its name.

    Raises ServerAway; MachineryError where the name is taken by other content, rows are on the server that
    do not belong there, its answers are wrong, or the sealed folder is damaged; Cancelled. What was filled by
    then stays, and the next call goes on with it.
    """
    sealed = sealed_path(home, wanted.name, wanted.manifest.digest)
    with one_sentence(home / wanted.name), used(sealed), connected(server) as client:
        trusted_files(sealed, wanted.name, wanted.manifest)
        asked = read_probes(sealed)
        collection = find_ours(client, server, wanted)
        if collection is None or not _is_whole(collection, wanted):
            collection = filled(client, server, collection, sealed, wanted, report, stop)
        report(Progress("probing", note=wanted.collection))
        _check(collection, server, wanted, asked)
        if not was_complete(collection, wanted):
            mark_complete(collection, wanted)
    return wanted.collection


def stands(server: ChromaServer, wanted: Wanted) -> bool:
    """Whether the collection was whole once and has as many rows as it should. Raises ServerAway, and
    MachineryError where its name is taken by other content."""
    with connected(server) as client:
        collection = find_ours(client, server, wanted)
        return collection is not None and _is_whole(collection, wanted)


def verify(server: ChromaServer, home: Path, wanted: Wanted) -> ProbeResult | None:
    """What the collection answers to the golden queries; None where it does not stand (yet).

    Raises ServerAway; MachineryError where it was whole and has lost rows, or answers wrongly.
    """
    asked = read_probes(sealed_path(home, wanted.name, wanted.manifest.digest))
    with connected(server) as client:
        collection = find_ours(client, server, wanted)
        if collection is None or not was_complete(collection, wanted):
            return None
        return _check(collection, server, wanted, asked)


def ours(server: ChromaServer, store: str) -> tuple[Kept, ...]:
    """The collections on `server` that carry the mark of `store`, by name. Raises ServerAway."""
    with connected(server) as client:
        found = [kept for one in _every(client) if (kept := kept_of(one, store))]
    return tuple(sorted(found, key=lambda one: one.collection))


def remove(server: ChromaServer, store: str, kept: Kept) -> bool:
    """Deletes a collection of `store`; False where it is gone or is another one by now. Raises ServerAway."""
    with connected(server) as client:
        found = get_collection(client, kept.collection)
        if found is None or kept_of(found, store) != kept:
            return False
        client.delete_collection(kept.collection)
        return True


def _every(client: Any) -> Iterator[Any]:
    at = 0
    while page := client.list_collections(limit=_PAGE, offset=at):
        yield from page
        at += len(page)


def _is_whole(collection: Any, wanted: Wanted) -> bool:
    return was_complete(collection, wanted) and collection.count() == wanted.manifest.passages


def _check(collection: Any, server: ChromaServer, wanted: Wanted, asked: tuple[Probe, ...]) -> ProbeResult:
    """Raises MachineryError unless as many rows are there as were sealed and they answer as they did then."""
    where = f"collection {wanted.collection} on {server}"
    again = "Delete it there, and the next switch, `lockgate sync` or controller fills it again."
    if (count := collection.count()) != wanted.manifest.passages:
        raise MachineryError(
            f"{where} holds {count:,} rows, {wanted.manifest.passages:,} were sealed; it is not used. {again}"
        )
    result = golden.ask(collection, asked)
    if min(result.top1, result.overlap) < AGREEMENT:
        raise MachineryError(
            f"{where} failed its probes ({result.top1:.0%} nearest rows right, {result.overlap:.0%} of the "
            f"expected rows found); it is not used. {again}"
        )
    return result
