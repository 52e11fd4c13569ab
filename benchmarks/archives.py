"""What ten versions of one index take once they are archived, beside ten full copies, and beside restic and
borg where they are installed (Debian's packages).

`python -m benchmarks.archives [rows]`; 10,000 rows take minutes, most of them to build the ten.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
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
        peers = [tool(place, sealed) for tool in (_restic, _borg) if shutil.which(tool.__name__[1:])]
        unpacking = [_restored(home, one) for one in versions[-_RESTORED:]]
    what = f"an index of {rows:,} rows"
    return [
        _line(
            f"ten versions of {what}, {APART} apart, archived", sum(sizes) / _MB, sum(full) / _MB, "MB", _AIM
        ),
        *(
            _line(f"… the same in {one.name}", sum(sizes) / _MB, one.size / _MB, "MB", peer=one.name)
            for one in peers
        ),
        _line("one more version of it", statistics.median(sizes) / _MB, full[0] / _MB, "MB"),
        _line(f"archive {what}, checked", statistics.median(packing), statistics.median(copying), "s"),
        _line(f"restore {what}, checked", statistics.median(unpacking), statistics.median(copying), "s"),
        *(
            _line(f"… the same by {one.name}", statistics.median(unpacking), one.restore, "s", peer=one.name)
            for one in peers
        ),
    ]


@dataclass(frozen=True)
class _Peer:
    """A backup tool that was given the same sealed folders one after the other."""

    name: str
    size: int
    """Bytes of its repository with all of them."""
    restore: float
    """Seconds to bring the last one back, median of three."""


def _restic(place: Path, folders: list[Path]) -> _Peer:
    repo, environment = place / "restic", {**os.environ, "RESTIC_PASSWORD": "none"}
    base = ["restic", "--quiet", "--no-cache", "-r", str(repo)]

    def ran(*arguments: str) -> None:
        subprocess.run([*base, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)

    ran("init")
    for folder in folders:
        ran("backup", str(folder))
    took = [
        seconds(partial(ran, "restore", "latest", "--target", str(place / f"restic{n}")))
        for n in range(_RESTORED)
    ]
    return _Peer("restic", _size(repo), statistics.median(took))


def _borg(place: Path, folders: list[Path]) -> _Peer:
    repo, out = place / "borg", place / "borg-out"
    environment = {**os.environ, "BORG_BASE_DIR": str(place / "borg-home")}
    out.mkdir()

    def ran(*arguments: str) -> None:
        subprocess.run(["borg", *arguments], env=environment, check=True, cwd=out, stdout=subprocess.DEVNULL)

    ran("init", "--encryption", "none", str(repo))
    for number, folder in enumerate(folders):
        ran("create", f"{repo}::v{number}", str(folder))
    took = [seconds(partial(ran, "extract", f"{repo}::v{len(folders) - 1}")) for _ in range(_RESTORED)]
    return _Peer("borg", _size(repo), statistics.median(took))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


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


def _line(
    name: str, ours: float, floor: float, unit: str, aim: str = "", *, peer: str = ""
) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 2),
        "floor": round(floor, 2),
        "peer": peer or ("full copies" if unit == "MB" else "copying its folder"),
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
