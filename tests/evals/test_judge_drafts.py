"""Labels that wait in a file: whole lines, on the disk, whoever writes at the same time."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.judge import drafts as drafts_file
from evals.judge.drafts import Drafts
from evals.judge.labels import Label
from store.errors import InputError, MachineryError

AT = datetime(2026, 3, 1, tzinfo=UTC)


def label(answer: str = "yes, please", by: str = "ana", said: bool = True) -> Label:
    return Label(case="tone-1", answer=answer, label=said, by=by, at=AT)


def test_what_was_appended_is_read_again_as_it_was(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "labels" / "support.jsonl")
    assert drafts.read() == ()
    said = [label("a\nb \x1b[31m \u202e"), label("a\nb \x1b[31m \u202e", said=False), label(by="bob")]
    for one in said:
        drafts.append(one)
    assert list(drafts.read()) == said
    assert drafts.path.read_bytes().count(b"\n") == 3
    assert drafts.path.stat().st_mode & 0o077 == 0


def test_a_torn_end_is_cut_off_and_a_damaged_line_was_not_said(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "support.jsonl")
    drafts.append(label("first"))
    with drafts.path.open("ab") as file:
        file.write(b'{"case": "tone-1"}\n\xff\n{"case":"tone-1","answer":"to')
    assert [one.answer for one in drafts.read()] == ["first"]
    drafts.append(label("second"))
    assert [one.answer for one in drafts.read()] == ["first", "second"]
    assert all(one.endswith(b"}") or one == b"\xff" for one in drafts.path.read_bytes().splitlines())


def _append(path: Path, by: str) -> None:
    for number in range(40):
        Drafts(path).append(label("x" * (number * 700), by))


def test_two_consoles_never_share_a_line(tmp_path: Path) -> None:
    path = tmp_path / "support.jsonl"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(_append, ((path, "ana"), (path, "bob")))
    found = Drafts(path).read()
    assert sorted(len(one.answer) for one in found if one.by == "ana") == [700 * n for n in range(40)]
    assert len(found) == 80


def test_a_file_whose_labels_all_landed_begins_anew(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "support.jsonl")
    drafts.append(label("first"))
    drafts.append(label("second"))
    drafts.append(label("second", "bob"), spent=(label("first"), label("other")))
    assert len(drafts.read()) == 3
    drafts.append(label("third"), spent=(label("second", "bob"), label("first"), label("second")))
    assert [one.answer for one in drafts.read()] == ["third"]


def test_a_full_file_and_one_that_cannot_be_written_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = Drafts(tmp_path / "support.jsonl")
    drafts.append(label())
    kept = drafts.path.read_bytes()
    monkeypatch.setattr(drafts_file, "LABELS_LIMIT", len(kept) + 10)
    with pytest.raises(InputError, match="is full"):
        drafts.append(label())
    assert drafts.path.read_bytes() == kept
    folder = Drafts(tmp_path / "folder.jsonl")
    folder.path.mkdir()
    with pytest.raises(MachineryError, match="cannot be read"):
        folder.append(label())
    link = Drafts(tmp_path / "link.jsonl")
    link.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MachineryError):
        link.append(label())
    assert not (tmp_path / "elsewhere").exists()
