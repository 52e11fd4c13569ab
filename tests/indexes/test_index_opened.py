from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from making_indexes import NAME, Built, build_here, numbered_rows, write_rows

from indexes import opened
from indexes.collection import collection_name
from indexes.embedders import get_embedder
from indexes.opened import Retriever, ensure_open, latest_copy, open_copy, probe, sweep_copies
from indexes.probes import read_probes
from indexes.sealed import sealed_path, verify
from store.errors import MachineryError
from store.records.versions import EmbedderIdentity

LEXICAL = get_embedder("lexical")
COLLECTION = collection_name(NAME)


def test_collection_names_are_ones_that_chroma_takes() -> None:
    from chromadb.api.segment import check_index_name  # the strictest rules it ever had

    for name in ("a", "0", "a-", "a..b", "a_.-", "x" * 64, "x" * 53 + "..-" + "y" * 8):
        check_index_name(collection_name(name))
    assert collection_name("handbook") == COLLECTION == "lockgate-handbook"


def test_open_probe_ask_and_open_again(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert latest_copy(built.home, NAME, built.manifest) is None
    path = ensure_open(built.home, NAME, built.manifest)
    assert path.parent == built.home / NAME / "live"
    assert path.name.startswith(built.manifest.digest[7:19] + "-")
    with Retriever.open(path, COLLECTION, LEXICAL) as retriever:
        (first, *_), other = retriever.query(["Document 3", "Document 5 Details"], 3)
        assert first.source == "doc3.md" and first.text.startswith("Document 3")
        assert 0 <= first.distance < other[2].distance <= 4
        assert len(retriever.query(["x"], 50)[0]) == 12
        assert retriever.query([], 3) == [] and retriever.query(["x"], 0) == [[]]
    assert ensure_open(built.home, NAME, built.manifest) == path, "asking does not spoil a copy"
    verify(built.home, NAME, built.manifest, full=True)

    (tmp_path / "boot_id").write_text("another start")
    with monkeypatch.context() as patched:
        patched.setattr(opened, "_BOOT", tmp_path / "boot_id")
        assert latest_copy(built.home, NAME, built.manifest) is None, "copies are not synced"
    (path / "chroma.sqlite3").unlink()
    assert latest_copy(built.home, NAME, built.manifest) is None, "a file is gone"


def test_a_copy_is_trusted_after_its_probes_only(built: Built) -> None:
    path = open_copy(built.home, NAME, built.manifest)
    again = open_copy(built.home, NAME, built.manifest, verified=True)
    assert path != again
    assert latest_copy(built.home, NAME, built.manifest) is None
    result = probe(path, COLLECTION, built.manifest, read_probes(built.sealed))
    assert (result.passages, result.probes, result.top1, result.overlap) == (12, 12, 1.0, 1.0)
    assert latest_copy(built.home, NAME, built.manifest) == path


def test_sweeping_keeps_what_serves_and_what_is_newer(built: Built) -> None:
    first, second, third, fourth = (open_copy(built.home, NAME, built.manifest) for _ in range(4))
    assert sweep_copies(built.home, NAME, set()) == ()
    assert sweep_copies(built.home, NAME, {third}) == (first, second)
    assert not first.exists() and third.exists() and fourth.exists()
    fifth = open_copy(built.home, NAME, built.manifest)
    assert fifth.name not in {first.name, second.name}


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Over 1000 rows, so that Chroma has written vector files."""
    folder = tmp_path_factory.mktemp("larger")
    source = write_rows(folder / "rows.jsonl", numbered_rows(1100))
    return Built(folder / "indexes", build_here(folder / "indexes", source))


def test_a_larger_index_opens_too(larger: Built) -> None:
    assert any(file.path.endswith("data_level0.bin") for file in larger.manifest.files)
    path = ensure_open(larger.home, NAME, larger.manifest)
    with Retriever.open(path, COLLECTION, LEXICAL) as retriever:
        found = retriever.query([numbered_rows(1100)[700]["document"]], 1)[0][0]
        assert found.id == "row0700" and found.distance < 1e-5
    assert latest_copy(larger.home, NAME, larger.manifest) == path


@pytest.mark.parametrize(
    "harm", ["truncated", *(pytest.param(h, marks=pytest.mark.heavy) for h in ("zeroed", "garbage"))]
)
def test_damaged_copies_are_not_used_even_if_they_crash(larger: Built, harm: str) -> None:
    path = open_copy(larger.home, NAME, larger.manifest)
    for file in path.glob("*/*.bin"):
        data = file.read_bytes()
        file.write_bytes(
            {"truncated": data[: len(data) // 3], "zeroed": bytes(len(data))}.get(harm, b"\xff" * len(data))
        )
    with pytest.raises(MachineryError, match="it is not used"):
        probe(path, COLLECTION, larger.manifest, read_probes(larger.sealed))
    shutil.rmtree(path)


def test_a_copy_of_something_else_fails_its_probes(built: Built, larger: Built) -> None:
    path = open_copy(built.home, NAME, built.manifest)
    with pytest.raises(MachineryError, match="made for another digest"):
        probe(path, COLLECTION, larger.manifest, read_probes(larger.sealed))
    with pytest.raises(MachineryError, match="lockgate-other cannot be opened"):
        Retriever.open(path, "lockgate-other", LEXICAL)


def test_a_failed_probe_leaves_no_copy(built: Built) -> None:
    wrong = built.manifest.model_copy(update={"passages": 13})
    with pytest.raises(MachineryError, match="12 rows are there, 13 were sealed"):
        ensure_open(built.home, NAME, wrong)
    assert list((built.home / NAME / "live").iterdir()) == []


def test_questions_need_the_embedder_of_the_vectors(built: Built) -> None:
    class Other:
        identity = EmbedderIdentity(name="lexical", weights="sha256:" + "1" * 64, dimension=384)
        embed = LEXICAL.embed

    path = open_copy(built.home, NAME, built.manifest)
    with pytest.raises(MachineryError, match="questions need the same embedder"):
        Retriever.open(path, COLLECTION, Other())
    with pytest.raises(MachineryError, match="holds no Chroma index"):
        Retriever.open(path / "nothing", COLLECTION, LEXICAL)


def test_a_retriever_serves_threads(built: Built) -> None:
    path = open_copy(built.home, NAME, built.manifest)
    found: list[str] = []
    with Retriever.open(path, COLLECTION, LEXICAL) as retriever:
        ask = lambda n: found.append(retriever.query([f"Document {n}"], 1)[0][0].source)  # noqa: E731
        threads = [threading.Thread(target=ask, args=(n % 6,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == sorted(f"doc{n % 6}.md" for n in range(12))
    retriever.close()


def test_the_folder_one_stands_in_is_not_imported_from(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chromadb.py").write_text("raise SystemExit('taken over')")
    (tmp_path / ".env").write_text("CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI\nIS_PERSISTENT=false\n")
    monkeypatch.chdir(tmp_path)
    path = ensure_open(built.home, NAME, built.manifest)
    assert sealed_path(built.home, NAME, built.manifest.digest).is_dir() and path.is_dir()
