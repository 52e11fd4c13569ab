"""`lockgate check --base` in a plain clone: read, evaluated against what production serves, told in files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from tests.evals.server import FaultServer
from tests.proposals.conftest import CARELESS, Lockgate, Proposed, suite_files

CHECK = ("check", "--base", "origin/main")


def test_a_prompt_that_drops_a_category_is_blocked_with_its_flips(
    proposed: Proposed, tmp_path: Path, lockgate: Lockgate
) -> None:
    proposed.prompt(CARELESS)
    markdown, junit = tmp_path / "it.md", tmp_path / "it.xml"
    found = lockgate(*CHECK, "--markdown", markdown, "--junit", junit, "--json")
    assert found.code == 1, found.err
    data = found.data
    assert data["outcome"] == "block" and data["current"] == "r1" and data["tier"] == "full"
    assert data["new"] == ["prompt/support@v2"]
    assert [(one["component"], one["before"], one["after"]) for one in data["changes"]] == [
        ("prompt/support", "v1", "v2")
    ]
    (category,) = data["verdict"]["categories"]
    assert category["difference"] == pytest.approx(-0.1) and category["cases"] == 60
    text = markdown.read_text()
    assert text.startswith("## Lockgate: blocked\n") and "### Blocked: `this change` against `r1`" in text
    assert "−10.0" in text
    page = BeautifulSoup(MarkdownIt("gfm-like", {"html": True}).render(text), "html.parser")
    flips = {one.find("code").get_text() for one in page.find_all("summary")}
    assert flips == {f"item-{number}" for number in range(10, 61, 10)}
    assert not page.find_all(["a", "script"]) and "\x1b" not in text
    assert "That is item-10-of-all." in text and "alert(1)" in text
    read = JUnitXml.fromstring(junit.read_bytes())
    assert (read.tests, read.failures, read.errors) == (3, 2, 0)
    told = lockgate(*CHECK)
    assert told.code == 1 and "the change is blocked against r1" in told.err
    assert proposed.git("status", "--porcelain").stdout == "", "nothing is left in the working tree"


def test_a_harmless_reword_passes_and_is_not_asked_twice(
    proposed: Proposed, tmp_path: Path, lockgate: Lockgate, model_server: FaultServer
) -> None:
    proposed.prompt(f"Answer carefully, please ({tmp_path.name}).\n")
    markdown = tmp_path / "it.md"
    found = lockgate(*CHECK, "--markdown", markdown, "--json")
    assert found.code == 0 and found.data["ok"] and found.data["verdict"]["outcome"] == "pass", found.err
    assert markdown.read_text().startswith("## Lockgate: passed\n")
    asked = len(model_server.requests)
    assert lockgate(*CHECK).code == 0 and len(model_server.requests) == asked
    assert (proposed.folder / ".git/lockgate/state/evals.sqlite").is_file()


def test_a_budget_that_does_not_suffice_is_undecided(
    proposed: Proposed, tmp_path: Path, lockgate: Lockgate
) -> None:
    proposed.prompt(f"Answer carefully, thank you ({tmp_path.name}).\n")
    markdown = tmp_path / "it.md"
    found = lockgate(*CHECK, "--markdown", markdown, "--fresh", "--max-tokens", "1")
    assert found.code == 3 and "1 token" in found.err, found.err
    assert markdown.read_text().startswith("## Lockgate: inconclusive\n")


def test_a_suite_too_small_is_undecided(proposed: Proposed, tmp_path: Path, lockgate: Lockgate) -> None:
    small = {f"evals/support/v2/{name}": text for name, text in suite_files(5).items()}
    proposed.commit({"prompts/support/v2/system.md": "Answer with great care.\n", **small})
    junit = tmp_path / "it.xml"
    found = lockgate(*CHECK, "--junit", junit)
    assert found.code == 3 and "No category can gate" in found.err, found.err
    assert "evals/support is new too: both sides are judged by the new one" in found.out
    read = JUnitXml.fromstring(junit.read_bytes())
    assert (read.failures, read.errors) == (0, 1)


def test_what_landed_is_neither_changed_nor_removed(
    proposed: Proposed, tmp_path: Path, lockgate: Lockgate, model_server: FaultServer
) -> None:
    record = next((proposed.folder / "records").rglob("*.toml")).relative_to(proposed.folder)
    verdict = next((proposed.folder / "verdicts").rglob("*.toml")).relative_to(proposed.folder)
    proposed.commit(
        {
            "prompts/support/v1/system.md": "Other words.\n",
            "prompts/support/v1/few_shot_examples.json": "[]\n",
            "models/chat/v1.toml": None,
            "releases/r1.toml": (proposed.folder / "releases/r1.toml").read_text() + "# more\n",
            "environments/production.toml": None,
            str(record): None,
            str(verdict): None,
        }
    )
    asked = len(model_server.requests)
    markdown, junit = tmp_path / "it.md", tmp_path / "it.xml"
    found = lockgate(*CHECK, "--markdown", markdown, "--junit", junit, "--json")
    assert found.code == 2 and found.data["outcome"] == "invalid"
    findings = "\n".join(found.data["findings"])
    for words in (
        "prompts/support/v1/system.md was changed, but",
        "prompts/support/v1/few_shot_examples.json was added, but",
        "models/chat/v1.toml is gone, but",
        "releases/r1.toml was changed, but",
        "environments/production.toml is gone, but",
        f"{record} is gone, but",
        f"{verdict} is gone, but",
    ):
        assert words in findings, findings
    assert len(model_server.requests) == asked, "what is not well is not evaluated"
    assert "cannot land" in markdown.read_text() and "releases/r1.toml was changed" in markdown.read_text()
    assert JUnitXml.fromstring(junit.read_bytes()).failures == found.data["count"]


def test_a_branch_may_change_its_own_files_until_they_land(proposed: Proposed, lockgate: Lockgate) -> None:
    proposed.prompt("First words.\n")
    proposed.commit({"prompts/support/v2/system.md": "Second words, with care.\n"})
    assert lockgate(*CHECK, "--no-evals").code == 0


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("prompts/support/v2/system.md", "Use {{unknown}}.\n", "does not declare"),
        ("models/chat/v2.toml", 'provider = "openai"\nid = "gpt-4o"\n', "floating"),
        ("README.md", "hello\n", "does not belong into a store"),
        ("evals/support/v2/suite.toml", '[[categories]]\nname = "a"\n', "has no cases.jsonl"),
    ],
)
def test_a_malformed_component_is_named(
    proposed: Proposed, lockgate: Lockgate, path: str, text: str, said: str
) -> None:
    proposed.commit({path: text})
    found = lockgate(*CHECK)
    assert found.code == 2 and said in found.out and "cannot land" in found.err


def test_a_judge_that_is_not_in_the_store_is_named(proposed: Proposed, lockgate: Lockgate) -> None:
    files = suite_files()
    files["suite.toml"] += '[judge]\nmodel = "model/judge@v1"\n'
    proposed.commit({f"evals/support/v2/{name}": text for name, text in files.items()})
    found = lockgate(*CHECK)
    assert found.code == 2 and "judge: model/judge@v1 is not in the store" in found.out


def test_warnings_are_told_and_stop_nothing(proposed: Proposed, lockgate: Lockgate) -> None:
    proposed.commit(
        {
            "prompts/support/v2/system.md": "Answer with care, and {% raw %}.\n",
            "prompts/other/v1/system.md": "Nobody serves this.\n",
        }
    )
    found = lockgate(*CHECK, "--json")
    assert found.code == 0, found.err
    warnings = "\n".join(found.data["warnings"])
    assert "prompt/support@v2: system.md holds {% raw %}" in warnings
    assert "prompt/other is not part of r1" in warnings


def test_a_change_of_no_component_is_read_only(proposed: Proposed, lockgate: Lockgate) -> None:
    proposed.commit({".github/workflows/lockgate.yml": "on: push\n"})
    found = lockgate(*CHECK)
    assert found.code == 0 and "No evals were run. No version of a component is new." in found.out


def test_a_change_does_not_choose_its_own_gate(proposed: Proposed, lockgate: Lockgate) -> None:
    policy = proposed.folder / "lockgate.toml"
    assert "required" not in policy.read_text() or "required = true" in policy.read_text()
    loose = 'environments = [{name = "staging", gate = {required = false}}, '
    loose += '{name = "production", gate = {required = false}, production = true}]\n'
    proposed.commit({"lockgate.toml": loose, "prompts/support/v2/system.md": CARELESS})
    found = lockgate(*CHECK)
    assert found.code == 1 and "is blocked" in found.err, found.err


def test_a_branch_that_main_left_behind_is_told_to_merge(proposed: Proposed, lockgate: Lockgate) -> None:
    proposed.prompt("Mine, with care.\n")
    proposed.git("checkout", "-q", "main")
    proposed.commit({".note": "x\n"})
    proposed.git("push", "-q", "origin", "main")
    proposed.git("checkout", "-q", "mine")
    found = lockgate(*CHECK)
    assert found.code == 2 and "went on without this change" in found.err
    proposed.git("merge", "-q", "origin/main", "-m", "merged")
    assert lockgate(*CHECK, "--no-evals").code == 0


def test_a_model_that_fails_is_the_machinery_and_still_told(
    proposed: Proposed, tmp_path: Path, lockgate: Lockgate, model_server: FaultServer
) -> None:
    model = (proposed.folder / "models/chat/v1.toml").read_text().replace("/ok/v1", "/401/v1")
    assert "/401/v1" in model
    proposed.commit({"models/chat/v2.toml": model})
    markdown, junit = tmp_path / "it.md", tmp_path / "it.xml"
    found = lockgate(*CHECK, "--markdown", markdown, "--junit", junit)
    assert found.code == 4, found.err
    assert markdown.read_text().startswith("## Lockgate: could not be evaluated\n")
    read = JUnitXml.fromstring(junit.read_bytes())
    assert read.failures == 0 and read.errors >= 1
    assert model_server.count("401")


def test_settings_and_hosts_come_from_the_job_alone(
    proposed: Proposed, tmp_path: Path, lockgate: Lockgate
) -> None:
    model = 'provider = "openai"\nid = "gpt-4o-2024-08-06"\nbase_url = "https://evil.example/v1"\n'
    proposed.commit({"models/chat/v2.toml": model, ".settings.toml": 'allowed_hosts = ["evil.example"]\n'})
    found = lockgate(*CHECK)
    assert found.code == 2 and "'evil.example' is not allowed" in found.err
    spare = tmp_path / "settings.toml"
    spare.write_text("concurrency = 'many'\n")
    assert "concurrency" in lockgate(*CHECK, "--settings", spare).err


def test_a_shallow_clone_is_told_to_fetch(proposed: Proposed, tmp_path: Path, lockgate: Lockgate) -> None:
    shallow = tmp_path / "shallow"
    url = f"file://{proposed.hub}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", url, str(shallow)], check=True, capture_output=True)
    base = proposed.git("rev-parse", "HEAD~2").stdout.strip()
    found = lockgate("check", "--clone", shallow, "--base", base)
    assert found.code == 2 and "fetch it first" in found.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "--markdown", "x.md"), "goes with --base"),
        (("check", "--max-usd", "1"), "goes with --base"),
        ((*CHECK, "--markdown", "nowhere/x.md"), "there is no folder nowhere"),
        (("check", "--base", "nothing"), "no commit 'nothing'"),
        ((*CHECK, "--clone", "/"), "is not a Lockgate store"),
    ],
)
@pytest.mark.usefixtures("proposed")
def test_what_cannot_be_checked_is_one_sentence(
    lockgate: Lockgate, words: tuple[str, ...], said: str
) -> None:
    found = lockgate(*words)
    assert found.code == 2 and said in found.err and found.err.count("\n") == 1, found.err


def test_trouble_that_main_had_before_is_not_the_changes(proposed: Proposed, lockgate: Lockgate) -> None:
    proposed.git("checkout", "-q", "main")
    proposed.commit({"notes.txt": "x\n"})
    proposed.git("push", "-q", "origin", "main")
    proposed.git("checkout", "-q", "mine")
    proposed.git("merge", "-q", "main")
    proposed.prompt("Answer with all care.\n")
    found = lockgate(*CHECK, "--no-evals", "--json")
    assert found.code == 0 and found.data["known"] == 1
