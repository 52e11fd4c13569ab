"""Reading somebody else's Chroma directory: whole or one sentence, and never a byte written to it."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy
import pytest
from making_chroma import chroma_directory, contents, texts

from indexes import chroma_copy, chroma_reading, chroma_source
from indexes.chroma_source import collected
from indexes.collection import opened_client
from indexes.embedders.lexical import Lexical
from store.errors import Cancelled, InputError, MachineryError
from store.progress import Progress, Stop, never, silent


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chroma_directory(tmp_path_factory.mktemp("theirs") / "chroma", "docs", count=1200)


@pytest.fixture
def theirs(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "theirs"))


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads without a process of its own, for what has nothing to do with it: importing Chroma takes long."""

    def told(request: dict[str, Any], shown: str, *_: object) -> dict[str, Any]:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(request).encode())))
            chroma_reading.main()
        last: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        if not last["ok"]:
            raise chroma_source._refused(last, shown, "path" in request)
        return last

    monkeypatch.setattr(chroma_source, "_told", told)


def left(place: Path) -> list[Path]:
    return list((place / "tmp").iterdir()) if (place / "tmp").is_dir() else []


def test_rows_come_as_they_are_and_nothing_is_written(theirs: Path, tmp_path: Path) -> None:
    before, seen = contents(theirs), list[Progress]()
    with collected(tmp_path / "place", theirs, None, False, seen.append, never) as found:
        rows = {row.id: row for row in found.loaded.rows}
        assert len(rows) == 1200 and found.loaded.documents == 3
        assert (found.dimension, found.space, found.unit_length) == (384, "cosine", True)
        row = rows["row01100"]
        assert row.document == texts(1200)[1100] and row.source == "doc2.md"
        assert row.metadata == {"source": "doc2.md", "page": 1100, "score": 137.5, "new": True}
        assert numpy.allclose(row.embedding, Lexical().embed([row.document])[0], atol=1e-6)
    assert contents(theirs) == before
    assert {"copying", "reading"} <= {step.stage for step in seen}
    assert [step.done for step in seen if step.stage == "reading"] == [500, 1000, 1200]
    assert left(tmp_path / "place") == []


@pytest.mark.usefixtures("in_process")
def test_vectors_keep_every_bit(tmp_path: Path) -> None:
    vectors = numpy.random.default_rng(3).normal(size=(50, 8)).astype("f4")
    with opened_client(tmp_path / "theirs") as client:
        collection = client.create_collection(
            "bits", embedding_function=None, configuration={"hnsw": {"space": "l2"}}
        )
        names = [f"id{n:02d}" for n in range(50)]
        collection.add(ids=names, documents=names, embeddings=vectors)
    with collected(tmp_path / "place", tmp_path / "theirs", "bits", False, silent, never) as found:
        rows = sorted(found.loaded.rows, key=lambda row: row.id)
        assert all((row.embedding == vector).all() for row, vector in zip(rows, vectors, strict=True))
        assert not found.unit_length and found.space == "l2"


@pytest.mark.usefixtures("in_process")
def test_which_collection_has_to_be_said_where_there_are_several(tmp_path: Path) -> None:
    theirs = chroma_directory(tmp_path / "theirs", "first", "second", count=3)
    for wanted, words in (
        (None, "it has several collections: name one of first, second with --collection"),
        ("third", "it has no collection 'third'; there are first, second"),
    ):
        with (
            pytest.raises(InputError, match=words),
            collected(tmp_path / "place", theirs, wanted, False, silent, never),
        ):
            pass
    with collected(tmp_path / "place", theirs, "second", False, silent, never) as found:
        assert len(found.loaded.rows) == 3


@pytest.mark.usefixtures("in_process")
def test_places_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with opened_client(tmp_path / "bare") as client:
        assert client.list_collections() == []
    with opened_client(tmp_path / "hollow") as client:
        client.create_collection("docs", embedding_function=None)
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage/chroma.sqlite3").write_bytes(b"no database" * 100)
    for name, error, words in (
        ("missing", InputError, r"holds no chroma\.sqlite3"),
        ("empty", InputError, r"holds no chroma\.sqlite3"),
        ("bare", InputError, "has no collection"),
        ("hollow", InputError, "the collection is empty"),
        ("garbage", MachineryError, "its files may be damaged|crashed Chroma"),
    ):
        with (
            pytest.raises(error, match=words) as caught,
            collected(tmp_path / "place", tmp_path / name, None, False, silent, never),
        ):
            pass
        assert "\n" not in caught.value.message and name in caught.value.message
    assert left(tmp_path / "place") == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"documents": None}, r"row 1 \(id1\) has no document"),
        ({"documents": ["  "]}, r"row 1 \(id1\): the document is empty"),
        ({"metadatas": [{"tags": ["a", "b"]}]}, "metadata 'tags' must be text, a number, true or false"),
        ({"metadatas": [{"source": 7}]}, "metadata 'source' must be text"),
        ({"embeddings": [[0.0, 0.0]]}, "the vector of id1 is zero or not finite"),
        ({"documents": ["x" * 1_100_000]}, "row 1 has .* bytes; at most"),
    ],
)
@pytest.mark.usefixtures("in_process")
def test_a_row_that_an_index_cannot_hold_is_named(tmp_path: Path, row: dict[str, object], words: str) -> None:
    with opened_client(tmp_path / "theirs") as client:
        collection = client.create_collection("docs", embedding_function=None)
        collection.add(**{"ids": ["id1"], "documents": ["text"], "embeddings": [[1.0, 2.0]], **row})
    with (
        pytest.raises(InputError, match=words) as caught,
        collected(tmp_path / "place", tmp_path / "theirs", None, False, silent, never),
    ):
        pass
    assert "\n" not in caught.value.message


def test_a_directory_that_is_written_to_meanwhile_is_refused(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = chroma_copy.copy_plain

    def written(source: Path, target: Path, stop: Stop) -> None:
        real(source, target, stop)
        with opened_client(theirs) as client:
            client.get_collection("docs", embedding_function=None).add(
                ids=["late"], documents=["late"], embeddings=[[1.0] * 384]
            )

    monkeypatch.setattr(chroma_copy, "copy_plain", written)
    with (
        pytest.raises(MachineryError, match=r"is being written to.*or import from its server"),
        collected(tmp_path / "place", theirs, None, False, silent, never),
    ):
        pass


def test_links_are_not_followed(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    [segment] = [path for path in theirs.iterdir() if path.is_dir()]
    (segment / "link.bin").symlink_to(tmp_path / "secret")
    with (
        pytest.raises(InputError, match="is no regular file"),
        collected(tmp_path / "place", theirs, None, False, silent, never),
    ):
        pass


@pytest.mark.parametrize(
    "damage",
    ["truncated", *(pytest.param(one, marks=pytest.mark.heavy) for one in ("zeroed", "removed", "swapped"))],
)
def test_a_damaged_directory_is_one_sentence_and_no_crash(theirs: Path, tmp_path: Path, damage: str) -> None:
    [segment] = [path for path in theirs.iterdir() if path.is_dir()]
    data = segment / "data_level0.bin"
    if damage == "truncated":
        data.write_bytes(data.read_bytes()[: data.stat().st_size // 3])
    elif damage == "zeroed":
        data.write_bytes(bytes(data.stat().st_size))
    elif damage == "removed":
        shutil.rmtree(segment)
    else:
        (segment / "header.bin").write_bytes((segment / "length.bin").read_bytes())
    with (
        pytest.raises((MachineryError, InputError)) as caught,
        collected(tmp_path / "place", theirs, None, False, silent, never),
    ):
        pass
    assert "theirs" in caught.value.message and "\n" not in caught.value.message
    assert left(tmp_path / "place") == []


@pytest.mark.parametrize("stage", ["copying", "reading"])
def test_cancelling_leaves_nothing_and_no_process(theirs: Path, tmp_path: Path, stage: str) -> None:
    seen: set[str] = set()
    with (
        pytest.raises(Cancelled),
        collected(
            tmp_path / "place", theirs, None, False, lambda step: seen.add(step.stage), lambda: stage in seen
        ),
    ):
        pass
    assert left(tmp_path / "place") == []


def test_a_process_that_dies_without_a_word_is_told(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "bin"
    script.write_text("#!/bin/sh\nkill -SEGV $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(chroma_source.sys, "executable", str(script))
    with (
        pytest.raises(MachineryError, match=r"crashed Chroma \(exit -11\)"),
        collected(tmp_path / "place", theirs, None, False, silent, never),
    ):
        pass
