"""Making workspaces and versions: what a dry run says, and what is refused before anything is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Lockgate, write_material


@pytest.fixture
def plain(tmp_path: Path, lockgate: Lockgate) -> Path:
    """An empty workspace; a stranger's material is beside it."""
    assert lockgate("init", tmp_path / "acme").code == 0
    write_material(tmp_path / "material")
    return tmp_path / "acme"


def test_a_dry_run_of_init_makes_nothing(tmp_path: Path, lockgate: Lockgate) -> None:
    told = lockgate("init", tmp_path / "acme", "--dry-run", "--json").data
    assert told["dry_run"] and told["environments"] == ["staging", "production"]
    assert {"store.git/", "settings.toml"} <= {one["path"] for one in told["makes"]}
    text = lockgate("init", tmp_path / "acme", "--dry-run")
    assert text.code == 0 and "store.git/" in text.out and "nothing was changed" in text.out
    assert not (tmp_path / "acme").exists()


def test_init_keeps_its_note(tmp_path: Path, lockgate: Lockgate) -> None:
    assert lockgate("init", tmp_path / "acme", "-m", "for the desk").code == 0
    operations = lockgate("-C", tmp_path / "acme", "history", "--json").data["operations"]
    assert [one["why"] for one in operations] == ["for the desk"]


def test_init_refuses_what_would_confuse(plain: Path, lockgate: Lockgate) -> None:
    before = sorted(plain.rglob("*"))
    (plain.parent / "file").write_text("x")
    for path, words in (
        ("", "init wants a folder"),
        (plain, "is a Lockgate workspace already"),
        (plain / "inner", "inside the workspace"),
        (plain / "indexes/deep/inner", "inside the workspace"),
        (plain.parent / "file", "is a file"),
        (plain.parent / "file/inner", "is a file"),
    ):
        for more in ((), ("--dry-run",)):
            told = lockgate("init", path, *more)
            assert told.code == 2 and words in told.err and told.err.count("\n") == 1, (path, told.err)
    assert sorted(plain.rglob("*")) == before


def test_a_dry_run_of_an_index_counts_and_builds_nothing(plain: Path, lockgate: Lockgate) -> None:
    pages = plain.parent / "material/pages"
    (pages / "picture.png").write_bytes(b"\x89PNG")
    (pages / "empty.md").write_text(" \n")
    add = ("-C", plain, "add", "index", "pages", "--from", pages)
    first = lockgate(*add, "--embedder", "lexical", "--dry-run", "--json")
    assert first.code == 0 and first.data["dry_run"]
    told = first.data["index"]
    assert (told["documents"], told["passages"], told["to_embed"]) == (4, 4, 4)
    assert told["skipped"] == {"unknown": ["picture.png"], "empty": ["empty.md"]}
    assert told["embedder"] == "lexical" and told["seconds"] >= 0
    assert not (plain / "indexes/pages").exists()
    assert lockgate("-C", plain, "list", "index", "--json").data == []

    built = lockgate(*add, "--embedder", "lexical")
    assert built.code == 0 and "picture.png" in built.out and "empty.md" in built.out
    (pages / "news.md").write_text("# News\n\nThe shop moved.\n")
    second = lockgate(*add, "--parent", "v1", "--dry-run", "--json").data["index"]
    assert (second["passages"], second["to_embed"]) == (5, 1)
    changed = second["documents_changed"]
    assert (changed["added"], changed["removed"], changed["changed"]) == (1, 0, 0)
    assert changed["added_sources"] == ["news.md"]
    text = lockgate(*add, "--parent", "v1", "--dry-run").out
    assert "1 passage would be embedded with lexical, 4 vectors would be taken over" in text
    assert "against v1: 1 document added (news.md)" in text
    [change] = lockgate(*add, "--parent", "v1", "--json").data["changes"]
    assert change["what"] == "1 document added (news.md)", (
        "the record, and with it the note, says what changed"
    )


def test_nothing_new_is_no_version_and_no_dry_run_of_one(plain: Path, lockgate: Lockgate) -> None:
    add = ("-C", plain, "add", "index", "pages", "--from", plain.parent / "material/pages")
    assert lockgate(*add, "--embedder", "lexical").code == 0
    for more in (("--parent", "v1"), ("--parent", "v1", "--dry-run")):
        told = lockgate(*add, *more)
        assert told.code == 2 and "exactly these passages already" in told.out + told.err
    assert lockgate(*add, "--embedder", "lexical").code == 2
    assert len(lockgate("-C", plain, "list", "index", "pages", "--json").data) == 1


def test_a_parent_of_another_embedder_is_refused_with_both_ways_out(plain: Path, lockgate: Lockgate) -> None:
    add = ("-C", plain, "add", "index", "pages", "--from", plain.parent / "material/pages")
    assert lockgate(*add, "--embedder", "lexical").code == 0
    for more in ((), ("--dry-run",)):
        told = lockgate(*add, "--parent", "v1", "--embedder", "minilm", *more)
        assert told.code == 2 and "leave --parent out" in told.err and "or --embedder" in told.err


def test_a_field_that_nobody_knows_is_named_with_those_that_are(plain: Path, lockgate: Lockgate) -> None:
    rules = plain.parent / "rules.toml"
    for text, words in (
        (
            "[input]\ndenny = []\n",
            "input.denny: no such field; known are deny, max_characters, pii, require.",
        ),
        ("refusal = 3\n", "refusal: wants text."),
        ("[input]\nmax_characters = 0\n", "input.max_characters: has to be at least 1."),
        ('[output]\npii = ["face"]\n', "output.pii.0: wants one of 'email', 'phone'"),
    ):
        rules.write_text(text)
        told = lockgate("-C", plain, "add", "guardrail", "default", "--from", rules)
        assert told.code == 2 and words in told.err and "Input should" not in told.err, told.err
