"""Somebody else's Chroma: directories made with the library, and a real server on loopback."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy

from indexes.collection import opened_client
from indexes.embedders.lexical import Lexical


def texts(count: int) -> list[str]:
    return [f"row {n} speaks of parcel {n % 7} and invoice {n * 31 % 101}" for n in range(count)]


def fill(client: Any, name: str, count: int = 30, *, space: str = "cosine", scale: float = 1.0) -> None:
    """A collection with lexical vectors, `scale` long."""
    collection = client.create_collection(
        name, embedding_function=None, configuration={"hnsw": {"space": space}}
    )
    documents = texts(count)
    vectors = Lexical().embed(documents) * numpy.float32(scale)
    for at in range(0, count, 1000):
        collection.add(
            ids=[f"row{n:05d}" for n in range(at, min(count, at + 1000))],
            documents=documents[at : at + 1000],
            embeddings=vectors[at : at + 1000],
            metadatas=[
                {"source": f"doc{n % 3}.md", "page": n, "score": n / 8, "new": n % 2 == 0}
                for n in range(at, min(count, at + 1000))
            ],
        )


def chroma_directory(path: Path, *names: str, **how: Any) -> Path:
    """A closed directory with a collection for each of `names`."""
    with opened_client(path) as client:
        for name in names or ("docs",):
            fill(client, name, **how)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_database(address: str) -> str:
    """`address` of a server with a database of its own on it."""
    name = f"db-{secrets.token_hex(4)}"
    request = urllib.request.Request(
        f"{address.removeprefix('chroma+')}/api/v2/tenants/default_tenant/databases",
        data=json.dumps({"name": name}).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=30).close()
    return f"{address}?database={name}"


@contextmanager
def chroma_server(path: Path, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real `chroma run` on `path`: its address for `--from-chroma`, and its process."""
    port = port or free_port()
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(path)]
    with (path.parent / "chroma.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=5):
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, "chroma run did not start"
                time.sleep(0.05)
        yield f"chroma+http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(30)
