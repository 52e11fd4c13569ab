"""`lockgate hosts`."""

from __future__ import annotations

from pathlib import Path

from tests.commands.conftest import Lockgate


def test_without_a_remote_this_machine_is_the_only_one(acme: Path, lockgate: Lockgate) -> None:
    found = lockgate("-C", acme, "hosts", "--json")
    (only,) = found.data
    assert only["host"].endswith("(here)") and "r1" in only["serves"]
    assert lockgate("-C", acme, "hosts", "--forget", "web-9").code == 2
