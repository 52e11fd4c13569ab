"""`lockgate drill`."""

from __future__ import annotations

from pathlib import Path

from tests.commands.conftest import Lockgate


def test_the_drill_is_told_recorded_and_shown(acme: Path, material: Path, lockgate: Lockgate) -> None:
    first = lockgate("-C", acme, "drill")
    assert first.code == 1 and "promises no rollback yet" in first.err
    (material / "prompt/system.md").write_text("Answer briefly and kindly.\n\n{{context}}\n")
    assert lockgate("-C", acme, "add", "prompt", "support", "--from", material / "prompt").code == 0
    staged = lockgate("-C", acme, "stage", "--set", "prompt/support", "-m", "x", "--override", "a drill")
    assert staged.code == 0, staged.err
    looked = lockgate("-C", acme, "drill", "--env", "staging", "--no-record", "--json")
    (one,) = looked.data["environments"]
    assert looked.code == 0 and one["holds"] and not looked.data["recorded"]
    done = lockgate("-C", acme, "drill", "--env", "staging", "-m", "weekly")
    assert done.code == 0 and "✓ everything →" in done.out
    history = lockgate("-C", acme, "history", "-n", "1", "--json").out
    assert "Rehearsed" in history and "weekly" in history
    assert lockgate("-C", acme, "check").code == 0
