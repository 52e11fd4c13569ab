"""A Chroma server: its address, and a connection to it that does not wait for ever."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from store.errors import InputError, LockgateError, MachineryError
from store.text import one_line

TENANT, DATABASE = "default_tenant", "default_database"
"""What a Chroma server has before anybody makes others."""
_KNOCK_SECONDS = 3.0
_ANSWER_SECONDS = 30.0
"""For one answer. The first one makes a server open its files: 100,000 rows take about a second."""
_FILLING_SECONDS = 120.0
"""For one answer while it takes rows: a thousand take about two seconds, on a busy server many more."""
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class _Straight(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: a key would be sent along."""

    def redirect_request(self, *_: Any) -> None:
        """Refuses: what was answered is an error then."""


_OPENER = urllib.request.build_opener(_Straight)


class ServerAway(MachineryError):
    """The server cannot be reached, or answers with an error of its own."""

    def __init__(self, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered
        """Whether Chroma itself said it, and so was there."""


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Where a Chroma server listens."""

    host: str
    port: int
    ssl: bool
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tenant: str = TENANT
    database: str = DATABASE

    @classmethod
    def parse(cls, url: str, token: str = "") -> ChromaServer:
        """`chroma+http://host:port`, `chroma+https://host`, with `?tenant=…&database=…` where they are others
        than a new server's. `token` goes along as `x-chroma-token`. Raises InputError."""
        shown = one_line(re.sub(r"//[^/@]*@", "//…@", url), 120)
        try:
            parts = urlsplit(url)
            host, port, asked = parts.hostname or "", parts.port, dict(parse_qsl(parts.query, True, True))
        except ValueError:
            raise InputError(f"{shown} is no address; write chroma+http://host:port.") from None
        if parts.scheme not in ("chroma+http", "chroma+https") or not host:
            raise InputError(f"{shown} is no Chroma server; write chroma+http://host:port.")
        if "@" in parts.netloc:
            raise InputError(
                f"{shown} carries a user name or password: leave them out; keys belong in the environment."
            )
        if parts.path not in ("", "/") or parts.fragment:
            raise InputError(f"{shown} has a path; a server's address ends with its port.")
        if not asked.keys() <= {"tenant", "database"} or not all(map(_PLACE.fullmatch, asked.values())):
            raise InputError(f"{shown}: after the ? come tenant=NAME and database=NAME, and nothing else.")
        ssl = parts.scheme == "chroma+https"
        return cls(
            host=host,
            port=port or (443 if ssl else 8000),
            ssl=ssl,
            headers={"x-chroma-token": token} if token else {},
            tenant=asked.get("tenant", TENANT),
            database=asked.get("database", DATABASE),
        )

    def __str__(self) -> str:
        """Its address, without any token: `parse` reads it."""
        others = {"tenant": (self.tenant, TENANT), "database": (self.database, DATABASE)}
        query = urlencode({key: value for key, (value, usual) in others.items() if value != usual})
        return f"chroma+{self.http}" + (f"?{query}" if query else "")

    @property
    def http(self) -> str:
        """`http://host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.ssl else ''}://{host}:{self.port}"


@contextmanager
def connected(server: ChromaServer) -> Iterator[Any]:
    """A client of `server`, closed at the end; what goes wrong with it in between is one sentence.

    Raises ServerAway.
    """
    client = connect(server)
    try:
        with answering(server):
            yield client
    finally:
        client.close()


def connect(server: ChromaServer) -> Any:
    """A client of `server` that gives up on an answer after half a minute; close() it. Raises ServerAway."""
    _knock(server)
    with answering(server):
        client = client_of(server)
    client._server._session.timeout = _ANSWER_SECONDS  # chromadb itself would wait for ever
    return client


def be_patient(client: Any) -> None:
    """Gives the server of `client` the time that taking rows needs."""
    client._server._session.timeout = _FILLING_SECONDS


def client_of(server: ChromaServer) -> Any:
    """Chroma's own client, with its own errors and without limits on time; close() it."""
    os.environ["ANONYMIZED_TELEMETRY"] = "False"  # read when chromadb is imported
    import chromadb
    from chromadb.config import Settings

    return chromadb.HttpClient(
        host=server.host,
        port=server.port,
        ssl=server.ssl,
        headers=dict(server.headers),
        tenant=server.tenant,
        database=server.database,
        settings=Settings(_env_file=None, anonymized_telemetry=False),
    )


@contextmanager
def answering(server: ChromaServer) -> Iterator[None]:
    """Around what asks `server`: raises ServerAway with one sentence for whatever Chroma, or the way to it,
    says no with."""
    try:
        yield
    except LockgateError:
        raise
    except Exception as error:  # Chroma's errors, and those of the way to it, have no common base
        answered = type(error).__module__.startswith("chromadb")
        said = one_line(str(error), 200).rstrip(".") or type(error).__name__
        raise ServerAway(f"{server} does not do as it is asked: {said}.", answered=answered) from None


def _knock(server: ChromaServer) -> None:
    """Sees within seconds whether a Chroma is there: its own client has no limit on connecting."""
    request = urllib.request.Request(f"{server.http}/api/v2/heartbeat", headers=dict(server.headers))
    try:
        with _OPENER.open(request, timeout=_KNOCK_SECONDS) as answer:
            found = json.loads(answer.read(10_000))
    except urllib.error.HTTPError as error:
        raise ServerAway(f"{server} answers with HTTP {error.code}; see whether it is a Chroma 1.") from None
    except (OSError, ValueError) as error:
        said = one_line(str(getattr(error, "reason", error)), 120)
        raise ServerAway(f"{server} does not answer ({said}); see whether it runs.") from None
    if not isinstance(found, dict) or "nanosecond heartbeat" not in found:
        raise ServerAway(f"{server} is no Chroma server, or not Chroma 1.")
