"""A build that ended early, by SIGKILL too, pays for no vector twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy
import pytest
from embedding_server import EmbeddingServer
from hypothesis import given, settings
from hypothesis import strategies as st
from making_indexes import (
    NAME,
    NOW,
    Counting,
    build_here,
    left_in_tmp,
    numbered_rows,
    sentence,
    write_folder,
    write_rows,
)

from indexes.embedders import EndpointAccess, get_embedder
from indexes.kept_vectors import KeptVectors, stale_vectors, sweep_vectors, text_key
from indexes.sealed import verify
from store.errors import Cancelled, MachineryError
from store.progress import Progress
from store.records.versions import EmbedderIdentity

IDENTITY = EmbedderIdentity(name="lexical", dimension=384)
SMALL = EmbedderIdentity(name="small", dimension=3)
ROWS = 64 * 5 + 7

_BUILDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from making_indexes import *
from indexes.embedders import EndpointAccess
embedder = get_embedder("openai:counted", endpoint=EndpointAccess(sys.argv[4], "sk-none"))
print(build_here(Path(sys.argv[2]), Path(sys.argv[3]), embedder).digest)
"""


def start_build(home: Path, source: Path, server: EmbeddingServer) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", _BUILDER, here, str(home), str(source), server.url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kept_files(home: Path) -> list[Path]:
    return sorted((home / NAME / "embedding").glob("*"))


def test_a_killed_build_goes_on_without_embedding_anything_twice(home: Path, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "rows.jsonl", numbered_rows(ROWS))
    with EmbeddingServer() as server:
        server.hang_at = 5  # the first asks for the dimension, so three batches are answered
        with start_build(home, source, server) as builder:
            assert server.hanging.wait(60)
            builder.send_signal(signal.SIGKILL)
        assert builder.returncode == -signal.SIGKILL
        [kept] = kept_files(home)
        assert kept.stat().st_size == 3 * 64 * (32 + 384 * 4 + 8)
        with kept.open("ab") as file:
            file.write(b"torn")

        server.hang_at = None
        with start_build(home, source, server) as builder:
            out, err = builder.communicate(timeout=120)
        assert builder.returncode == 0, err

        del server.answered["dimension"]
        assert len(server.answered) == ROWS and set(server.answered.values()) == {1}
        access = EndpointAccess(server.url, "sk-none")
        alone = build_here(tmp_path / "alone", source, get_embedder("openai:counted", endpoint=access))
    assert out.strip() == alone.digest
    verify(home, NAME, alone, full=True)
    assert kept_files(home) == [] and left_in_tmp(home) == []


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_what_a_stopped_build_embedded_is_taken_over(home: Path, tmp_path: Path, how: str) -> None:
    source = write_rows(tmp_path / "rows.jsonl", numbered_rows(200))
    first = Counting()

    class Failing(Counting):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            if len(first.asked) >= 128:
                raise MachineryError("the endpoint is down.")
            return first.embed(texts)

    embedder = Failing() if how == "failed" else first
    with pytest.raises(MachineryError if how == "failed" else Cancelled):
        build_here(home, source, embedder, stop=lambda: how == "cancelled" and len(first.asked) >= 128)
    seen: list[Progress] = []
    second = Counting()
    manifest = build_here(home, source, second, report=seen.append)
    assert len(first.asked) == 128 and len(second.asked) == 72
    assert not set(first.asked) & set(second.asked)
    told = [step for step in seen if step.stage == "embedding"][-1]
    assert (told.done, told.total) == (200, 200) and "128 were embedded before" in told.note
    assert manifest.digest == build_here(tmp_path / "alone", source).digest
    assert kept_files(home) == []


def test_another_embedder_takes_nothing_over(home: Path, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "rows.jsonl", numbered_rows(100))
    first = Counting()
    with pytest.raises(Cancelled):
        build_here(home, source, first, stop=lambda: len(first.asked) >= 64)

    class Other(Counting):
        @property
        def identity(self) -> EmbedderIdentity:
            return super().identity.model_copy(update={"weights": "sha256:" + "1" * 64})

    other = Other()
    build_here(home, source, other)
    assert len(other.asked) == 100
    assert len(kept_files(home)) == 1, "what the first embedder made waits for its own build"


def test_equal_texts_and_moved_documents_are_embedded_once(home: Path, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", 3)
    (source / "copy.md").write_text((source / "doc0.md").read_text())
    embedder = Counting()
    first = build_here(home, source, embedder)
    assert first.passages == 8 and len(embedder.asked) == len(set(embedder.asked)) == 6

    (source / "doc1.md").rename(source / "moved.md")
    again = Counting()
    second = build_here(home, source, again, parent=first, parent_version="v1")
    assert again.asked == [], "the parent has every text"
    assert (second.delta.added, second.delta.removed) == (1, 1)
    assert second.digest == build_here(tmp_path / "alone", source).digest


def test_a_parent_embeds_only_what_is_new_through_an_endpoint(home: Path, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", 4)
    with EmbeddingServer() as server:
        access = EndpointAccess(server.url, "sk-none")
        first = build_here(home, source, get_embedder("openai:counted", endpoint=access))
        server.answered.clear()
        (source / "doc2.md").write_text(f"# Document 2\n\n{sentence(2)}\n\n## Details\n\nOther words.\n")
        (source / "new.md").write_text("# New\n\nNever seen before.\n")
        embedder = get_embedder("openai:counted", endpoint=access)
        build_here(home, source, embedder, parent=first, parent_version="v1")
    assert sorted(server.answered) == ["Details\n\nOther words.", "New\n\nNever seen before.", "dimension"]


def small(home: Path) -> KeptVectors:
    return KeptVectors(home, SMALL)


keys = st.lists(st.text(max_size=5), min_size=1, max_size=8, unique=True)


@settings(deadline=None, max_examples=60)
@given(keys, st.data())
def test_whatever_is_torn_or_damaged_is_never_given_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    home = tmp_path_factory.mktemp("kept")
    vectors = numpy.random.default_rng(len(texts)).normal(size=(len(texts), 3)).astype("f4")
    names = [text_key(text) for text in texts]
    small(home).keep(names, vectors)
    [path] = (home / "embedding").iterdir()
    whole = path.read_bytes()
    record = len(whole) // len(texts)
    end = data.draw(st.integers(0, len(whole)))
    torn = bytearray(whole[:end])
    flipped = data.draw(st.integers(0, end - 1)) if end else None
    if flipped is not None:
        torn[flipped] ^= 1
    path.write_bytes(torn)

    kept = small(home)
    for at, (name, vector) in enumerate(zip(names, vectors, strict=True)):
        sound = (at + 1) * record <= end and (flipped is None or flipped // record != at)
        found = kept.find(name)
        assert (found is not None) == sound
        assert found is None or (found == vector).all()

    kept.keep([text_key("more than five")], vectors[:1])
    added = small(home).find(text_key("more than five"))
    assert added is not None and (added == vectors[0]).all(), "what comes after a torn record is whole"
    small(home).drop()
    assert small(home).find(names[0]) is None


def test_two_builds_keep_into_one_file(home: Path) -> None:
    one, other = small(home), small(home)
    for turn in range(4):
        one.keep([text_key(f"one {turn}")], numpy.full((1, 3), turn, "f4"))
        other.keep([text_key(f"other {turn}")], numpy.full((1, 3), -turn, "f4"))
    kept = small(home)
    assert all(text_key(f"{who} {turn}") in kept for who in ("one", "other") for turn in range(4))


def test_it_grows_no_further_than_its_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexes.kept_vectors._LIMIT", 3 * (32 + 12 + 8))
    kept = small(home)
    for turn in range(10):
        kept.keep([text_key(str(turn))], numpy.full((1, 3), turn, "f4"))
    assert sum(text_key(str(turn)) in small(home) for turn in range(10)) == 3


def test_vectors_that_nobody_wants_for_a_week_go(home: Path, source: Path) -> None:
    folder = home / NAME
    now = datetime.now(UTC)
    KeptVectors(folder, SMALL).keep([text_key("a")], numpy.zeros((1, 3), "f4"))
    [path] = kept_files(home)
    assert stale_vectors(folder, now + timedelta(days=6)) == ()
    assert stale_vectors(folder, now + timedelta(days=8)) == (path,)
    old = (NOW - timedelta(days=8)).timestamp()
    os.utime(path, (old, old))
    build_here(home, source)
    assert kept_files(home) == []
    sweep_vectors(folder, now)


def test_an_estimate_counts_them_without_knowing_the_dimension(home: Path) -> None:
    assert KeptVectors.of(home, "openai:x", None) is None
    identity = EmbedderIdentity(name="openai:x", dimension=3)
    KeptVectors(home, identity).keep([text_key("a")], numpy.zeros((1, 3), "f4"))
    found = KeptVectors.of(home, "openai:x", None)
    assert found is not None and text_key("a") in found and text_key("b") not in found
    assert KeptVectors.of(home, "openai:y", None) is None
