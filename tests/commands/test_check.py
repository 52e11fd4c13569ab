"""`check` reads all that is in a store, whoever put it there with plain git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.support.workspaces import add_basics, add_prompt, made, promote_to, stage_all

ALL = ("prompt/support", "model/chat", "guardrail/default", "app/api")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two releases, the second one in production."""
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage_all(workspace, *ALL)
    add_prompt(workspace, tmp_path / "p2", "Answer kindly.\n")
    promote_to(workspace, stage_all(workspace, "prompt/support"))
    return workspace


class Clone:
    """A clone of the store, as somebody with git alone has it."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.folder = folder
        subprocess.run(
            ["git", "clone", "-q", str(workspace.store.path), str(folder)], check=True, capture_output=True
        )

    def git(self, *words: str) -> None:
        """One git command in the clone."""
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def push(self, files: Mapping[str, bytes | None]) -> None:
        """Writes (or removes, for None) `files`, commits them and pushes."""
        for name, data in files.items():
            path = self.folder / name
            if data is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.git("add", "-A")
        self.git("commit", "-qm", "by hand")
        self.git("push", "-q", "origin", "HEAD:main")


@pytest.fixture
def clone(workspace: Workspace, tmp_path: Path) -> Clone:
    """A clone of it."""
    return Clone(workspace, tmp_path / "clone")


def newest_record(clone: Clone) -> Path:
    return max((clone.folder / "records").rglob("*.toml")).relative_to(clone.folder)


def test_a_good_store_is_well_and_progress_stays_off_standard_output(
    workspace: Workspace, lockgate: Lockgate
) -> None:
    told = lockgate("-C", workspace.root, "check", "--json")
    assert told.code == 0 and told.data["ok"] and told.data["findings"] == []
    assert told.data["files"] > 15 and told.data["commit"] == workspace.store.tip()
    assert "reads well" in lockgate("-C", workspace.root, "check").out


def test_every_bad_file_is_one_sentence(workspace: Workspace, clone: Clone, lockgate: Lockgate) -> None:
    record = newest_record(clone)
    verdict = "verdicts/r1/01K00000000000000000000000.toml"
    bad: dict[str, tuple[bytes | None, str]] = {
        "README.md": (b"hello", "README.md does not belong into a store"),
        "docs/a/b.md": (b"hello", "docs does not belong into a store"),
        "prompts/Support/v1/system.md": (b"hi", "prompts/Support: the name 'Support' is not allowed"),
        "prompts/support/latest/system.md": (b"hi", "prompts/support/latest does not belong"),
        "prompts/support/v9/notes.md": (b"hi", "prompts/support/v9/notes.md does not belong there"),
        "prompts/key/v1/system.md": (b"Use sk-proj-" + b"a1B2" * 12, "prompts/key/v1: "),
        "models/chat/v9.toml": (b'provider = "openai"\nid = "gpt-4o"\n', "floating"),
        "guardrails/default/v9.toml": (b'[input]\ndeny = ["("]\n', "guardrails/default/v9.toml"),
        "apps/api/v9.toml": (b'revision = "main"\n', "apps/api/v9.toml: revision"),
        "evals/x/v1/suite.toml": (b'[[categories]]\nname = "a"\n', "evals/x/v1 has no cases.jsonl"),
        "releases/r9.toml": (b"id = 3", "releases/r9.toml: "),
        "environments/moon.toml": (b'name = "moon"\n', "environments/moon.toml is no environment"),
        verdict: (b'outcome = "fine"\n', f"{verdict}: "),
        str(record.with_name("01K00000000000000000000009.toml")): (
            b"kind = 1\n",
            "01K00000000000000000000009",
        ),
        f"{record.with_suffix('')}/notes/01K00000000000000000000000.md": (b"\xff", "is not UTF-8 text"),
        "models/chat/v1.toml": (None, "models/chat/v1.toml is gone after it had landed"),
        "guardrails/default/v1.toml": (
            b'refusal = "Never."\n',
            "default/v1.toml was changed after",
        ),
        "prompts/support/v1/few_shot_examples.json": (b"[]", "v1/few_shot_examples.json was added after"),
    }
    clone.push({name: data for name, (data, _) in bad.items()})
    told = lockgate("-C", workspace.root, "check", "--json")
    assert told.code == 2 and not told.data["ok"]
    findings = told.data["findings"]
    for name, (_, words) in bad.items():
        assert any(words in one for one in findings), (name, words, findings)
    assert any("r1.toml binds model/chat@v1, and there is no such version" in one for one in findings)
    assert any("binds guardrail/default@v1, whose files are not the ones" in one for one in findings)
    assert all("\n" not in one for one in findings)
    text = lockgate("-C", workspace.root, "check")
    assert text.code == 2 and text.out.count("✗") == len(findings) == told.data["count"]


def test_a_link_and_a_missing_policy_are_told(workspace: Workspace, clone: Clone, lockgate: Lockgate) -> None:
    (clone.folder / "prompts/linked").symlink_to("/etc")
    clone.push({"lockgate.toml": None})
    findings = lockgate("-C", workspace.root, "check", "--json").data["findings"]
    assert any("prompts/linked is not a plain file (mode 120000)" in one for one in findings)
    assert any("the store has no lockgate.toml" in one for one in findings)


def test_what_was_put_back_is_well_and_a_ci_folder_may_stay(
    workspace: Workspace, clone: Clone, lockgate: Lockgate
) -> None:
    version = clone.folder / "models/chat/v1.toml"
    was = version.read_bytes()
    clone.push({"models/chat/v1.toml": was + b"# more\n", ".github/workflows/check.yml": b"on: push\n"})
    assert lockgate("-C", workspace.root, "check").code == 2
    clone.push({"models/chat/v1.toml": was})
    assert lockgate("-C", workspace.root, "check").code == 0


def test_a_record_that_was_rewritten_later_is_told(
    workspace: Workspace, clone: Clone, lockgate: Lockgate
) -> None:
    record = newest_record(clone)
    clone.push({str(record): (clone.folder / record).read_bytes().replace(b"promoted", b"demoted")})
    findings = lockgate("-C", workspace.root, "check", "--json").data["findings"]
    assert len(findings) == 1 and f"{record} was changed after it had landed" in findings[0]


def test_a_pull_request_is_checked_on_a_plain_clone(clone: Clone, lockgate: Lockgate) -> None:
    assert lockgate("check", "--clone", clone.folder).code == 0
    clone.git("checkout", "-qb", "mine")
    (clone.folder / "models/chat/v2.toml").write_text('provider = "openai"\n')
    clone.git("add", "-A")
    clone.git("commit", "-qm", "half a pin")
    told = lockgate("check", "--clone", clone.folder, "--json")
    assert told.code == 2 and told.data["findings"] == ["models/chat/v2.toml: id: is missing."]
    assert lockgate("check", "--clone", clone.folder, "--ref", "main").code == 0
    assert lockgate("check", "--clone", clone.folder, "--ref", "nowhere").code == 2
