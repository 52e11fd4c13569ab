"""Bringing in what other tools have: `lockgate evals import`, and `lockgate add prompt --from FILE`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.conftest import Lockgate
from tests.imports.test_import_prompts import HUMANLOOP


def test_a_file_is_added_like_a_folder(acme: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    source = tmp_path / "support.prompt"
    source.write_text(HUMANLOOP)
    found = lockgate("-C", acme, "add", "prompt", "foreign", "--from", source, "--dry-run")
    assert found.code == 0 and "lockgate add model NAME --provider openai" in found.out
    assert lockgate("-C", acme, "add", "prompt", "foreign", "--from", source, "-m", "moved here").code == 0
    shown = lockgate("-C", acme, "show", "prompt/foreign@v1").out
    assert "imported from support.prompt" in shown or "You are {{ persona }} of Acme." in shown


# -- the command for eval sets ----------------------------------------------------------------------


CONFIG = """\
tests:
  - vars: {question: "How long may I return it?"}
    metadata: {category: returns}
    assert: [{type: icontains, value: 30 days}, {type: javascript, value: "true"}]
  - vars: {question: "Is it polite?"}
    assert: [{type: llm-rubric, value: polite}]
"""


def test_the_command_lists_refuses_and_then_adds(acme: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    source = tmp_path / "promptfooconfig.yaml"
    source.write_text(CONFIG)
    add = ("-C", acme, "evals", "import", source, "--as", "foreign")
    refused = lockgate(*add)
    assert refused.code == 2
    assert refused.err.splitlines()[:2] == [
        "  promptfooconfig.yaml, line 4: javascript runs code",
        "  promptfooconfig.yaml, line 5: it wants a judge: name its model with --judge model/NAME@vN",
    ]
    assert "--skip-unsupported leaves out" in refused.err
    dry = lockgate(*add, "--skip-unsupported", "--dry-run", "--json").data
    assert dry["dry_run"] and dry["import"]["cases"] == 1 and len(dry["import"]["left_out"]) == 2
    done = lockgate(*add, "--skip-unsupported", "-m", "from promptfoo", "--json").data
    assert done["kind"] == "add" and done["why"] == "from promptfoo" and done["import"]["cases"] == 1
    assert "evals/foreign" in lockgate("-C", acme, "list", "evals").out
    assert lockgate("-C", acme, "check").code == 0
    again = lockgate(*add, "--skip-unsupported", "-m", "again")
    assert again.code == 2 and "exactly these files already" in again.err


def test_a_folder_can_be_looked_at_first(tmp_path: Path, lockgate: Lockgate) -> None:
    source, out = tmp_path / "set.csv", tmp_path / "suite"
    source.write_text("question,expected\nRefund?,30 days\n")
    assert lockgate("evals", "import", source).code == 2
    dry = lockgate("evals", "import", source, "--out", out, "--dry-run")
    assert dry.code == 0 and not out.exists() and "Would write 1 cases" in dry.out
    assert lockgate("evals", "import", source, "--out", out, "--match", "contains").code == 0
    assert json.loads((out / "cases.jsonl").read_text())["expect"] == [
        {"grader": "contains", "any": ["30 days"]}
    ]
    assert "is there already" in lockgate("evals", "import", source, "--out", out).err
    assert lockgate("evals", "import", source, "--out", tmp_path / "x", "--judge", "judge").code == 2


def test_what_was_imported_runs(acme: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    source = tmp_path / "set.jsonl"
    source.write_text('{"input": "How long may I return it?", "ideal": "30 days"}\n')
    add = ("-C", acme, "evals", "import", source, "--as", "support", "--match", "contains", "-m", "new set")
    assert lockgate(*add).code == 0
    staged = lockgate("-C", acme, "stage", "--set", "evals/support", "--set", "prompt/support", "-m", "x")
    assert "general" in staged.out + staged.err
