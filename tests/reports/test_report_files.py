"""A report is written whole or not at all, and only where that is possible."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evals.reports.files import FORMATS, write_reports
from store.errors import InputError, MachineryError
from tests.reports.making_reports import a_report


def test_each_ending_is_a_file_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    paths = [tmp_path / f"run{ending}" for ending in FORMATS]
    write_reports(a_report(), paths)
    assert sorted(tmp_path.iterdir()) == sorted(paths) and all(path.stat().st_size for path in paths)
    before = paths[0].read_bytes()
    write_reports(a_report("other"), paths[:1])
    assert paths[0].read_bytes() != before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("report.txt", "ends in none of"),
        ("report", "ends in none of"),
        ("nowhere/report.md", "no folder"),
        ("folder.md", "no plain file"),
        ("pipe.json", "no plain file"),
    ],
)
def test_a_place_that_takes_no_report_is_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=words) as found:
        write_reports(a_report(), [tmp_path / "good.md", tmp_path / name])
    assert found.value.message.count("\n") == 0 and sorted(tmp_path.iterdir()) == before


def test_a_disk_that_refuses_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.md"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(MachineryError, match="full"):
        write_reports(a_report(), [path])
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
