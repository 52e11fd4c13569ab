"""Every list: one row a line whatever the data hold, filtered, exported."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from console.operations import rollback, switch
from console.operations.apply import apply_again
from console.version import version
from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.support.workspaces import add_basics, add_prompt, made, promote_to, stage_all


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two releases, both served in production once."""
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    promote_to(
        workspace, stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    )
    add_prompt(workspace, tmp_path / "p2", "Answer kindly.\n", what="kinder, =SUM(A1)")
    promote_to(workspace, stage_all(workspace, "prompt/support"))
    return workspace


def test_lists_are_filtered_and_exported(workspace: Workspace, lockgate: Lockgate) -> None:
    here = ("-C", workspace.root, "list")
    assert [row["version"] for row in lockgate(*here, "prompt", "--json").data] == ["v2", "v1"]
    assert [row["version"] for row in lockgate(*here, "prompt", "--match", "KINDER", "--json").data] == ["v2"]
    assert lockgate(*here, "prompt", "--match", "zebra").out == "Nothing matches.\n"
    lines = lockgate(*here, "prompt", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["v2", "v1"]
    rows = list(csv.DictReader(lockgate(*here, "release", "--format", "csv").out.splitlines()))
    assert [row["release"] for row in rows] == ["r2", "r1"]


def test_a_name_picks_one_or_is_refused(workspace: Workspace, lockgate: Lockgate) -> None:
    here = ("-C", workspace.root, "list")
    assert [row["release"] for row in lockgate(*here, "release", "r1", "--json").data] == ["r1"]
    picked = lockgate(*here, "environment", "production", "--json").data
    assert [row["environment"] for row in picked] == ["production"]
    for kind, name, word in (
        ("release", "r9", "newest is r2"),
        ("release", "x", "no release 'x'"),
        ("environment", "moon", "staging, production"),
        ("prompt", "other", "no prompt/other"),
    ):
        told = lockgate(*here, kind, name)
        assert told.code == 2 and word in told.err and told.err.count("\n") == 1


def test_a_title_of_several_lines_is_one_row(tmp_path: Path, lockgate: Lockgate) -> None:
    root = tmp_path / "acme"
    rows = tmp_path / "rows.jsonl"
    row = {"id": "1", "document": "Words.", "metadata": {"source": "a", "title": "One\ntwo\x1b[31m\nthree"}}
    rows.write_text(json.dumps(row) + "\n")
    assert lockgate("init", root).code == 0
    assert lockgate("-C", root, "add", "index", "pages", "--from", rows, "--embedder", "lexical").code == 0
    shown = lockgate("-C", root, "index", "documents", "pages")
    assert len(shown.out.splitlines()) == 2 and "One two␛[31m three" in shown.out
    data = lockgate("-C", root, "index", "documents", "pages", "--json").data
    assert data == [{"source": "a", "passages": 1, "characters": 6, "title": "One\ntwo\x1b[31m\nthree"}]
    assert lockgate("-C", root, "index", "documents", "pages", "--match", "zebra", "--json").data == []
    verified = lockgate("-C", root, "index", "verify", "pages")
    assert "1 passage," in verified.out
    assert lockgate("-C", root, "list", "index", "--json").data[0]["what"] == "1 document, 1 passage"


def test_the_version_is_an_option_too(lockgate: Lockgate) -> None:
    assert lockgate("--version").out == lockgate("version").out == f"lockgate {version()}\n"


def attention(workspace: Workspace, lockgate: Lockgate) -> list[str]:
    told = lockgate("-C", workspace.root, "status", "--json").data["attention"]
    return [one for one in told if "rolled back" in one or "hold" in one]


def test_status_tells_what_is_in_the_way_of_what_comes_next(workspace: Workspace, lockgate: Lockgate) -> None:
    assert attention(workspace, lockgate) == []
    apply_again(workspace, rollback.plan(workspace, "production", ("prompt",)), "too kind")
    hold, rejected = attention(workspace, lockgate)
    assert hold.startswith("production: hold on prompt/support") and "too kind" in hold
    assert rejected.startswith("r2 was rolled back in production") and "lockgate clear r2" in rejected


def test_status_is_quiet_about_what_a_person_put_back(workspace: Workspace, lockgate: Lockgate) -> None:
    apply_again(workspace, rollback.plan(workspace, "production", ("prompt",)), "too kind")
    back = switch.plan(workspace, "prompt/support@v2", "production", override="people like it")
    apply_again(workspace, back, "kind is fine")
    assert workspace.store.at().environment("production").stable == "r2"
    assert workspace.store.at().environment("production").rejected, "the rejection itself is not taken back"
    assert attention(workspace, lockgate) == []


def test_history_does_without_a_state_folder(workspace: Workspace, lockgate: Lockgate) -> None:
    whole = lockgate("-C", workspace.root, "history", "--json").data
    shutil.rmtree(workspace.root / "state")
    (workspace.root / "state").write_text("in the way")
    told = lockgate("-C", workspace.root, "history", "--json")
    assert told.code == 0 and told.data == whole
    assert "read from git anew" in told.err and told.err.count("\n") == 1
    found = lockgate("-C", workspace.root, "history", "kinder", "--format", "csv").out
    assert len(found.splitlines()) >= 2
