"""`check --base` where the release has an index, whose bytes are not in git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.commands.conftest import Lockgate


@pytest.fixture
def clone(acme: Path, tmp_path: Path) -> Path:
    """A clone of the store with a new prompt on top."""
    folder = tmp_path / "clone"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "clone", "-q", str(acme / "store.git"), str(folder)], check=True)
    prompt = folder / "prompts/support/v2/system.md"
    prompt.parent.mkdir()
    prompt.write_text("Answer from these passages, please:\n\n{{context}}\n")
    subprocess.run([*git, "add", "-A"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-qm", "words"], cwd=folder, check=True)
    return folder


def test_the_bytes_of_indexes_are_named_and_found(acme: Path, clone: Path, lockgate: Lockgate) -> None:
    check = ("check", "--clone", clone, "--base", "origin/main")
    missing = lockgate(*check)
    assert missing.code == 4 and "the bytes of index/pages@v1 are not here" in missing.err
    assert "--indexes" in missing.err and lockgate(*check, "--no-evals").code == 0
    found = lockgate(*check, "--indexes", acme / "indexes", "--json")
    assert found.code == 0, found.err
    assert found.data["verdict"]["outcome"] == "pass"
    refused = lockgate("-C", acme, "check", "--base", "main", "--indexes", acme / "indexes")
    assert refused.code == 2 and "those options out" in refused.err
    assert lockgate("-C", acme, "check", "--base", "main").code == 0
