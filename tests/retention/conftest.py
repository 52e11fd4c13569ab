from __future__ import annotations

from pathlib import Path

import pytest

from tests.retention.keeping_world import World, new_world, opened_without_chroma


@pytest.fixture(autouse=True)
def no_chroma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexes.opened.ensure_open", opened_without_chroma)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three versions; v3 serves everywhere, v1 last served longest ago."""
    world = new_world(tmp_path / "acme")
    for seed in (1, 2, 3):
        world.serve(world.add(seed), "production")
        world.wait(1)
    return world
