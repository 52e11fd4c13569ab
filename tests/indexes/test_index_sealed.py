from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from making_indexes import NAME, Built, build_here, manifest_of, numbered_rows, write_folder, write_rows

from indexes.compare import SourceDiff, compare
from indexes.documents import documents
from indexes.opened import open_copy
from indexes.sealed import read_rows, sealed_path, verify
from store.errors import Cancelled, InputError, MachineryError

FILES = ["records.jsonl.zst", "vectors.f32", "probes.json", "chroma/chroma.sqlite3", "manifest.json"]


def test_whole_is_whole(built: Built) -> None:
    seen = []
    verify(built.home, NAME, built.manifest, full=True, report=seen.append)
    assert seen


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("per_mille", [0, 300, 999])
def test_one_flipped_bit_anywhere_is_found_and_named(
    built: Built, change_bytes: Callable[[Path, int], None], name: str, per_mille: int
) -> None:
    change_bytes(built.sealed / name, per_mille)
    for check in (verify, open_copy):
        with pytest.raises(MachineryError, match=Path(name).name.replace(".", r"\.")):
            check(built.home, NAME, built.manifest)
    live = built.home / NAME / "live"
    assert not live.exists() or not any(live.iterdir())


def test_missing_extra_and_odd_files_are_named(built: Built) -> None:
    file = built.sealed / "vectors.f32"
    away = file.rename(built.home / "away")
    with pytest.raises(MachineryError, match=r"vectors\.f32 is missing"):
        verify(built.home, NAME, built.manifest)
    file.symlink_to(away)
    with pytest.raises(MachineryError, match=r"vectors\.f32 is no regular file"):
        verify(built.home, NAME, built.manifest)
    file.unlink()
    away.rename(file)
    (built.sealed / "chroma" / "note.txt").write_text("hello")
    with pytest.raises(MachineryError, match=r"note\.txt does not belong"):
        verify(built.home, NAME, built.manifest)


def test_a_cut_file_is_named_with_its_size(built: Built) -> None:
    file = built.sealed / "vectors.f32"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(MachineryError, match=r"vectors\.f32 is damaged: [\d,]+ bytes"):
        verify(built.home, NAME, built.manifest)


def test_a_missing_folder_says_so(built: Built) -> None:
    shutil.rmtree(built.sealed)
    with pytest.raises(MachineryError, match="archived or never on this machine"):
        verify(built.home, NAME, built.manifest)


def test_a_folder_of_other_content_is_refused(built: Built, tmp_path: Path) -> None:
    other = build_here(tmp_path / "other", write_folder(tmp_path / "source", 2))
    shutil.rmtree(built.sealed)
    shutil.copytree(sealed_path(tmp_path / "other", NAME, other.digest), built.sealed)
    with pytest.raises(MachineryError, match=r"manifest\.json belongs to other content"):
        verify(built.home, NAME, built.manifest)


def test_a_folder_built_again_from_the_same_content_is_good(
    built: Built, tmp_path: Path, change_bytes: Callable[[Path, int], None]
) -> None:
    again = build_here(tmp_path / "again", write_folder(tmp_path / "source"))
    assert again.digest == built.manifest.digest and again.files != built.manifest.files
    shutil.rmtree(built.sealed)
    shutil.copytree(sealed_path(tmp_path / "again", NAME, again.digest), built.sealed)
    verify(built.home, NAME, built.manifest)
    assert manifest_of(built.sealed).files == again.files
    change_bytes(built.sealed / "chroma" / "chroma.sqlite3", 500)
    with pytest.raises(MachineryError, match=r"chroma\.sqlite3"):
        verify(built.home, NAME, built.manifest)


def test_a_digest_never_leads_out_of_the_home(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        sealed_path(tmp_path, "../x", "sha256:" + "0" * 64)


def test_documents_for_screens(built: Built) -> None:
    found = documents(built.home, NAME, built.manifest)
    assert [one.source for one in found] == [f"doc{n}.md" for n in range(6)]
    assert (found[0].title, found[0].passages) == ("Document 0", 2)
    assert found[0].characters == sum(
        len(r.document) for r in read_rows(built.sealed) if r.source == "doc0.md"
    )


def test_compare_tells_rows_and_documents(built: Built, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source")
    (source / "doc0.md").unlink()
    (source / "doc1.md").write_text("# Document 1\n\nAll new words.\n")
    (source / "new.md").write_text("# New\n\nHello.\n")
    newer = build_here(built.home, source)
    diff = compare(built.home, NAME, built.manifest, newer)
    assert (diff.rows_added, diff.rows_removed, diff.rows_unchanged) == (2, 4, 8)
    assert [(one.change, one.source) for one in diff.sources] == [
        ("added", "new.md"), ("removed", "doc0.md"), ("changed", "doc1.md"),
    ]  # fmt: skip
    assert [(len(one.added), len(one.removed), len(one.changed)) for one in diff.sources] == [
        (1, 0, 0), (0, 2, 0), (1, 2, 0),
    ]  # fmt: skip
    ids = {row.id for row in read_rows(sealed_path(built.home, NAME, newer.digest))}
    assert set(diff.of("added")[0].added) < ids and not set(diff.of("removed")[0].removed) & ids
    same = compare(built.home, NAME, newer, newer)
    assert (same.rows_added, same.rows_removed, same.rows_unchanged, same.sources) == (0, 0, 10, ())


def test_compare_knows_rows_by_id_and_stops_when_asked(tmp_path: Path) -> None:
    home = tmp_path / "indexes"
    rows = numbered_rows(3)
    older = build_here(home, write_rows(tmp_path / "old.jsonl", rows))
    rows[1] |= {"document": "Other words."}
    rows[2] |= {"metadata": {"source": "moved.md"}}
    newer = build_here(home, write_rows(tmp_path / "new.jsonl", rows))
    diff = compare(home, NAME, older, newer)
    assert diff.sources == (
        SourceDiff("moved.md", "added", added=("row0002",)),
        SourceDiff("row0002", "removed", removed=("row0002",)),
        SourceDiff("row0001", "changed", changed=("row0001",)),
    )
    assert (diff.rows_added, diff.rows_removed, diff.rows_unchanged) == (2, 2, 1)
    with pytest.raises(Cancelled, match="The comparison was cancelled"):
        compare(home, NAME, older, newer, stop=lambda: True)
