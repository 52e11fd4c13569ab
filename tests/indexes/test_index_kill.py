"""kill -9 at random moments of a build: the next one works, and nothing half-made is ever visible."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from making_indexes import NAME, build_here, left_in_tmp, manifest_of, numbered_rows, write_rows

from indexes.opened import latest_copy, sweep_copies
from indexes.sealed import SEALED, verify

ROWS = 200
FOREVER = 120.0


@contextmanager
def killer() -> Iterator[Any]:
    """A function that runs one builder and kills it."""
    script = Path(__file__).with_name("killing_builders.py")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    stdin, stdout = process.stdin, process.stdout
    assert stdout.readline() == "{}\n"

    def attempt(home: Path, source: Path, seconds: float, *, opening: bool = False) -> dict[str, Any]:
        request = {"home": str(home), "source": str(source), "seconds": seconds, "open": opening}
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    with process:
        yield attempt
        stdin.close()


def check_what_is_visible(home: Path) -> int:
    """Everything in sealed/ is whole; returns how many there are."""
    folder = home / NAME / SEALED
    sealed = list(folder.iterdir()) if folder.is_dir() else []
    for one in sealed:
        manifest = manifest_of(one)
        assert manifest.digest[7:39] == one.name
        verify(home, NAME, manifest, full=True)
    return len(sealed)


def torture(home: Path, folder: Path, kills: int, *, opening: bool) -> None:
    """Builders, each with content of its own, killed at random moments until `kills` have died at work."""
    chance = random.Random(kills)
    with killer() as attempt:
        source = write_rows(folder / "rows.jsonl", numbered_rows(ROWS, "first"))
        takes = attempt(home, source, FOREVER, opening=opening)["seconds"]
        died = sealed = 0
        while died < kills:
            source = write_rows(folder / "rows.jsonl", numbered_rows(ROWS, f"round {died} {sealed}"))
            ended = attempt(home, source, chance.uniform(0, takes), opening=opening)
            assert ended["code"] in (0, -9), ended
            died += not ended["finished"]
            takes = min(takes, ended["seconds"]) if ended["finished"] else takes
            before, sealed = sealed, check_what_is_visible(home)
            assert before <= sealed <= before + 2
        manifest = build_here(home, source)
        verify(home, NAME, manifest, full=True)
        assert latest_copy(home, NAME, manifest) is None, "no copy was probed, so none is trusted"
    assert left_in_tmp(home) == [], "the next build removes what the dead left"


def test_builders_killed_at_random_moments(home: Path, tmp_path: Path) -> None:
    torture(home, tmp_path, 15, opening=False)


@pytest.mark.heavy
def test_openers_killed_at_random_moments(home: Path, tmp_path: Path) -> None:
    torture(home, tmp_path, 5, opening=True)
    live = home / NAME / "live"
    copies = sorted((path for path in live.iterdir() if path.is_dir()), key=lambda copy: copy.name[12:])
    assert all((copy / "chroma.sqlite3").is_file() for copy in copies)
    sweep_copies(home, NAME, {copies[-1]})
    assert [path.name for path in live.iterdir()] == [copies[-1].name]


@pytest.mark.heavy
def test_two_hundred_kills(home: Path, tmp_path: Path) -> None:
    torture(home, tmp_path, 200, opening=True)
