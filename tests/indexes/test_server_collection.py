"""Index versions on a real Chroma server: filled, cut off, gone on with, checked, refused, removed."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from filling_a_server import BATCH, STORE
from hypothesis import given
from hypothesis import strategies as st
from making_chroma import chroma_server, new_database
from making_indexes import NAME, Built, build_here, numbered_rows, write_rows

from indexes import chroma_server as connection
from indexes import server_filling
from indexes.chroma_server import ChromaServer, ServerAway, connected
from indexes.collection import FINE, PLAIN
from indexes.embedders import get_embedder
from indexes.retriever import Retriever
from indexes.server_collection import ensure, ours, remove, stands, verify
from indexes.server_marks import Kept, Wanted, server_name
from store.errors import Cancelled, InputError, MachineryError
from store.progress import Progress

ROWS = 230


@pytest.fixture(scope="module")
def built_rows(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("rows")
    rows = [{**row, "metadata": {"page": n}} for n, row in enumerate(numbered_rows(ROWS))]
    return Built(folder / "indexes", build_here(folder / "indexes", write_rows(folder / "rows.jsonl", rows)))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("server") / "data") as (address, _):
        yield address


@pytest.fixture
def server(address: str) -> ChromaServer:
    """A database of its own."""
    return ChromaServer.parse(new_database(address))


@pytest.fixture
def wanted(built_rows: Built) -> Wanted:
    return Wanted(STORE, NAME, "v1", built_rows.manifest)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that are sent, batch after batch of fifty."""
    from chromadb.api.models.Collection import Collection

    sent: list[str] = []
    real = Collection.add

    def add(self: Any, ids: list[str], **more: Any) -> None:
        real(self, ids=ids, **more)
        sent.extend(ids)

    monkeypatch.setattr(Collection, "add", add)
    monkeypatch.setattr(server_filling, "BATCH", BATCH)
    return sent


@contextmanager
def collection_of(server: ChromaServer, name: str) -> Iterator[Any]:
    with connected(server) as client:
        yield client.get_collection(name, embedding_function=None)


def test_a_version_is_filled_once_and_then_only_asked(
    server: ChromaServer, wanted: Wanted, built_rows: Built, added: list[str]
) -> None:
    assert not stands(server, wanted) and verify(server, built_rows.home, wanted) is None
    steps: list[Progress] = []
    assert ensure(server, built_rows.home, wanted, report=steps.append) == "handbook--v1"
    assert added == [f"row{n:04d}" for n in range(ROWS)]
    assert [one.done for one in steps if one.stage == "filling the server"] == [50, 100, 150, 200, ROWS]
    assert stands(server, wanted)
    ensure(server, built_rows.home, wanted)
    assert len(added) == ROWS, "nothing is copied a second time"
    found = verify(server, built_rows.home, wanted)
    assert found is not None and found.passages == ROWS and found.top1 == 1.0
    with collection_of(server, "handbook--v1") as collection:
        assert collection.metadata["lockgate.digest"] == wanted.manifest.digest
        assert collection.configuration_json["hnsw"]["space"] == "l2"
        row = collection.get(ids=["row0007"], include=["documents", "metadatas", "embeddings"])
    vectors = numpy.memmap(built_rows.sealed / "vectors.f32", dtype="<f4", mode="r").reshape(ROWS, -1)
    assert (numpy.asarray(row["embeddings"][0], dtype="<f4") == vectors[7]).all()
    assert row["metadatas"] == [{"page": 7}] and row["documents"][0].endswith("number 7.")


def test_it_is_asked_like_a_copy(server: ChromaServer, wanted: Wanted, built_rows: Built) -> None:
    ensure(server, built_rows.home, wanted)
    with Retriever.open(server, wanted.collection, get_embedder("lexical")) as retriever:
        text = numbered_rows(ROWS)[33]["document"]
        (answer,) = retriever.query([text], 3)
        assert answer[0].id == "row0033" and answer[0].text == text and len(answer) == 3
    with pytest.raises(MachineryError, match="cannot be opened"):
        Retriever.open(server, "nothing--v1", get_embedder("lexical"))


def test_a_cancelled_filling_goes_on_where_it_was(
    server: ChromaServer, wanted: Wanted, built_rows: Built, added: list[str]
) -> None:
    with pytest.raises(Cancelled):
        ensure(server, built_rows.home, wanted, stop=lambda: len(added) >= 100)
    assert len(added) == 100 and not stands(server, wanted)
    added.clear()
    ensure(server, built_rows.home, wanted)
    assert added == [f"row{n:04d}" for n in range(100, ROWS)] and stands(server, wanted)


@pytest.mark.heavy
def test_our_process_is_killed_in_the_middle(
    server: ChromaServer, wanted: Wanted, built_rows: Built, added: list[str]
) -> None:
    asked = {
        "server": str(server),
        "home": str(built_rows.home),
        "manifest": wanted.manifest.model_dump_json(),
    }
    script = Path(__file__).with_name("filling_a_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script), json.dumps(asked)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if int(line) >= 100:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    with collection_of(server, "handbook--v1") as collection:
        there = collection.count()
    assert 100 <= there < ROWS and not stands(server, wanted)
    ensure(server, built_rows.home, wanted)
    assert len(added) == ROWS - there and stands(server, wanted)


def test_the_server_is_killed_in_the_middle(
    tmp_path: Path, wanted: Wanted, built_rows: Built, added: list[str]
) -> None:
    with chroma_server(tmp_path / "data") as (address, process):

        def kill(step: Progress) -> None:
            if step.stage == "filling the server" and step.done == 100:
                process.kill()
                process.wait()

        with pytest.raises(ServerAway) as caught:
            ensure(ChromaServer.parse(address), built_rows.home, wanted, report=kill)
        assert "\n" not in caught.value.message and address in caught.value.message
        with pytest.raises(ServerAway, match="does not answer"):
            ensure(ChromaServer.parse(address), built_rows.home, wanted)
    added.clear()
    with chroma_server(tmp_path / "data") as (address, _):
        server = ChromaServer.parse(address)
        assert not stands(server, wanted)
        ensure(server, built_rows.home, wanted)
        assert stands(server, wanted)
    assert added == [f"row{n:04d}" for n in range(100, ROWS)]


def test_a_collection_that_takes_nothing_any_more_is_begun_again(
    server: ChromaServer, wanted: Wanted, built_rows: Built, added: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chromadb.api.models.Collection import Collection
    from chromadb.errors import InternalError

    with pytest.raises(Cancelled):
        ensure(server, built_rows.home, wanted, stop=lambda: len(added) >= 50)
    with collection_of(server, "handbook--v1") as collection:
        broken = collection.id
    real = Collection.count

    def count(self: Any) -> int:
        if self.id == broken:
            raise InternalError("Failed to apply logs to the hnsw segment writer")
        return int(real(self))

    monkeypatch.setattr(Collection, "count", count)
    added.clear()
    ensure(server, built_rows.home, wanted)
    assert len(added) == ROWS and stands(server, wanted)


def test_rows_that_were_lost_are_noticed_and_only_they_are_added(
    server: ChromaServer, wanted: Wanted, built_rows: Built, added: list[str]
) -> None:
    ensure(server, built_rows.home, wanted)
    lost = ["row0003", "row0154"]
    with collection_of(server, "handbook--v1") as collection:
        collection.delete(ids=lost)
    assert not stands(server, wanted)
    with pytest.raises(MachineryError, match="holds 228 rows, 230 were sealed"):
        verify(server, built_rows.home, wanted)
    added.clear()
    ensure(server, built_rows.home, wanted)
    assert added == lost and stands(server, wanted)


def test_rows_that_do_not_belong_there_are_refused(
    server: ChromaServer, wanted: Wanted, built_rows: Built
) -> None:
    ensure(server, built_rows.home, wanted)
    with collection_of(server, "handbook--v1") as collection:
        collection.add(ids=["foreign"], documents=["x"], embeddings=[[1.0] + [0.0] * 383])
    with pytest.raises(MachineryError, match=r"holds 231 rows, 230 were sealed; it is not used"):
        ensure(server, built_rows.home, wanted)


def test_wrong_vectors_are_noticed_by_the_probes(
    server: ChromaServer, wanted: Wanted, built_rows: Built
) -> None:
    ensure(server, built_rows.home, wanted)
    with collection_of(server, "handbook--v1") as collection:
        ids = [f"row{n:04d}" for n in range(ROWS)]
        turned = numpy.random.default_rng(1).normal(size=(ROWS, 384)).astype("f4")
        collection.update(ids=ids, embeddings=turned / numpy.linalg.norm(turned, axis=1, keepdims=True))
    assert stands(server, wanted), "the count alone does not see it"
    for look in (verify, ensure):
        with pytest.raises(MachineryError, match=r"handbook--v1 .* failed its probes"):
            look(server, built_rows.home, wanted)


def test_a_name_that_is_taken_is_refused_in_one_sentence(
    server: ChromaServer, wanted: Wanted, built_rows: Built
) -> None:
    with connected(server) as client:
        client.create_collection("handbook--v1", embedding_function=None)
    with pytest.raises(MachineryError, match=r"was made for other content \(no digest, not sha256:"):
        ensure(server, built_rows.home, wanted)
    with connected(server) as client:
        client.delete_collection("handbook--v1")
    ensure(server, built_rows.home, wanted)
    other = replace(wanted, manifest=wanted.manifest.model_copy(update={"digest": "sha256:" + "0" * 64}))
    with pytest.raises(MachineryError, match="was made for other content"):
        stands(server, other)
    with pytest.raises(MachineryError, match="belongs to another store") as caught:
        ensure(server, built_rows.home, replace(wanted, store="b" * 40))
    assert "\n" not in caught.value.message


def test_damaged_sealed_bytes_reach_no_server(
    server: ChromaServer, wanted: Wanted, built_rows: Built, tmp_path: Path
) -> None:
    import shutil

    home = tmp_path / "indexes"
    shutil.copytree(built_rows.home, home)
    vectors = Built(home, built_rows.manifest).sealed / "vectors.f32"
    vectors.chmod(0o600)
    vectors.write_bytes(bytes(vectors.stat().st_size))
    with pytest.raises(MachineryError, match=r"vectors\.f32 is damaged"):
        ensure(server, home, wanted)
    with connected(server) as client:
        assert client.list_collections() == []


@pytest.mark.heavy
def test_only_what_carries_our_mark_is_removed(
    server: ChromaServer, wanted: Wanted, built_rows: Built
) -> None:
    for one in (wanted, replace(wanted, version="v2"), replace(wanted, version="v3", store="b" * 40)):
        ensure(server, built_rows.home, one)
    with connected(server) as client:
        client.create_collection("theirs", embedding_function=None)
    mine = ours(server, STORE)
    assert [one.collection for one in mine] == ["handbook--v1", "handbook--v2"]
    assert mine[0] == Kept("handbook--v1", NAME, "v1", wanted.manifest.digest)
    assert not remove(server, "b" * 40, mine[0]) and not remove(server, STORE, replace(mine[0], version="v7"))
    assert remove(server, STORE, mine[0]) and not remove(server, STORE, mine[0])
    with connected(server) as client:
        left = sorted(one.name for one in client.list_collections())
    assert left == ["handbook--v2", "handbook--v3", "theirs"]


def test_a_server_that_is_not_there_or_hangs_is_one_sentence(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_KNOCK_SECONDS", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        for port in (1, mute.getsockname()[1]):
            with pytest.raises(ServerAway, match="does not answer") as caught:
                stands(ChromaServer("127.0.0.1", port, False), wanted)
            assert caught.value.exit_code == 4 and "\n" not in caught.value.message


def test_something_else_that_answers_is_no_chroma(wanted: Wanted) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(ServerAway, match=r"does not answer|is no Chroma server"):
            stands(ChromaServer("127.0.0.1", other.server_port, False), wanted)
        other.shutdown()


def test_a_key_goes_to_the_server_and_nowhere_else(wanted: Wanted) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    seen: list[tuple[str, str | None]] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["x-chroma-token"]))
            self.send_response(302)
            self.send_header("location", f"http://localhost:{other.server_port}/taken")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(ServerAway, match="answers with HTTP 302") as caught:
            stands(ChromaServer.parse(f"chroma+http://127.0.0.1:{other.server_port}", "secret"), wanted)
        other.shutdown()
    assert seen == [("/api/v2/heartbeat", "secret")] and "secret" not in caught.value.message


@pytest.mark.heavy
def test_a_server_that_stops_answering_is_given_up(
    tmp_path: Path, wanted: Wanted, built_rows: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chroma_server(tmp_path / "data") as (address, process):
        server = ChromaServer.parse(address)
        ensure(server, built_rows.home, wanted)
        monkeypatch.setattr(connection, "_ANSWER_SECONDS", 0.3)
        with connected(server) as client:
            collection = client.get_collection("handbook--v1", embedding_function=None)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(ServerAway, match="does not do as it is asked"), connection.answering(server):
                collection.count()


def test_the_graph_is_that_of_the_sealed_one(
    server: ChromaServer, wanted: Wanted, built_rows: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_filling.graph_of(built_rows.sealed) == PLAIN
    assert server_filling.graph_of(built_rows.home) == PLAIN
    monkeypatch.setattr(server_filling, "graph_of", lambda _: FINE)
    ensure(server, built_rows.home, wanted)
    with collection_of(server, "handbook--v1") as collection:
        assert collection.configuration_json["hnsw"]["max_neighbors"] == FINE["max_neighbors"]


def test_the_graph_is_read_from_a_fine_one(tmp_path: Path, wanted: Wanted) -> None:
    from indexes.collection import create, opened_client

    with opened_client(tmp_path / "made") as client:
        create(client, NAME, wanted.manifest.digest, wanted.manifest.embedder, FINE)
    (tmp_path / "sealed").mkdir()
    (tmp_path / "made").rename(tmp_path / "sealed/chroma")
    before = (tmp_path / "sealed/chroma/chroma.sqlite3").read_bytes()
    assert server_filling.graph_of(tmp_path / "sealed") == FINE
    assert (tmp_path / "sealed/chroma/chroma.sqlite3").read_bytes() == before


def test_batches_stay_below_what_a_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    from indexes.rows import Row

    monkeypatch.setattr(server_filling, "_BATCH_BYTES", 3000)
    rows = [Row(str(n), "x" * (1000 if n < 4 else 5000 if n == 4 else 10), {}, "s") for n in range(10)]
    sizes = [[row.id for row in batch] for batch in server_filling._batches(iter(rows), 3, 1)]
    assert sizes == [["0", "1"], ["2", "3"], ["4"], ["5", "6", "7"], ["8", "9"]]


NAMES = st.from_regex(re.compile(r"[a-z0-9][a-z0-9._-]{0,63}"), fullmatch=True)
VERSIONS = st.integers(1, 999_999_999).map(lambda n: f"v{n}")


@given(st.lists(st.tuples(NAMES, VERSIONS), min_size=2, max_size=2, unique=True))
def test_names_fit_chroma_and_never_collide(pair: list[tuple[str, str]]) -> None:
    first, second = (server_name(*one) for one in pair)
    assert first != second
    for one in (first, second):
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]", one) and ".." not in one


def test_long_names_that_begin_alike_differ() -> None:
    stem = "a" * 60
    names = {server_name(f"{stem}{end}", "v1") for end in ("", "a", "b", "bb")} | {server_name("a..b", "v1")}
    assert len(names) == 5 and server_name("handbook", "v12") == "handbook--v12"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:8000", "write chroma+http://host:port"),
        ("chroma+http://", "write chroma+http://host:port"),
        ("chroma+http://127.0.0.1:99999", "is no address"),
        ("chroma+http://me:secret@127.0.0.1", "carries a user name"),
        ("chroma+http://127.0.0.1/api", "has a path"),
        ("chroma+http://127.0.0.1?token=secret", "tenant=NAME and database=NAME"),
        ("chroma+http://127.0.0.1?database=", "tenant=NAME and database=NAME"),
    ],
)
def test_addresses_that_are_none(url: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        ChromaServer.parse(url)
    assert "me:secret" not in caught.value.message


def test_an_address_says_all_but_the_token() -> None:
    for url in (
        "chroma+http://127.0.0.1:8000",
        "chroma+https://chroma.example.com:443?tenant=acme&database=lockgate",
        "chroma+http://[::1]:8000",
    ):
        server = ChromaServer.parse(url, "secret")
        assert str(server) == url and "secret" not in repr(server)
        assert server.headers == {"x-chroma-token": "secret"}
        assert str(ChromaServer.parse(str(server))) == url
