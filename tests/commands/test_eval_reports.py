"""`lockgate eval --report` and `lockgate evals report`: files of a run, and of what was kept of one."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.commands.conftest import Lockgate
from tests.evals.server import FaultServer

ENDINGS = (".md", ".xml", ".html", ".json", ".jsonl", ".csv")


@pytest.fixture
def poem(acme: Path, material: Path, lockgate: Lockgate) -> Path:
    """r2, which answers everything with a poem, kept as blocked."""
    (material / "prompt/system.md").write_text("Answer with a poem.\n")
    assert lockgate("-C", acme, "add", "prompt", "support", "--from", material / "prompt").code == 0
    assert lockgate("-C", acme, "stage", "--set", "prompt/support", "-m", "x", "--keep-blocked").code == 1
    return acme


def test_a_blocked_run_is_told_in_every_format(poem: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    files = {ending: tmp_path / f"run{ending}" for ending in ENDINGS}
    asked = [part for path in files.values() for part in ("--report", path)]
    found = lockgate("-C", poem, "eval", "r2", "--against", "r1", *asked, "--json")
    assert found.code == 1 and found.data["outcome"] == "block"
    document = json.loads(files[".json"].read_text())
    kept = lockgate("-C", poem, "show", found.data["record"], "--json").data
    assert [document["verdict"]] == kept["evidence"]
    assert document["outcome"] == "block" and document["candidate"]["components"]["prompt/support"] == "v2"
    flip = document["flips"][0]
    assert flip["after"]["answer"] == "Roses are red." and flip["way"] == "worse"
    assert flip["before"]["passages"] and flip["after"]["reasons"] and flip["before"]["scores"] == [1.0]
    assert document["cost"]["cached"] > 0 and len(document["flips"]) == 12
    assert document["noise"] == [], "one repeat measures no noise"
    markdown = files[".md"].read_text()
    assert markdown.startswith("## Blocked: `r2` against `r1`") and "Roses are red." in markdown
    read = JUnitXml.fromstring(files[".xml"].read_bytes())
    assert (read.tests, read.failures) == (2, 2)
    assert "Roses are red." in files[".html"].read_text()
    lines = [json.loads(line)["line"] for line in files[".jsonl"].read_text().splitlines()]
    assert lines.count("flip") == 12 and lines[0] == "verdict"
    rows = list(csv.DictReader(files[".csv"].open(newline="")))
    assert [row["row"] for row in rows] == ["category"] + ["flip"] * 12


def test_what_was_kept_is_told_later_even_without_its_journal(
    poem: Path, tmp_path: Path, lockgate: Lockgate
) -> None:
    here = ("-C", poem)
    whole = lockgate(*here, "evals", "report", "r2", "--json").data
    assert whole["outcome"] == "block" and whole["flips"][0]["before"]["passages"]
    again = lockgate(*here, "evals", "report", "--run", whole["verdict"][:22], "--json").data
    assert again == whole
    shutil.rmtree(poem / "state")
    kept = lockgate(*here, "evals", "report", "r2", "--json").data
    assert kept["verdict"] == whole["verdict"] and kept["categories"] == whole["categories"]
    assert [one["case"] for one in kept["flips"]] == [one["case"] for one in whole["flips"]]
    assert not kept["flips"][0]["before"]["passages"]
    told = lockgate(*here, "evals", "report", "r2", "--report", tmp_path / "run.md")
    assert told.code == 0 and told.out == "" and (tmp_path / "run.md").read_text().startswith("## Blocked")
    assert lockgate(*here, "evals", "report", "r2").out == (tmp_path / "run.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evals", "report", "r9"), "no run of r9"),
        (("evals", "report", "--run", "zzz"), "no run 'zzz'"),
        (("evals", "report", "r2", "--report", "x.pdf"), "x.pdf ends in none of"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    acme: Path, lockgate: Lockgate, words: tuple[str, ...], said: str
) -> None:
    found = lockgate("-C", acme, *words)
    assert found.code == 2 and said in found.err and found.err.count("\n") == 1


def test_a_bad_place_is_refused_before_anything_is_asked(
    acme: Path, lockgate: Lockgate, server: FaultServer
) -> None:
    asked = len(server.requests)
    found = lockgate("-C", acme, "eval", "r1", "--no-baseline", "--fresh", "--report", "/nowhere/x.md")
    assert found.code == 2 and "no folder /nowhere" in found.err and len(server.requests) == asked


def test_a_look_says_that_it_is_none(poem: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    file = tmp_path / "look.json"
    look = ("eval", "r2", "--against", "r1", "--case", "desk-0", "--report", file)
    assert lockgate("-C", poem, *look).code in (1, 3)
    document = json.loads(file.read_text())
    assert document["outcome"] == "look" and document["verdict"] is None and len(document["flips"]) == 1
    assert document["flips"][0]["before"]["passages"]


def test_a_report_that_the_disk_refuses_changes_no_verdict(
    acme: Path, tmp_path: Path, lockgate: Lockgate, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evals.reports import files
    from store.errors import MachineryError

    def refuse(*_: object) -> None:
        raise MachineryError("the disk is full.")

    monkeypatch.setattr(files, "write_atomically", refuse)
    found = lockgate("-C", acme, "eval", "r1", "--no-baseline", "--report", tmp_path / "x.md")
    assert found.code == 4 and "the report was not written: the disk is full." in found.err
    assert lockgate("-C", acme, "history", "--json").data["operations"][0]["kind"] == "eval"


def test_staging_writes_a_report_whatever_came_of_it(
    acme: Path, material: Path, tmp_path: Path, lockgate: Lockgate
) -> None:
    (material / "prompt/system.md").write_text("Answer with a poem.\n")
    assert lockgate("-C", acme, "add", "prompt", "support", "--from", material / "prompt").code == 0
    stage = ("-C", acme, "stage", "--set", "prompt/support", "-m", "x", "--report")
    blocked = lockgate(*stage, tmp_path / "blocked.json")
    assert blocked.code == 1
    told = json.loads((tmp_path / "blocked.json").read_text())
    assert told["outcome"] == "block" and told["verdict"] is None and len(told["flips"]) == 12
    assert told["candidate"]["components"]["prompt/support"] == "v2"

    kept = lockgate(*stage, tmp_path / "kept.json", "--keep-blocked")
    assert kept.code == 1
    told = json.loads((tmp_path / "kept.json").read_text())
    assert told["verdict"] in lockgate("-C", acme, "evals", "report", "r2", "--json").out
    assert told["candidate"]["release"] == "r2"

    dry = lockgate(*stage, tmp_path / "dry.json", "--dry-run")
    assert dry.code != 2 and not (tmp_path / "dry.json").exists()
    assert lockgate(*stage, "x.pdf").code == 2
