"""What sealing and verified switching cost beside bare Chroma, in one run on one machine.

`python -m benchmarks.index [rows]` prints the ratios; trust them, not the seconds.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.build import build
from indexes.collection import BATCH, collection_name, find, open_client, opened_client
from indexes.opened import Retriever, ensure_open, open_copy
from indexes.sealed import chroma_of, sealed_path
from store.records.versions import EmbedderIdentity, IndexManifest

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

NAME = "bench"
REPEATS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_DIMENSION = 384
_AIM = "at most 1.5×"


class Prepared:
    """An embedder that looks its vectors up, so that embedding costs neither side anything."""

    identity = EmbedderIdentity(name="lexical", dimension=_DIMENSION)

    def __init__(self, rows: int, *, varied: bool = False) -> None:
        """`varied`: each text has words of its own, as real ones do, and does not pack to nothing."""
        import numpy

        made = numpy.random.default_rng(0).normal(size=(rows, _DIMENSION)).astype(numpy.float32)
        self.vectors: NDArray[float32] = made / numpy.linalg.norm(made, axis=1, keepdims=True)
        chosen = (
            numpy.random.default_rng(1).integers(0, 5_000, size=(rows, 60)) if varied else [range(60)] * rows
        )
        self.texts = [f"passage {n} {' '.join(f'word{word}' for word in chosen[n])}" for n in range(rows)]
        self._at = {text: n for n, text in enumerate(self.texts)}

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        return self.vectors[[self._at[text] for text in texts]]


def run(rows: int = 2000) -> list[dict[str, Any]]:
    """Each line: {name, ours, floor, peer, unit, ratio, aim}; medians of interleaved repeats, in seconds."""
    prepared = Prepared(rows)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = place / "rows.jsonl"
        lines = ({"id": f"row{n:07d}", "document": text} for n, text in enumerate(prepared.texts))
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        with opened_client(place / "warm"):
            pass  # importing Chroma is nobody's cost here
        built, manifest = _building(place, source, prepared)
        return [built, *_switching(place, manifest, prepared)]


def _building(place: Path, source: Path, prepared: Prepared) -> tuple[dict[str, Any], IndexManifest]:
    ours, floor = [], []
    for turn in range(3):
        floor.append(seconds(partial(_bare_add, place / f"bare{turn}", prepared)))
        home = place / f"home{turn}"
        ours.append(seconds(partial(build, home, NAME, source, embedder=prepared, now=NOW)))
    manifest = build(home, NAME, source, embedder=prepared, now=NOW)
    (place / "home").symlink_to(home)
    return _line(f"build and seal an index of {len(prepared.texts):,} rows", ours, floor, _AIM), manifest


def _bare_add(path: Path, prepared: Prepared) -> None:
    with opened_client(path) as client:
        collection = client.create_collection(
            NAME, embedding_function=None, configuration={"hnsw": {"space": "l2"}}
        )
        for at in range(0, len(prepared.texts), BATCH):
            texts = prepared.texts[at : at + BATCH]
            ids = [f"row{n:07d}" for n in range(at, at + len(texts))]
            collection.add(ids=ids, documents=texts, embeddings=prepared.vectors[at : at + BATCH])


def _switching(place: Path, manifest: IndexManifest, prepared: Prepared) -> list[dict[str, Any]]:
    home = place / "home"
    sealed = sealed_path(home, NAME, manifest.digest)
    question = prepared.texts[:1]
    verified, bare, probed, ready, warm = [], [], [], [], []
    for turn in range(REPEATS):
        copy = place / f"copy{turn}"
        shutil.copytree(chroma_of(sealed), copy, copy_function=shutil.copyfile)
        bare.append(seconds(partial(_bare_open, copy, prepared)))
        began = time.perf_counter()
        path = open_copy(home, NAME, manifest)
        with Retriever.open(path, collection_name(NAME), prepared) as retriever:
            retriever.query(question, 3)
            verified.append(time.perf_counter() - began)
            warm.append(seconds(partial(retriever.query, question, 3)))
        began = time.perf_counter()
        with Retriever.open(_fresh(home, manifest), collection_name(NAME), prepared) as retriever:
            retriever.query(question, 3)
        probed.append(time.perf_counter() - began)
        began = time.perf_counter()
        standing = ensure_open(home, NAME, manifest)
        with Retriever.open(standing, collection_name(NAME), prepared) as retriever:
            retriever.query(question, 3)
        ready.append(time.perf_counter() - began)
    switch = f"switch to an index of {len(prepared.texts):,} rows"
    return [
        _line(f"{switch}: verify every byte, copy, open, first answer", verified, bare, ""),
        _line(f"{switch}: the same, and probed in a process of its own", probed, bare, ""),
        _line(f"{switch}: its copy stands ready, verified and probed before", ready, bare, _AIM),
        _line(f"{switch}: still open", warm, bare, "at most 0.01 s"),
    ]


def _fresh(home: Path, manifest: IndexManifest) -> Path:
    """A probed copy, made anew each time."""
    shutil.rmtree(home / NAME / "live")
    return ensure_open(home, NAME, manifest)


def _bare_open(path: Path, prepared: Prepared) -> None:
    client = open_client(path)
    find(client, collection_name(NAME)).query(query_embeddings=prepared.vectors[:1], n_results=3)
    client.close()


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _line(name: str, ours: list[float], floor: list[float], aim: str) -> dict[str, Any]:
    us, them = statistics.median(ours), statistics.median(floor)
    return {
        "name": name,
        "ours": round(us, 4),
        "floor": round(them, 4),
        "peer": "bare Chroma",
        "unit": "s",
        "ratio": round(us / them, 2),
        "aim": aim,
    }


def main() -> None:
    for line in run(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
        aim = f" (aim: {line['aim']})" if line["aim"] else ""
        print(
            f"{line['name']}: {line['ours']} s, {line['peer']} {line['floor']} s, ratio {line['ratio']}{aim}"
        )


if __name__ == "__main__":
    main()
