"""One HTTP exchange that is bounded: in time, in size, and to the host it was meant for.

A redirect is an answer like any other and is never followed. Nothing is taken from the environment:
no proxy, no netrc. Only the time to look a name up is the machine's own (see resolv.conf).
"""

from __future__ import annotations

import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from store.errors import MachineryError
from store.text import one_line


class ExchangeError(MachineryError):
    """No whole answer came. The sentence names neither the address nor anything that was sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. Only the method shows in its repr: the rest may hold keys."""

    method: Literal["GET", "POST"]
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    """At most as many bytes as were allowed."""
    truncated: bool
    """Whether there was more of it."""


def anywhere(address: str) -> str | None:  # noqa: ARG001 - the shape of every admit
    """The `admit` that lets every address through."""
    return None


def exchange(
    request: Request,
    *,
    timeout_s: float,
    limit: int,
    admit: Callable[[str], str | None] = anywhere,
) -> Reply:
    """The reply to `request`, of which at most `limit` bytes are read.

    `timeout_s` is for all of it together, however slowly bytes drip in. `admit` is given each IP
    address that the host's name leads to before any is connected to, and says what is wrong with it,
    or None. Raises ExchangeError.
    """
    deadline = time.monotonic() + timeout_s
    parts = urlsplit(request.url)
    late = threading.Event()
    try:
        with closing(_connected(parts, deadline, admit)) as raw, _cut_off(raw, deadline, late):
            return _exchanged(request, parts, raw, limit, late)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise ExchangeError(f"no whole answer came within {timeout_s:g} s") from None
        why = one_line(str(error), 120) or type(error).__name__
        raise ExchangeError(f"the connection failed ({why})") from None


def _connected(parts: SplitResult, deadline: float, admit: Callable[[str], str | None]) -> socket.socket:
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in addresses:
        if refusal := admit(address):
            raise ExchangeError(refusal)
    trouble: OSError = OSError("its name leads nowhere")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_left(deadline))
        except OSError as error:
            trouble = error
    raise trouble


def _exchanged(
    request: Request, parts: SplitResult, raw: socket.socket, limit: int, late: threading.Event
) -> Reply:
    connection = _connection(parts, raw)
    with closing(connection):
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept-Encoding": "identity", "Connection": "close", **request.headers}
        connection.request(request.method, target, request.body, headers)
        response = connection.getresponse()
        body = response.read(limit + 1)
        truncated = len(body) > limit
        if late.is_set():
            raise TimeoutError
        if not truncated and response.length:
            raise ExchangeError(f"the answer was cut off: {response.length:,} bytes are missing")
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, body[:limit], truncated)


def _connection(parts: SplitResult, raw: socket.socket) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        secure = http.client.HTTPSConnection(host, parts.port)
        secure.sock = _trust().wrap_socket(raw, server_hostname=host)
        return secure
    plain = http.client.HTTPConnection(host, parts.port)
    plain.sock = raw
    return plain


@contextmanager
def _cut_off(raw: socket.socket, deadline: float, late: threading.Event) -> Iterator[None]:
    """Shuts the connection at the deadline. Time-outs of a socket are per read: a drip outlives them."""
    twin = raw.dup()  # shutting down a TLS socket that another thread reads from is not safe; its twin is

    def cut() -> None:
        late.set()
        with suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_left(deadline), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        twin.close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@functools.cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
