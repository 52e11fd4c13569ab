"""What ten versions of one index take once they are archived, beside ten full copies.

`python -m benchmarks.archives [rows]`; 10,000 rows take minutes, most of them to build the ten.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.index import NAME, NOW, Prepared, seconds
from indexes.archive import archive, restore, shelf
from indexes.build import build
from indexes.collection import opened_client
from indexes.sealed import sealed_path, verify
from store.records.versions import IndexManifest

VERSIONS, APART = 10, 50
_MB = 1_000_000
_AIM = "at most 60 MB for 10,000"
_RESTORED = 3


def run(rows: int = 2000) -> list[dict[str, Any]]:
    """Each line: {name, ours, floor, peer, unit, ratio, aim}."""
    prepared = Prepared(rows + APART * (VERSIONS - 1), varied=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        home = place / "home"
        with opened_client(place / "warm"):
            pass
        versions = _built(place, home, rows, prepared)
        sealed = [sealed_path(home, NAME, one.digest) for one in versions]
        full = [sum(file.stat().st_size for file in one.rglob("*") if file.is_file()) for one in sealed]
        packing = [seconds(partial(archive, home, NAME, one)) for one in versions]
        sizes = [one.size for one in shelf(home, NAME)]
        copying = [_copied(one, place / f"copy{at}") for at, one in enumerate(sealed[-_RESTORED:])]
        unpacking = [_restored(home, one) for one in versions[-_RESTORED:]]
    what = f"an index of {rows:,} rows"
    return [
        _line(
            f"ten versions of {what}, {APART} apart, archived", sum(sizes) / _MB, sum(full) / _MB, "MB", _AIM
        ),
        _line("one more version of it", statistics.median(sizes) / _MB, full[0] / _MB, "MB"),
        _line(f"archive {what}, checked", statistics.median(packing), statistics.median(copying), "s"),
        _line(f"restore {what}, checked", statistics.median(unpacking), statistics.median(copying), "s"),
    ]


def _built(place: Path, home: Path, rows: int, prepared: Prepared) -> list[IndexManifest]:
    """Each version has `APART` documents rewritten that the one before has."""
    texts = prepared.texts[:rows]
    versions: list[IndexManifest] = []
    for turn in range(VERSIONS):
        if turn:
            fresh = rows + APART * (turn - 1)
            texts[APART * turn : APART * (turn + 1)] = prepared.texts[fresh : fresh + APART]
        source = place / f"rows{turn}.jsonl"
        lines = ({"id": f"row{n:07d}", "document": text} for n, text in enumerate(texts))
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        parent = versions[-1] if versions else None
        versions.append(build(home, NAME, source, embedder=prepared, parent=parent, now=NOW))
        print(f"built {turn + 1} of {VERSIONS}", file=sys.stderr, flush=True)
    return versions


def _copied(sealed: Path, target: Path) -> float:
    return seconds(partial(shutil.copytree, sealed, target))


def _restored(home: Path, manifest: IndexManifest) -> float:
    shutil.rmtree(sealed_path(home, NAME, manifest.digest))
    took = seconds(partial(restore, home, NAME, manifest))
    verify(home, NAME, manifest, full=True)
    return took


def _line(name: str, ours: float, floor: float, unit: str, aim: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 2),
        "floor": round(floor, 2),
        "peer": "full copies" if unit == "MB" else "copying its folder",
        "unit": unit,
        "ratio": round(ours / floor, 2),
        "aim": aim,
    }


def main() -> None:
    for line in run(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
        aim = f" (aim: {line['aim']})" if line["aim"] else ""
        unit = line["unit"]
        print(f"{line['name']}: {line['ours']} {unit}, {line['peer']} {line['floor']} {unit}{aim}")


if __name__ == "__main__":
    main()
