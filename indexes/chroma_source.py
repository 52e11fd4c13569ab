"""Rows and vectors of an existing Chroma: a directory, opened as a copy, or a server's collection."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from indexes.chroma_copy import copy_directory
from indexes.chroma_reading import ROWS, VECTORS
from indexes.chroma_server import ChromaServer
from indexes.disk import one_sentence
from indexes.rows import Loaded, Row, checked_row, refuse_duplicates
from indexes.scratch import scratch
from store.bounded import LINE_LIMIT, parse_json
from store.errors import InputError, LockgateError, MachineryError
from store.progress import Progress, Report, Stop, check
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_WHAT = "importing the index"
_LOOK_SECONDS = 0.05
"""How often it is looked whether to stop."""
_PATIENCE_SECONDS = 300.0
"""Without a word from the reading process."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection holds."""

    loaded: Loaded
    """Its rows, each with its vector as it was, which lies in a file that goes when it is left."""
    dimension: int
    space: str
    """l2, cosine or ip."""
    unit_length: bool
    """Whether all vectors have it, to a thousandth."""
    embedder: str
    """The canonical JSON of the embedder, where Lockgate made the collection; else empty."""


@contextmanager
def collected(
    folder: Path,
    source: Path | ChromaServer,
    collection: str | None,
    needs_mark: bool,
    report: Report,
    stop: Stop,
) -> Iterator[Collected]:
    """The rows of `collection`, or of the only one, with a scratch folder in `folder`/tmp for as long.

    A directory is copied first, because opening it would write to it. Raises InputError for a place that is
    no Chroma, an unknown collection, with `needs_mark` one that does not name its embedder, or rows that an
    index cannot hold; MachineryError for what is damaged, out of reach or changes meanwhile; Cancelled.
    """
    with one_sentence(folder), scratch(folder / "tmp") as work:
        request: dict[str, Any] = {"collection": collection, "out": str(work), "needs_mark": needs_mark}
        if isinstance(source, ChromaServer):
            request["server"], request["headers"] = str(source), dict(source.headers)
        else:
            request["path"] = str(work / "copy")
            copy_directory(source, work / "copy", report, stop)
        shown = one_line(str(source), 200)
        told = _told(request, shown, report, stop)
        yield _gathered(work, told, shown, stop)


def _told(request: dict[str, Any], shown: str, report: Report, stop: Stop) -> dict[str, Any]:
    """The last answer of the reading process, which is killed when it is left early."""
    with tempfile.TemporaryFile() as trouble:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "indexes.chroma_reading"],  # -P: the workspace has `indexes` too
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=trouble,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        )
        with process:
            try:
                last = _listen(process, request, shown, report, stop)
            finally:
                process.kill()
        if last.get("ok"):
            return last
        if "error" in last:
            raise _refused(last, shown, "path" in request)
        trouble.seek(0)
        said = one_line(trouble.read()[-2000:].decode(errors="replace").strip().rsplit("\n", 1)[-1])
        how = f"exit {process.returncode}" + (f": {said}" if said else "")
        raise MachineryError(f"{shown} crashed Chroma ({how}); its files are damaged.")


def _refused(last: dict[str, Any], shown: str, is_directory: bool) -> LockgateError:
    if last["kind"] == InputError.__name__:
        return InputError(f"{shown}: {last['error']}")
    if last["kind"]:
        return MachineryError(f"{shown}: {last['error']}")
    way = "its files may be damaged" if is_directory else "see whether the server runs and is Chroma 1"
    return MachineryError(f"{shown} cannot be read: {last['error']}; {way}.")


def _listen(
    process: subprocess.Popen[bytes], request: dict[str, Any], shown: str, report: Report, stop: Stop
) -> dict[str, Any]:
    """What the process said last; `{}` when it died without a word."""
    assert process.stdin and process.stdout
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    output = process.stdout

    def pump() -> None:
        with suppress(ValueError):  # closed under it, once nobody listens any more
            for line in output:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    with suppress(BrokenPipeError):  # it died early; what it said tells why
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
    heard = monotonic()
    while True:
        check(stop, _WHAT)
        try:
            line = lines.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            if monotonic() - heard > _PATIENCE_SECONDS:
                raise MachineryError(f"{shown} gave nothing for {_PATIENCE_SECONDS:.0f} s.") from None
            continue
        heard = monotonic()
        if line is None:
            process.wait(_PATIENCE_SECONDS)
            return {}
        value = _value(line)
        if "at" in value:
            report(Progress("reading", value["at"], value["of"]))
        elif "ok" in value:
            return value


def _value(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:  # a library's own words
        return {}
    return value if isinstance(value, dict) else {}


def _gathered(work: Path, told: dict[str, Any], shown: str, stop: Stop) -> Collected:
    if not told["rows"]:
        raise InputError(f"{shown}: the collection is empty; there is nothing to import.")
    vectors = _mapped(work / VECTORS, told["dimension"])
    rows: list[Row] = []
    with (work / ROWS).open("rb") as lines:
        for number, (line, vector) in enumerate(zip(lines, vectors, strict=True), 1):
            if number % 1000 == 0:
                check(stop, _WHAT)
            rows.append(_row(line, vector, f"{shown}, row {number}"))
    refuse_duplicates(tuple(rows), shown)
    lengths = _lengths(vectors, rows, shown)
    return Collected(
        loaded=Loaded(tuple(rows), len({row.source for row in rows}), ""),
        dimension=told["dimension"],
        space=told["space"],
        unit_length=bool((abs(lengths - 1) < 1e-3).all()),
        embedder=told["embedder"],
    )


def _mapped(path: Path, dimension: int) -> NDArray[float32]:
    import numpy

    flat: NDArray[float32] = numpy.memmap(path, dtype="<f4", mode="r")
    return flat.reshape(-1, dimension)


def _row(line: bytes, vector: NDArray[float32], where: str) -> Row:
    value = parse_json(line.rstrip(b"\n"), where, LINE_LIMIT)
    id, document, metadata = value["id"], value["document"], value["metadata"] or {}
    if document is None:
        raise InputError(
            f"{where} ({one_line(id, 80)}) has no document, only a vector; add its text or drop it."
        )
    return checked_row(id, document, metadata, f"{where} ({one_line(id, 80)})", vector)


def _lengths(vectors: NDArray[float32], rows: list[Row], shown: str) -> NDArray[float32]:
    """The length of each vector. Raises InputError for one that points nowhere."""
    import numpy

    lengths = numpy.empty(len(rows), dtype=numpy.float32)
    for at in range(0, len(rows), 1000):
        lengths[at : at + 1000] = numpy.linalg.norm(vectors[at : at + 1000], axis=1)
    wrong = numpy.flatnonzero(~(numpy.isfinite(lengths) & (lengths > 0)))
    if len(wrong):
        id = one_line(rows[int(wrong[0])].id, 80)
        raise InputError(
            f"{shown}: the vector of {id} is zero or not finite; drop that row and import again."
        )
    return lengths
