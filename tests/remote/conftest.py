"""A hub, and workspaces that share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from store.workspace import Workspace
from tests.remote.hubs import hub_at, joined


@dataclass(frozen=True)
class Pair:
    """Two workspaces and what they share."""

    hub: Path
    ana: Workspace
    bo: Workspace


@pytest.fixture(autouse=True)
def ana_is_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKGATE_AUTHOR", "Ana <ana@example.org>")
    yield


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    hub = hub_at(tmp_path / "hub.git")
    return Pair(hub, joined(tmp_path / "ana", hub), joined(tmp_path / "bo", hub))
