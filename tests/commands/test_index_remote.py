"""An index whose vectors somebody else's server makes: the cost is told first, nothing is paid twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.operations.add import index as operation
from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.indexes.embedding_server import EmbeddingServer

EMBEDDER = "openai:embed-1"


@pytest.fixture
def embedding() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as running:
        yield running


@pytest.fixture
def remote(tmp_path: Path, lockgate: Lockgate, embedding: EmbeddingServer) -> Path:
    """An empty workspace that embeds on the loopback server, for 20 cents a million tokens."""
    root = tmp_path / "acme"
    assert lockgate("init", root).code == 0
    settings = root / "settings.toml"
    price = f'[prices."{EMBEDDER}"]\ninput = 0.2\n'
    settings.write_text(f'embedder_url = "{embedding.url}"\n{settings.read_text()}\n{price}')
    return root


def rows(tmp_path: Path, count: int = 150) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = ({"id": f"row{n}", "document": f"row {n} " + "word " * 40} for n in range(count))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_dry_run_tells_the_cost_and_asks_nobody(
    remote: Path, tmp_path: Path, lockgate: Lockgate, embedding: EmbeddingServer
) -> None:
    add = ("-C", remote, "add", "index", "rows", "--from", rows(tmp_path), "--embedder", EMBEDDER)
    found = lockgate(*add, "--dry-run", "--json").data["index"]
    characters = sum(len(f"row {n} " + "word " * 40) for n in range(150))
    assert found["characters_to_embed"] == characters and found["seconds"] is None
    assert found["cost"]["tokens"] == -(-characters // 4) and found["cost"]["requests"] == 3
    assert found["cost"]["usd"] == pytest.approx(found["cost"]["tokens"] * 0.2 / 1e6)
    told = lockgate(*add, "--dry-run").out
    assert "tokens in 3 requests, about $0.00" in told
    assert embedding.requests == []


def test_a_build_tells_the_cost_before_the_first_request(
    remote: Path, tmp_path: Path, embedding: EmbeddingServer
) -> None:
    told: list[tuple[str, int]] = []

    def tell(text: str) -> None:
        told.append((text, len(embedding.requests)))

    operation.build(Workspace.find(remote), "rows", rows(tmp_path), embedder=EMBEDDER, tell=tell)
    [(text, asked)] = told
    assert text.startswith("150 passages to embed with openai:embed-1: about 7,773 tokens") and asked == 0
    assert [len(body["input"]) for body in embedding.requests] == [1, 64, 64, 22]


def test_a_server_that_fails_in_the_middle_costs_nothing_twice(
    remote: Path, tmp_path: Path, lockgate: Lockgate, embedding: EmbeddingServer
) -> None:
    source = rows(tmp_path)
    add = ("-C", remote, "add", "index", "rows", "--from", source, "--embedder", EMBEDDER)
    broken: dict[str, Any] = {"at": 4}

    def fault(number: int, _: dict[str, Any]) -> Any:
        return (401, {}, b'{"error": {"message": "key expired"}}') if number == broken["at"] else None

    embedding.fault = fault
    failed = lockgate(*add)
    assert failed.code == 4 and "refused the key" in failed.err and "key expired" in failed.err
    assert "128 texts embedded so far are kept: start the build again" in failed.err
    estimated = lockgate(*add, "--dry-run", "--json").data["index"]
    assert (estimated["passages"], estimated["to_embed"], estimated["cost"]["requests"]) == (150, 22, 1)
    broken["at"] = 0
    again = lockgate(*add)
    assert again.code == 0 and "22 passages to embed with openai:embed-1" in again.err
    del embedding.answered["dimension"]
    assert len(embedding.answered) == 150 and set(embedding.answered.values()) == {1}

    source.write_text(source.read_text() + json.dumps({"id": "new", "document": "one more"}) + "\n")
    embedding.answered.clear()
    grown = lockgate("-C", remote, "add", "index", "rows", "--from", source, "--parent", "v1")
    assert grown.code == 0 and "1 passage to embed" in grown.err
    assert sorted(embedding.answered) == ["dimension", "one more"]


def test_an_endpoint_that_gives_other_vectors_than_the_parents_is_refused(
    remote: Path, tmp_path: Path, lockgate: Lockgate, embedding: EmbeddingServer
) -> None:
    add = ("-C", remote, "add", "index", "rows", "--from", rows(tmp_path, 5))
    assert lockgate(*add, "--embedder", EMBEDDER).code == 0
    two = {"data": [{"object": "embedding", "index": 0, "embedding": [1.0, 2.0]}], "model": "m"}
    embedding.fault = lambda *_: (200, {}, json.dumps(two).encode())
    rows(tmp_path, 6)
    told = lockgate(*add, "--parent", "v1")
    assert told.code == 2 and "gives vectors of 2 numbers, those of the parent have 384" in told.err
    assert len(embedding.requests) == 3


def test_gc_takes_vectors_that_no_build_went_on_with(
    remote: Path, tmp_path: Path, lockgate: Lockgate, embedding: EmbeddingServer
) -> None:
    source = rows(tmp_path, 100)
    add = ("-C", remote, "add", "index", "rows", "--from", source, "--embedder")
    assert lockgate(*add, "lexical").code == 0
    embedding.fault = lambda number, _: (401, {}, b"{}") if number == 3 else None
    assert lockgate(*add, EMBEDDER).code == 4
    [kept] = (remote / "indexes/rows/embedding").iterdir()
    assert lockgate("-C", remote, "index", "gc").code == 0 and kept.exists(), "somebody may still go on"
    week_ago = time.time() - 8 * 86_400
    os.utime(kept, (week_ago, week_ago))
    told = lockgate("-C", remote, "index", "gc", "--dry-run")
    assert "would be deleted: vectors of a build of rows that was never finished, 0.1 MB" in told.out
    assert kept.exists()
    assert lockgate("-C", remote, "index", "gc").code == 0 and not kept.exists()


def test_a_host_that_is_not_allowed_is_never_asked(remote: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    settings = remote / "settings.toml"
    lines = settings.read_text().splitlines()[1:]
    settings.write_text("\n".join(['embedder_url = "https://embed.example.com/v1"', *lines]))
    told = lockgate("-C", remote, "add", "index", "rows", "--from", rows(tmp_path), "--embedder", EMBEDDER)
    assert told.code == 2 and "'embed.example.com' is not allowed" in told.err
