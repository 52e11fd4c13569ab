"""Looking at passages before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Lockgate, write_material


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    return write_material(tmp_path / "material") / "pages"


def test_a_preview_shows_passages_and_touches_nothing(
    tmp_path: Path, pages: Path, lockgate: Lockgate
) -> None:
    root = tmp_path / "acme"
    assert lockgate("init", root).code == 0
    before = sorted(root.rglob("*"))
    (pages / "picture.png").write_bytes(b"x")
    preview = ("-C", root, "add", "index", "pages", "--from", pages, "--embedder", "openai:none", "--preview")
    told = lockgate(*preview, "2")
    assert told.code == 0 and told.out.count("pages") == 0
    assert "contact.txt#" in told.out and "Write to the desk on the ground floor." in told.out
    assert "title=contact" in told.out and "returns.md" not in told.out
    assert "4 documents, 4 passages of" in told.out and "Nothing was embedded or written." in told.out
    assert "picture.png" in told.out

    data = lockgate(*preview, "--json").data
    assert (data["documents"], data["passages"], len(data["first"])) == (4, 4, 4)
    lengths = sorted(len(row["document"]) for row in data["first"])
    assert (data["characters"]["shortest"], data["characters"]["longest"]) == (lengths[0], lengths[-1])
    assert data["first"][0]["metadata"] == {"source": "contact.txt", "title": "contact"}
    assert data["skipped"] == {"unknown": ["picture.png"], "empty": []}
    assert sorted(root.rglob("*")) == before


def test_a_preview_cuts_as_the_build_would(tmp_path: Path, lockgate: Lockgate) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(f"Paragraph {n} " + "word " * 30 for n in range(9)))
    preview = ("add", "index", "pages", "--from", tmp_path / "a.txt", "--preview", "1000", "--json")
    few = lockgate(*preview, "--chunk", "2000").data
    many = lockgate(*preview, "--chunk", "200").data
    assert few["passages"] < many["passages"] == len(many["first"]) == 9
    assert few["chunking"] == "paragraphs/2000"


def test_hostile_text_reaches_no_terminal(tmp_path: Path, lockgate: Lockgate) -> None:
    (tmp_path / "a.md").write_text("# T\x1b[2J\n\nred \x1b[31m\u202e text\n")
    told = lockgate("add", "index", "pages", "--from", tmp_path / "a.md", "--preview")
    assert told.code == 0 and "\x1b" not in told.out and "\u202e" not in told.out


def test_a_bad_source_or_name_is_refused_as_by_the_build(
    tmp_path: Path, pages: Path, lockgate: Lockgate
) -> None:
    (tmp_path / "a.csv").write_text("id;document\n")
    told = lockgate("add", "index", "pages", "--from", tmp_path / "a.csv", "--preview")
    assert told.code == 2 and "parted by commas" in told.err
    assert lockgate("add", "index", "../x", "--from", pages, "--preview").code == 2
    assert lockgate("add", "index", "pages", "--from", pages, "--preview", "0").code == 2
