"""Building an index of 100,000 short documents beside a bare Chroma add of the same rows: time, peak memory.

`python -m benchmarks index_large`, or `python -m benchmarks.index_large [rows]`; it takes minutes. Each side
runs in a process of its own, so that its peak is its own. Bare Chroma gets the vectors of the first build.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.index import NAME, NOW

ROWS = 100_000
_AIM = "under 24 GiB"
_MB = 1_000_000
_WORDS = 20
"""Of each kind in one document."""


def run(rows: int = ROWS) -> list[dict[str, Any]]:
    """Each line: {name, ours, floor, peer, unit, ratio, aim}; every process runs once."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _write(place / "rows.jsonl", rows)
        lexical = _measured("lexical", place)
        _bring(place)
        given = _measured("given", place)
        bare = _measured("bare", place)
        changed = _measured("changed", place)
    what = f"an index of {rows:,} short documents"
    return [
        _line(f"build and seal {what}, vectors given", given["seconds"], bare["seconds"], "s"),
        _line(f"build and seal {what}, lexical embedder", lexical["seconds"], bare["seconds"], "s"),
        _line("the same on a parent, 50 documents changed", changed["seconds"], bare["seconds"], "s"),
        _line("peak memory, vectors given", given["peak"] / _MB, bare["peak"] / _MB, "MB", _AIM),
        _line("peak memory, lexical embedder", lexical["peak"] / _MB, bare["peak"] / _MB, "MB", _AIM),
        _line("peak memory, on a parent", changed["peak"] / _MB, bare["peak"] / _MB, "MB", _AIM),
    ]


def _write(path: Path, rows: int) -> None:
    """Texts that are near and far as those of a handbook are: half of their words are common ones, half are
    those of one topic among many. (Words drawn evenly give vectors that are all equally far from each other,
    where no approximate index finds much; bare Chroma then misses a fifth of the rows that it was given.)"""
    import numpy

    chance = numpy.random.default_rng(1)
    common = numpy.minimum(chance.zipf(1.3, size=(rows, _WORDS)), 3000)
    topics = chance.integers(0, max(1, rows // 200), size=rows)
    words = topics[:, None] * 60 + chance.integers(0, 60, size=(rows, _WORDS))
    with path.open("w") as file:
        for number in range(rows):
            pairs = zip(common[number], words[number], strict=True)
            text = f"passage {number} {' '.join(f'word{one} topic{two}' for one, two in pairs)}"
            file.write(json.dumps({"id": f"row{number:07d}", "document": text}) + "\n")


def _bring(place: Path) -> None:
    """`given.jsonl`: the rows with the vectors of the first build."""
    from indexes.export import read_rows, read_vectors

    sealed = _sealed(place / "lexical")
    with (place / "given.jsonl").open("w") as file:
        for row, vector in zip(read_rows(sealed), read_vectors(sealed, 384), strict=True):
            line = {"id": row.id, "document": row.document, "embedding": vector.tolist()}
            file.write(json.dumps(line) + "\n")


def _sealed(home: Path) -> Path:
    [sealed] = (home / NAME / "sealed").iterdir()
    return sealed


def _measured(side: str, place: Path) -> dict[str, float]:
    """{seconds, peak}: of one side, its imports left out of the seconds; `peak` in bytes."""
    print(f"  {side} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.index_large", "--side", side, str(place)]
    root = Path(__file__).resolve().parent.parent
    ended = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, env=dict(os.environ))
    measured: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    print(f"  {side}: {measured}", file=sys.stderr, flush=True)
    return measured


def _build(place: Path, source: str, home: str) -> None:
    from indexes.build import build
    from indexes.embedders import get_embedder

    build(place / home, NAME, place / source, embedder=get_embedder("lexical"), now=NOW)


def _changed(place: Path) -> None:
    """A version on the first one as parent, with some documents rewritten."""
    from indexes.build import build
    from indexes.embedders import get_embedder
    from indexes.seal import read_seal
    from store.records.versions import IndexManifest

    seal = read_seal(_sealed(place / "lexical"))
    facts = seal.model_dump(exclude={"format", "space"})
    parent = IndexManifest(**facts, built_at=NOW)
    build(
        place / "lexical",
        NAME,
        place / "changed.jsonl",
        embedder=get_embedder("lexical"),
        now=NOW,
        parent=parent,
        parent_version="v1",
    )


def _rewrite(place: Path) -> None:
    lines = (place / "rows.jsonl").read_text().splitlines(keepends=True)
    lines[:50] = [line.replace("passage", "paragraph", 1) for line in lines[:50]]
    (place / "changed.jsonl").write_text("".join(lines))


def _bare(place: Path) -> None:
    """The rows of the first build, added as they stand."""
    from indexes.collection import BATCH, opened_client

    with opened_client(place / "bare") as client:
        collection = client.create_collection(
            NAME, embedding_function=None, configuration={"hnsw": {"space": "l2"}}
        )
        ids: list[str] = []
        documents: list[str] = []
        embeddings: list[list[float]] = []
        with (place / "given.jsonl").open() as file:
            for line in file:
                row = json.loads(line)
                ids.append(row["id"])
                documents.append(row["document"])
                embeddings.append(row["embedding"])
                if len(ids) == BATCH:
                    collection.add(ids=ids, documents=documents, embeddings=embeddings)
                    ids, documents, embeddings = [], [], []
        if ids:
            collection.add(ids=ids, documents=documents, embeddings=embeddings)


def _side(side: str, place: Path) -> None:
    import chromadb  # noqa: F401  (importing it is nobody's cost here)
    import numpy  # noqa: F401

    works: dict[str, Callable[[], None]] = {
        "lexical": lambda: _build(place, "rows.jsonl", "lexical"),
        "given": lambda: _build(place, "given.jsonl", "given"),
        "bare": lambda: _bare(place),
        "changed": lambda: _changed(place),
    }
    if side == "changed":
        _rewrite(place)
    began = time.perf_counter()
    works[side]()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}))


def _line(name: str, ours: float, floor: float, unit: str, aim: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 1),
        "floor": round(floor, 1),
        "peer": "bare Chroma",
        "unit": unit,
        "ratio": round(ours / floor, 2),
        "aim": aim,
    }


def main() -> None:
    if sys.argv[1:2] == ["--side"]:
        _side(sys.argv[2], Path(sys.argv[3]))
        return
    for line in run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS):
        sides = f"{line['ours']} {line['unit']}, {line['peer']} {line['floor']} {line['unit']}"
        print(f"{line['name']}: {sides}, ratio {line['ratio']}")


if __name__ == "__main__":
    main()
