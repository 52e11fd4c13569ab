"""A depot in a folder and one in a bucket of a real S3 server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest


@dataclass(frozen=True)
class Bucket:
    """A new bucket."""

    url: str
    options: dict[str, str]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPLANTEDINTESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"lockgate-{uuid4().hex[:12]}"
    boto3.client("s3", endpoint_url=s3_server).create_bucket(Bucket=name)
    return Bucket(f"s3://{name}/indexes", {"endpoint_url": s3_server})


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    """Where a depot is."""
    if request.param == "bucket":
        found = request.getfixturevalue("bucket")
        assert isinstance(found, Bucket)
        return found
    return Bucket(f"file://{tmp_path}/depot", {})
