"""The edges that a stranger found: one document, one sentence, never forward by a rollback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from console.operations import promote, rollback
from console.operations.apply import StalePlan, apply_again
from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.support.workspaces import add_basics, add_prompt, made, promote_to, stage_all


def push_bad_policy(acme: Path, scratch: Path) -> None:
    """Somebody pushes a torn lockgate.toml with plain git."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "clone", "-q", str(acme / "store.git"), str(scratch)], check=True)
    (scratch / "lockgate.toml").write_text("environments = [")
    subprocess.run([*git, "commit", "-qam", "torn"], cwd=scratch, check=True)
    subprocess.run([*git, "push", "-q", "origin", "HEAD:main"], cwd=scratch, check=True)


def test_with_json_there_is_one_document_even_when_something_is_wrong(
    acme: Path, tmp_path: Path, lockgate: Lockgate
) -> None:
    push_bad_policy(acme, tmp_path / "clone")
    for command in ("check", "doctor", "reconcile", "status", "history"):
        result = lockgate("-C", acme, command, "--json")
        json.loads(result.out)
    assert lockgate("-C", acme, "check", "--json").code == 2


def test_a_change_that_landed_is_never_told_as_a_failure(
    acme: Path, material: Path, tmp_path: Path, lockgate: Lockgate
) -> None:
    push_bad_policy(acme, tmp_path / "clone")
    result = lockgate("-C", acme, "add", "prompt", "other", "--from", material / "prompt", "--json")
    assert result.code == 0 and "lockgate.toml" in result.err
    assert result.data["problems"]


def test_a_live_document_that_cannot_be_written_is_an_exit_code(
    acme: Path, material: Path, lockgate: Lockgate
) -> None:
    (material / "prompt/system.md").write_text("Answer kindly:\n\n{{context}}\n")
    lockgate("-C", acme, "add", "prompt", "support", "--from", material / "prompt")
    assert lockgate("-C", acme, "stage", "--set", "prompt/support", "-m", "x").code == 0
    document = acme / "live/production.json"
    document.unlink()
    document.mkdir()
    result = lockgate("-C", acme, "promote", "r2", "--to", "production", "-m", "x")
    assert result.code == 4 and "production is not published" in result.err


def test_a_dry_run_lists_the_note_and_runs_no_evals(acme: Path, lockgate: Lockgate) -> None:
    here = ("-C", acme)
    assert lockgate(*here, "add", "app", "api", "--revision", "f" * 40).code == 0
    staged = lockgate(*here, "stage", "--set", "app/api", "--dry-run", "--json")
    assert staged.code == 0 and "runs no evals" in staged.out
    assert lockgate(*here, "stage", "--set", "app/api", "-m", "x").code == 0
    promoted = lockgate(*here, "promote", "r2", "--to", "production", "--dry-run")
    assert promoted.code == 1 and "wants a note" in promoted.out
    again = lockgate(*here, "stage", "--set", "app/api", "-m", "x")
    assert again.code == 2 and "serves r2 already" in again.err


def test_arguments_that_are_no_text_are_refused(acme: Path, lockgate: Lockgate) -> None:
    result = lockgate("-C", acme, "history", os.fsdecode(b"\xff"))
    assert result.code == 2 and "UTF-8" in result.err


def test_two_people_rolling_back_at_once_do_not_go_back_twice(tmp_path: Path) -> None:
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    for number in (2, 3):
        add_prompt(workspace, tmp_path / "p", f"Number {number}.\n")
        stage_all(workspace, "prompt/support")
    for release in ("r1", "r2", "r3"):
        promote_to(workspace, release)
    mine = rollback.plan(workspace, "production")
    theirs = rollback.plan(Workspace(workspace.root, workspace.clock), "production")
    apply_again(workspace, theirs, "theirs")
    try:
        apply_again(workspace, mine, "mine")
    except StalePlan as stale:
        assert stale.plan.after == "r1"
    else:
        raise AssertionError("the second rollback went further back by itself")
    assert workspace.store.at().environment("production").stable == "r2"
    assert promote.plan(workspace, "r3", "production").unmet
