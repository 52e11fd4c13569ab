"""The examples in docs/examples work: the workflow's lines are run, the hook is pushed through."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.proposals.conftest import CARELESS, Proposed, environment

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
INSTALLED = "Install Lockgate"
"""The one step that a test leaves out: what is under test is installed."""


def run_workflow(proposed: Proposed, temp: Path) -> tuple[int, str]:
    """What the runner does after the checkout of a pull request; its exit code and the summary."""
    temp.mkdir()
    proposed.git("checkout", "-q", "--detach", "origin/main")
    proposed.git("merge", "-q", "--no-ff", "-m", "the merge that is tested", "mine")
    workflow = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text())
    summary = temp / "summary.md"
    job = environment(GITHUB_BASE_REF="main", RUNNER_TEMP=str(temp), GITHUB_STEP_SUMMARY=str(summary))
    job["OPENAI_API_KEY"] = "sk-test"
    failed = 0
    for step in workflow["jobs"]["check"]["steps"]:
        if "run" not in step or step["name"] == INSTALLED or (failed and step.get("if") != "always()"):
            continue
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=proposed.folder, env=job, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        failed = failed or done.returncode
        assert "Traceback" not in done.stderr
    return failed, summary.read_text() if summary.exists() else ""


def test_the_workflow_reads_like_one() -> None:
    workflow = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text())
    steps = workflow["jobs"]["check"]["steps"]
    assert workflow["permissions"] == {"contents": "read"} and "pull_request" in workflow[True]
    assert steps[0]["with"]["fetch-depth"] == 0
    with_key = [step for step in steps if "secrets." in str(step)]
    assert [step["name"] for step in with_key] == ["Check"], "no other step sees the key"
    assert not any("${{" in step.get("run", "") for step in steps), "no text of a pull request in a script"


def test_the_workflow_blocks_a_worse_prompt_and_shows_why(proposed: Proposed, tmp_path: Path) -> None:
    proposed.prompt(CARELESS)
    code, summary = run_workflow(proposed, tmp_path / "runner")
    assert code == 1 and summary.startswith("## Lockgate: blocked") and "item-40" in summary
    assert (tmp_path / "runner/lockgate.xml").is_file()


@pytest.mark.heavy
def test_the_workflow_lets_a_reword_pass(proposed: Proposed, tmp_path: Path) -> None:
    proposed.prompt("Answer with the same care.\n")
    code, summary = run_workflow(proposed, tmp_path / "runner")
    assert code == 0 and summary.startswith("## Lockgate: passed")


@pytest.fixture
def guarded(proposed: Proposed, monkeypatch: pytest.MonkeyPatch) -> Proposed:
    """The hub with the hook in its place."""
    shutil.copy(EXAMPLES / "pre-receive", proposed.hub / "hooks/pre-receive")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return proposed


def main_of(hub: Path) -> str:
    words = ["git", "-C", str(hub), "rev-parse", "main"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_the_hook_refuses_a_push_that_makes_answers_worse(guarded: Proposed) -> None:
    before = main_of(guarded.hub)
    guarded.prompt(CARELESS)
    pushed = guarded.git("push", "origin", "mine:main", check=False)
    assert pushed.returncode != 0 and "pre-receive hook declined" in pushed.stderr
    assert "the change is blocked against r1" in pushed.stderr
    assert main_of(guarded.hub) == before
    assert guarded.git("push", "-q", "origin", "mine").returncode == 0, "other branches are free"


@pytest.mark.heavy
def test_the_hook_lets_through_what_is_well_and_nothing_rewritten(guarded: Proposed) -> None:
    guarded.prompt("Answer with no less care.\n")
    pushed = guarded.git("push", "origin", "mine:main", check=False)
    assert pushed.returncode == 0, pushed.stderr
    assert main_of(guarded.hub) == guarded.git("rev-parse", "mine").stdout
    after = main_of(guarded.hub)
    guarded.git("commit", "-q", "--amend", "-m", "rewritten")
    forced = guarded.git("push", "-f", "origin", "mine:main", check=False)
    assert forced.returncode != 0 and "went on without this change" in forced.stderr
    guarded.commit({"prompts/support/v1/system.md": "Rewritten.\n"})
    removed = guarded.git("push", "origin", ":main", check=False)
    assert removed.returncode != 0 and main_of(guarded.hub) == after


def test_the_hook_only_reads_where_it_is_told_to(guarded: Proposed) -> None:
    subprocess.run(["git", "-C", str(guarded.hub), "config", "lockgate.evals", "false"], check=True)
    guarded.commit({"models/chat/v1.toml": None})
    refused = guarded.git("push", "origin", "mine:main", check=False)
    assert refused.returncode != 0 and "models/chat/v1.toml is gone" in refused.stderr
    guarded.git("reset", "-q", "--hard", "HEAD~1")
    guarded.prompt(CARELESS)
    assert guarded.git("push", "origin", "mine:main", check=False).returncode == 0


def test_the_hook_checks_the_first_push_too(guarded: Proposed, tmp_path: Path) -> None:
    empty = tmp_path / "empty.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(empty)], check=True)
    shutil.copy(EXAMPLES / "pre-receive", empty / "hooks/pre-receive")
    assert guarded.git("push", str(empty), "mine:main", check=False).returncode == 0
