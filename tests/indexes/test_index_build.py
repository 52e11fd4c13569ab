from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from making_indexes import (
    NAME,
    NOW,
    Counting,
    build_here,
    left_in_tmp,
    numbered_rows,
    write_folder,
    write_rows,
)

from indexes import build as module
from indexes.build import build_rows
from indexes.export import read_rows, read_vectors
from indexes.probes import RowsLost, read_probes
from indexes.rows import Loaded, Row
from indexes.scratch import scratch
from indexes.sealed import SEALED, sealed_path, verify
from store.errors import Cancelled, InputError, MachineryError
from store.progress import Progress


def sealed_folders(home: Path) -> list[str]:
    folder = home / NAME / SEALED
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_a_build_seals(home: Path, source: Path) -> None:
    seen: list[Progress] = []
    manifest = build_here(home, source, report=seen.append)
    sealed = sealed_path(home, NAME, manifest.digest)

    assert (manifest.passages, manifest.documents, manifest.space) == (12, 6, "l2")
    assert manifest.embedder.name == "lexical"
    assert (manifest.built_at, manifest.source, manifest.chunking) == (NOW, "source", "paragraphs/600")
    assert manifest.what_changed == "6 documents, 12 passages"
    assert sealed.name == manifest.digest[7:39]
    names = {file.path for file in manifest.files}
    assert {"records.jsonl.zst", "vectors.f32", "probes.json", "chroma/chroma.sqlite3"} <= names
    assert "manifest.json" not in names and (sealed / "manifest.json").is_file()
    rows = list(read_rows(sealed))
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert read_vectors(sealed, 384).shape == (12, 384)
    assert len(read_probes(sealed)) == 12
    assert {step.stage for step in seen} >= {"reading", "embedding", "writing", "sealing"}
    verify(home, NAME, manifest, full=True)
    assert left_in_tmp(home) == []


def test_the_same_content_is_adopted(home: Path, source: Path, tmp_path: Path) -> None:
    first = build_here(home, source)
    before = (sealed_path(home, NAME, first.digest) / "manifest.json").stat()
    again = build_here(home, source)
    assert (again.digest, again.files) == (first.digest, first.files)
    after = (sealed_path(home, NAME, first.digest) / "manifest.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    elsewhere = build_here(tmp_path / "elsewhere", source)
    assert elsewhere.digest == first.digest, "another machine gets the same digest"


def test_damaged_content_is_sealed_anew(
    home: Path, source: Path, change_bytes: Callable[[Path, int], None]
) -> None:
    first = build_here(home, source)
    change_bytes(sealed_path(home, NAME, first.digest) / "vectors.f32", 500)
    again = build_here(home, source)
    verify(home, NAME, again, full=True)
    verify(home, NAME, first)  # the version that named the old bytes is whole again too
    assert left_in_tmp(home) == []


def test_a_parent_lends_the_vectors_of_what_did_not_change(home: Path, source: Path) -> None:
    first = build_here(home, source)
    (source / "doc0.md").unlink()
    (source / "doc1.md").write_text((source / "doc1.md").read_text() + "\n## More\n\nOne more section.\n")
    (source / "new.md").write_text("# New\n\nA new document.\n")
    embedder = Counting()
    second = build_here(home, source, embedder, parent=first, parent_version="v1")

    assert sorted(embedder.asked) == ["More\n\nOne more section.", "New\n\nA new document."]
    assert second.parent == "v1"
    assert second.delta.model_dump() == {
        "added": 1,
        "removed": 1,
        "changed": 1,
        "added_sources": ("new.md",),
        "removed_sources": ("doc0.md",),
        "changed_sources": ("doc1.md",),
    }
    assert second.what_changed == "1 document added (new.md), 1 removed (doc0.md), 1 changed (doc1.md)"
    alone = build_here(home, source)
    assert alone.digest == second.digest, "lent vectors are the ones that would have been made"


def test_of_many_changes_the_first_are_named(home: Path, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", 1)
    first = build_here(home, source)
    for number in range(120):
        (source / f"more{number:03d}\n.md").write_text(f"More words of {number}.\n")
    second = build_here(home, source, parent=first, parent_version="v1")
    assert second.delta.added == 120 and len(second.delta.added_sources) == 100
    assert all("\n" not in name for name in second.delta.added_sources)
    names = ", ".join(second.delta.added_sources[:3])
    assert second.what_changed == f"120 documents added ({names} and 117 more)"


def test_two_documents_with_one_id_are_refused_with_both_sources(home: Path, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "document": "one", "metadata": {"source": "x.md"}},
        {"id": "a", "document": "two", "metadata": {"source": "y.md"}},
    ]
    with pytest.raises(InputError, match=r"line 2: the id a is on line 1 already \(of x\.md and of y\.md\)"):
        build_here(home, write_rows(tmp_path / "rows.jsonl", rows))
    twice = tuple(Row(row["id"], row["document"], {}, f"{row['document']}.md") for row in rows)
    with pytest.raises(InputError, match=r"the id a is given twice \(of one\.md and of two\.md\); ids must"):
        build_rows(home, NAME, Loaded(twice, 2, ""), "somewhere", embedder=Counting(), now=NOW)
    assert not (home / NAME).exists()


def test_a_parent_of_another_embedder_lends_nothing(home: Path, source: Path) -> None:
    first = build_here(home, source)

    class Other(Counting):
        @property
        def identity(self):  # type: ignore[no-untyped-def]
            return super().identity.model_copy(update={"weights": "sha256:" + "1" * 64, "name": "other"})

    embedder = Other()
    second = build_here(home, source, embedder, parent=first, parent_version="v1")
    assert len(embedder.asked) == 12
    assert second.what_changed == "no document changed, embedded with other instead of lexical"
    assert second.digest != first.digest


def test_a_missing_or_damaged_parent_is_named(
    home: Path, source: Path, change_bytes: Callable[[Path, int], None]
) -> None:
    first = build_here(home, source)
    sealed = sealed_path(home, NAME, first.digest)
    change_bytes(sealed / "records.jsonl.zst", 500)
    with pytest.raises(MachineryError, match=r"records\.jsonl\.zst is damaged"):
        build_here(home, source, parent=first, parent_version="v1")
    sealed.rename(home / "away")
    with pytest.raises(MachineryError, match="archived or never on this machine"):
        build_here(home, source, parent=first, parent_version="v1")


def test_rows_bring_their_own_vectors(home: Path, tmp_path: Path) -> None:
    rows = numbered_rows(3)
    for number, row in enumerate(rows):
        row["embedding"] = [float(number + 1), *[0.5] * 383]
    embedder = Counting()
    manifest = build_here(home, write_rows(tmp_path / "rows.jsonl", rows), embedder)
    vectors = read_vectors(sealed_path(home, NAME, manifest.digest), 384)
    assert embedder.asked == []
    assert numpy.allclose(numpy.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[2, 0] > vectors[1, 0] > vectors[0, 0]

    short = [{**row, "embedding": [1, 2, 3]} for row in rows]
    with pytest.raises(InputError, match="bring vectors of 3 numbers, but lexical"):
        build_here(home, write_rows(tmp_path / "rows.jsonl", short))


def test_rows_with_awkward_names_survive(home: Path, tmp_path: Path) -> None:
    rows = [
        {
            "id": "a\nb\t\u0000",
            "document": "line\r\nbreak \u202e bidi",
            "metadata": {"ü" * 50: "\u0000", "n": 2**62},
        },
        {"id": "é", "document": "one \U0001f600", "metadata": {"f": 0.1, "t": True}},
        {"id": "e\u0301", "document": "two"},
    ]
    manifest = build_here(home, write_rows(tmp_path / "rows.jsonl", rows))
    found = {row.id: row for row in read_rows(sealed_path(home, NAME, manifest.digest))}
    assert all(found[row["id"]].document == row["document"] for row in rows)
    assert all(found[row["id"]].metadata == row.get("metadata", {}) for row in rows)
    verify(home, NAME, manifest, full=True)


@pytest.mark.parametrize("stage", ["reading", "embedding", "writing", "sealing"])
def test_cancel_leaves_nothing(home: Path, source: Path, stage: str) -> None:
    seen: set[str] = set()
    with pytest.raises(Cancelled, match="nothing was changed"):
        build_here(home, source, report=lambda step: seen.add(step.stage), stop=lambda: stage in seen or (
            stage == "sealing" and "writing" in seen
        ))  # fmt: skip
    assert left_in_tmp(home) == [] and sealed_folders(home) == []


def test_a_bad_name_touches_no_disk(tmp_path: Path, source: Path) -> None:
    from indexes.build import build

    with pytest.raises(InputError, match="is not allowed"):
        build(tmp_path / "indexes", "../x", source, embedder=Counting(), now=NOW)
    assert not (tmp_path / "indexes").exists()


def test_an_embedder_that_fails_leaves_nothing(home: Path, source: Path) -> None:
    class Broken(Counting):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            return super().embed(texts) * numpy.float32("nan")

    with pytest.raises(MachineryError, match="not finite"):
        build_here(home, source, Broken())
    assert left_in_tmp(home) == [] and sealed_folders(home) == []


def test_a_full_disk_is_one_sentence(home: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def full(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().name == "vectors.f32":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineryError, match=r"handbook is full \([\d,]+ KiB free\); nothing was changed"):
        build_here(home, source)
    assert left_in_tmp(home) == [] and sealed_folders(home) == []


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, sys.argv[1])
from making_indexes import *
from store.errors import MachineryError
home = Path(sys.argv[2])
try:
    build_here(home, Path(sys.argv[3]))
except MachineryError as error:
    print(error.message)
    print(left_in_tmp(home), [path.name for path in home.rglob("sealed/*")])
"""


@pytest.mark.parametrize(
    "kilobytes", [500, *(pytest.param(size, marks=pytest.mark.heavy) for size in (20, 100, 1500, 2200))]
)
def test_on_a_disk_that_is_really_full(tmp_path: Path, kilobytes: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    rows = write_rows(tmp_path / "rows.jsonl", numbered_rows(600))
    script = f'mount -t tmpfs -o size={kilobytes}k none "$3" && exec "$0" -c "$1" "$2" "$3/indexes" "$4"'
    here = str(Path(__file__).parent)
    command = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        script,
        sys.executable,
        _ON_A_SMALL_DISK,
        here,
        str(disk),
        str(rows),
    ]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        pytest.skip("no unshare(1) here")
    if "unshare" in ended.stderr or "mount" in ended.stderr:
        pytest.skip(f"no small disk can be mounted here: {ended.stderr.strip()}")
    assert "is full" in ended.stdout and "nothing was changed" in ended.stdout, ended.stdout + ended.stderr
    assert "[] []" in ended.stdout


def test_two_builders_of_one_content_share_it(home: Path, source: Path) -> None:
    ready = threading.Barrier(2)
    made = []

    def meet(step: Progress) -> None:
        if step.stage == "sealing":
            ready.wait(30)

    threads = [
        threading.Thread(target=lambda: made.append(build_here(home, source, report=meet))) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made[0].digest == made[1].digest and made[0].files == made[1].files
    assert len(sealed_folders(home)) == 1 and left_in_tmp(home) == []
    verify(home, NAME, made[0], full=True)


def test_leftovers_of_the_dead_go_and_the_living_stay(home: Path, source: Path) -> None:
    tmp = home / NAME / "tmp"
    (tmp / "dead" / "sealed").mkdir(parents=True)
    (tmp / "dead.lock").touch()
    (tmp / "unlocked").mkdir()
    with scratch(tmp) as mine:
        (mine / "work").touch()
        build_here(home, source)
        assert left_in_tmp(home) == sorted([mine.name, f"{mine.name}.lock"])
        assert (mine / "work").exists()
    assert left_in_tmp(home) == []


def test_sealed_files_say_that_they_are_not_to_be_written(home: Path, source: Path) -> None:
    manifest = build_here(home, source)
    sealed = sealed_path(home, NAME, manifest.digest)
    assert all(not (sealed / file.path).stat().st_mode & 0o222 for file in manifest.files)


def test_manifest_json_is_what_the_manifest_in_git_gives(home: Path, source: Path) -> None:
    from indexes.seal import Seal

    manifest = build_here(home, source)
    data = (sealed_path(home, NAME, manifest.digest) / "manifest.json").read_bytes()
    assert data == Seal.of(manifest).to_bytes()
    assert json.loads(data)["digest"] == manifest.digest


def test_one_row_is_an_index(home: Path, tmp_path: Path) -> None:
    manifest = build_here(home, write_folder(tmp_path / "one", 1), chunk_characters=2000)
    assert manifest.documents == 1
    verify(home, NAME, manifest, full=True)


def lose_rows(monkeypatch: pytest.MonkeyPatch, times: int) -> list[dict[str, int]]:
    """Lets `times` collections lose rows, as 100,000 texts of random words do; what each was made with."""
    made: list[dict[str, int]] = []
    real = module.make_probes

    def probes(collection: Any, *rest: Any) -> Any:
        made.append(collection.configuration_json["hnsw"])
        if len(made) <= times:
            raise RowsLost("Chroma does not find 3 of 20 rows that it was just given.")
        return real(collection, *rest)

    monkeypatch.setattr(module, "make_probes", probes)
    return made


def test_rows_that_get_lost_are_linked_more_finely(
    home: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build_here(home / "plain", source)
    made = lose_rows(monkeypatch, 1)
    manifest = build_here(home, source)
    assert [(one["max_neighbors"], one["ef_search"]) for one in made] == [(16, 100), (32, 400)]
    assert manifest.digest == plain.digest, "the graph is no part of the content"
    verify(home, NAME, manifest, full=True)
    assert left_in_tmp(home) == []


def test_rows_that_stay_lost_are_one_sentence(
    home: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_rows(monkeypatch, 2)
    with pytest.raises(MachineryError, match="does not find 3 of 20 rows"):
        build_here(home, source)
    assert left_in_tmp(home) == [] and sealed_folders(home) == []
