"""Reads a collection of somebody else's Chroma, in a process of its own: damaged files can crash Chroma.

`python -m indexes.chroma_reading` reads one JSON request `{path | server, headers; collection, out,
needs_mark}` from standard input, writes `rows.jsonl` and `vectors.f32` into the folder `out`, tells
`{"at", "of"}` a line on standard output, and ends with `{"ok": true, …}` or `{"ok": false, "error", "kind"}`.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexes.chroma_server import ChromaServer, client_of
from indexes.collection import embedder_in, open_client
from indexes.embedders import CHOICES
from store.errors import InputError, LockgateError, MachineryError
from store.text import one_line

ROWS, VECTORS = "rows.jsonl", "vectors.f32"
_PAGE = 500
_NAMES = 10


def main() -> None:
    """The process's whole life: one request, its rows, one answer."""
    request = json.loads(sys.stdin.buffer.read())
    try:
        answer = {"ok": True, **_read(request)}
    except LockgateError as error:
        answer = {"ok": False, "error": error.message, "kind": type(error).__name__}
    except Exception as error:
        answer = {"ok": False, "error": one_line(str(error), 300) or type(error).__name__, "kind": ""}
    _tell(answer)


def _tell(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _read(request: dict[str, Any]) -> dict[str, Any]:
    with _client(request) as client:
        collection = _found(client, request["collection"])
        if request["needs_mark"] and not embedder_in(collection):
            raise _nameless(collection)
        count = collection.count()
        rows, dimension = _export(collection, count, Path(request["out"]))
        if not rows == count == collection.count():
            raise MachineryError("it changed while it was read; stop what writes to it and import again.")
        return {
            "rows": rows,
            "dimension": dimension,
            "space": _space(collection),
            "embedder": embedder_in(collection),
        }


@contextmanager
def _client(request: dict[str, Any]) -> Iterator[Any]:
    if "path" in request:
        client = open_client(Path(request["path"]))
    else:
        server = ChromaServer.parse(request["server"])
        client = client_of(dataclasses.replace(server, headers=request["headers"]))
    try:
        yield client
    finally:
        client.close()


def _found(client: Any, wanted: str | None) -> Any:
    names = sorted(one.name for one in client.list_collections())
    shown = ", ".join(one_line(name, 60) for name in names[:_NAMES])
    shown += f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
    if not names:
        raise InputError("it has no collection; there is nothing to import.")
    if wanted is None and len(names) > 1:
        raise InputError(f"it has several collections: name one of {shown} with --collection.")
    if wanted is not None and wanted not in names:
        raise InputError(f"it has no collection {one_line(wanted, 60)!r}; there are {shown}.")
    return client.get_collection(wanted or names[0], embedding_function=None)


def _export(collection: Any, count: int, out: Path) -> tuple[int, int]:
    """Both files, page by page; returns rows and dimension."""
    import numpy

    rows, dimension = 0, 0
    with (out / ROWS).open("x", encoding="utf-8") as lines, (out / VECTORS).open("xb") as vectors:
        while True:
            page = collection.get(limit=_PAGE, offset=rows, include=["embeddings", "documents", "metadatas"])
            if not page["ids"]:
                return rows, dimension
            found = numpy.asarray(page["embeddings"], dtype="<f4")
            dimension = dimension or found.shape[1]
            if found.shape != (len(page["ids"]), dimension):
                raise MachineryError("it gives vectors of different lengths; it is damaged.")
            vectors.write(found.tobytes())
            for id, document, metadata in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
                line = {"id": id, "document": document, "metadata": metadata}
                lines.write(json.dumps(line, default=lambda _: []) + "\n")  # a list is refused by name
            rows += len(page["ids"])
            _tell({"at": rows, "of": max(rows, count)})


def _space(collection: Any) -> str:
    configuration = collection.configuration_json or {}
    for kind in ("hnsw", "spann"):
        if isinstance(found := configuration.get(kind), dict) and found.get("space"):
            return str(found["space"])
    return str((collection.metadata or {}).get("hnsw:space", "l2"))


def _nameless(collection: Any) -> InputError:
    """Chroma notes its default embedding function also where nobody chose one, so that is only told."""
    noted = (collection.configuration_json or {}).get("embedding_function")
    name = one_line(str(noted.get("name") or ""), 40) if isinstance(noted, dict) else ""
    told = f" (Chroma noted {name!r})" if name else ""
    return InputError(
        f"nothing says for sure which embedder made its vectors{told}: name it with --embedder, "
        f"one of {', '.join(CHOICES)}."
    )


if __name__ == "__main__":
    main()
