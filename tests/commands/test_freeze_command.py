"""lockgate freeze and unfreeze."""

from __future__ import annotations

from pathlib import Path

from tests.commands.conftest import Lockgate
from tests.support.workspaces import made


def test_from_the_shell(tmp_path: Path, lockgate: Lockgate) -> None:
    root = made(tmp_path / "acme").root
    shell = ("-C", root)
    frozen = lockgate(*shell, "freeze", "--env", "production", "--until", "2d", "-m", "the fair", "--json")
    assert frozen.code == 0 and frozen.data["kind"] == "freeze"
    shown = lockgate(*shell, "history", "--env", "production")
    assert "Froze production from now until" in shown.out
    assert lockgate(*shell, "unfreeze", "--env", "production", "-m", "over").code == 0
    wrong = lockgate(*shell, "freeze", "--env", "production", "--until", "soon", "-m", "x")
    assert wrong.code == 2 and "'soon' is no time" in wrong.err
