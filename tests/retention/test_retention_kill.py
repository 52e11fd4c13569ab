"""kill -9 at random moments of a sweep that archives: no byte is lost, and the next sweep finishes it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from indexes.archive import archive_path, check_archive, restore
from indexes.sealed import verify
from store.errors import MachineryError
from tests.retention.keeping_world import NAME, World, hashes, new_world

FOREVER = 60.0


@contextmanager
def killer() -> Iterator[Any]:
    """A function that runs one sweep of a world and kills it."""
    script = Path(__file__).with_name("killing_sweeps.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin and process.stdout
    stdin, stdout = process.stdin, process.stdout
    assert stdout.readline() == "{}\n"

    def attempt(world: World, seconds: float) -> dict[str, Any]:
        request = {
            "root": str(world.workspace.root),
            "wall": world.clock.at.isoformat(),
            "boot": world.boot.seconds,
            "seconds": seconds,
        }
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    with process:
        yield attempt
        stdin.close()


def bytes_are_there(world: World) -> None:
    """Each version is sealed and whole, or its archive is."""
    for version, manifest in world.manifests.items():
        try:
            verify(world.home, NAME, manifest)
        except MachineryError:
            assert not world.sealed(version).exists(), f"{version} is half there"
            check_archive(world.home, NAME, manifest)


def torture(folder: Path, kills: int) -> None:
    world, chance = new_world(folder / "acme"), random.Random(kills)
    with killer() as attempt:
        for seed in (1, 2, 3):
            world.serve(world.add(seed), "production")
        takes, died, seed = 1.0, 0, 3
        while died < kills:
            seed += 1
            world.serve(world.add(seed), "production")
            gone = f"v{seed - 2}"
            assert attempt(world, FOREVER)["code"] == 0
            world.wait(24 * 8)
            for _ in range(3):  # the first marks, and those after it archive
                ended = attempt(world, chance.uniform(0, takes))
                assert ended["code"] in (0, -9), ended
                died += ended["code"] == -9
                bytes_are_there(world)
                world.wait(25)
            ended = attempt(world, FOREVER)
            assert ended["code"] == 0
            takes = max(0.05, min(takes, ended["seconds"] * 3))
            for _ in range(2):
                world.wait(25)
                assert attempt(world, FOREVER)["code"] == 0
            assert not world.sealed(gone).exists(), "the next sweep finishes what the dead began"
            assert archive_path(world.home, NAME, world.manifests[gone].digest).is_file()
    for version, manifest in world.manifests.items():
        if not world.sealed(version).exists():
            restore(world.home, NAME, manifest)
        assert hashes(world.sealed(version)) == world.held[manifest.digest]
    left = [path for name in ("tmp", "aside") for path in (world.home / NAME / name).glob("*")]
    assert left == [], "nothing half-made is left"


def test_sweeps_killed_at_random_moments(tmp_path: Path) -> None:
    torture(tmp_path, 3)


@pytest.mark.heavy
def test_two_hundred_killed_sweeps(tmp_path: Path) -> None:
    torture(tmp_path, 200)
