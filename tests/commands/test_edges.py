"""The edges that a stranger found: one document, one sentence, never forward by a rollback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.operations import promote, rollback
from console.operations.apply import StalePlan, apply_again
from store.records.policy import EnvironmentPolicy, Policy
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
    assert promoted.code == 2 and "wants a note" in promoted.out
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


def test_a_closed_pipe_and_a_full_standard_output_end_quietly_or_in_one_sentence(tmp_path: Path) -> None:
    workspace = made(tmp_path / "acme")
    command = f"{sys.executable} -m console -C {workspace.root} history --json"
    piped = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | true"], capture_output=True, text=True, check=False
    )
    assert piped.stderr == "" and piped.returncode in (0, 141)  # 0 where all of it fitted into the pipe
    full = subprocess.run(
        ["bash", "-c", f"{command} > /dev/full"], capture_output=True, text=True, check=False
    )
    assert full.returncode == 4 and "No space left" in full.stderr and full.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EACCES, "Give yourself access"),
        (errno.EROFS, "Mount it writable"),
        (errno.EIO, "lockgate doctor"),
    ],
)
def test_an_error_of_the_disk_names_the_path(
    acme: Path, lockgate: Lockgate, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def refuse(_: Workspace) -> None:
        raise OSError(code, os.strerror(code), "/somewhere/\x1b[31mfile")

    monkeypatch.setattr("console.operations.status.status", refuse)
    told = lockgate("-C", acme, "status", "--json")
    assert told.code == 4 and told.data["exit_code"] == 4
    assert "/somewhere/␛[31mfile: " in told.err and words in told.err and "bug" not in told.err


def test_staging_wants_its_note_before_it_spends_minutes_on_evals(tmp_path: Path, lockgate: Lockgate) -> None:
    policy = Policy(environments=(EnvironmentPolicy(name="staging", note_required=True),))
    workspace = made(tmp_path / "acme", policy)
    add_basics(workspace, tmp_path)
    told = lockgate("-C", workspace.root, "stage", "--set", "prompt/support")
    assert told.code == 2 and "staging: staging wants a note" in told.err


def test_a_dry_run_says_what_keep_blocked_would_keep(tmp_path: Path, lockgate: Lockgate) -> None:
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage = ("-C", workspace.root, "stage", "--set", "prompt/support", "--dry-run", "--json")
    told = lockgate(*stage, "--keep-blocked").data["effects"]
    assert any("r1 and its verdict are kept as evidence" in one for one in told)
    assert not any("evidence" in one for one in lockgate(*stage).data["effects"])


def test_nothing_to_do_and_a_missing_note_are_wrong_input_everywhere(
    tmp_path: Path, lockgate: Lockgate
) -> None:
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    promote_to(workspace, stage_all(workspace, "prompt/support"))
    add_prompt(workspace, tmp_path / "p", "Number 2.\n")
    stage_all(workspace, "prompt/support")
    here = ("-C", workspace.root)
    for command in (
        ("promote", "r1", "--to", "production", "-m", "x"),  # serves already
        ("stage", "--set", "prompt/support", "-m", "x"),
        ("switch", "prompt/support@v1", "--env", "production", "-m", "x"),
        ("promote", "r2", "--to", "production"),  # no note
        ("switch", "prompt/support@v2", "--env", "production"),
        ("clear", "r1", "-m", "x"),
    ):
        told = lockgate(*here, *command)
        assert told.code == 2 and told.err.count("\n") == 1, (command, told.err)
        dry = lockgate(*here, *command, "--dry-run")
        assert dry.code == 2, (command, dry.out, dry.err)
