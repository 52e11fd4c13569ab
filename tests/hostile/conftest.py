"""The poisoned workspace, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Lockgate, acme, lockgate, material, server, shared_server, template
from tests.evals.server import FaultServer
from tests.hostile.poisoned import poison, spoken

__all__ = ["Lockgate", "acme", "lockgate", "material", "server", "shared_server", "template"]


@pytest.fixture(scope="session")
def poisoned(tmp_path_factory: pytest.TempPathFactory, template: Path, shared_server: FaultServer) -> Path:
    """The workspace itself: commands that only look may be run on it."""
    folder = tmp_path_factory.mktemp("poisoned")
    shared_server.answer = spoken
    poison(template, folder / "acme", folder / "scratch")
    return folder / "acme"
