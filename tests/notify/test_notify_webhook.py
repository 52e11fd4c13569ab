"""Delivering to a real server on loopback: signed, bounded, led nowhere else, and without telling secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.notify.address import admission
from console.notify.event import body_of, event_of
from console.notify.letters import Letters
from console.notify.outbox import Outbox
from console.notify.outcome import Outcome
from console.notify.webhook import post, signature
from store.errors import InputError
from store.settings import NotifyTarget
from tests.notify.making_outboxes import NOON, record
from tests.notify.receiver import Receiver

SECRET = "a-signing-secret-that-nobody-may-see"
ENVIRON = {"HOOK_SECRET": SECRET}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def target(receiver: Receiver, **changes: Any) -> NotifyTarget:
    given = {
        "name": "hook",
        "kind": "webhook",
        "url": receiver.url,
        "events": ("*",),
        "secret_env": "HOOK_SECRET",
        "timeout_s": 5,
        **changes,
    }
    return NotifyTarget.model_validate(given)


def send(receiver: Receiver, hosts: tuple[str, ...] | None = None, **changes: Any) -> Outcome:
    allowed = (receiver.host,) if hosts is None else hosts
    event = event_of(record())
    return post(target(receiver, **changes), event.id, body_of(event), NOON, allowed, ENVIRON)


def test_the_signature_verifies(receiver: Receiver) -> None:
    outcome = send(receiver)
    assert (outcome.state, outcome.text) == ("delivered", "answered 204")
    (got,) = receiver.got
    assert got.path == "/hooks/T0SECRETPATH?key=querysecret"
    assert got.headers["idempotency-key"] == record().id
    assert got.headers["content-type"] == "application/json"
    stamp = got.headers["lockgate-timestamp"]
    assert int(stamp) == int(NOON.timestamp())
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["lockgate-signature"] == f"v1={expected}"
    assert json.loads(got.body) == {
        "format": "lockgate.event/1",
        "id": record().id,
        "kind": "promote",
        "environment": "production",
        "release": "r2",
        "summary": "Promoted r2 to production",
        "by": "Ada",
        "at": "2026-03-02T12:00:00Z",
    }
    assert signature(SECRET, int(stamp) + 1, got.body) != got.headers["lockgate-signature"]


def test_without_a_secret_there_is_no_signature(receiver: Receiver) -> None:
    assert send(receiver, secret_env=None).state == "delivered"
    assert "lockgate-signature" not in receiver.got[0].headers


def test_hostile_words_leave_as_safe_ones(receiver: Receiver) -> None:
    event = event_of(record(summary="evil \x1b[31m\n\u202e line", by={"name": "\x9bA", "email": ""}))
    post(target(receiver), event.id, body_of(event), NOON, (receiver.host,), ENVIRON)
    assert receiver.got[0].body.isascii()
    told = json.loads(receiver.got[0].body)
    assert all(char.isprintable() for char in told["summary"] + told["by"])


@pytest.mark.parametrize(
    ("status", "state", "is_down"),
    [
        (200, "delivered", False),
        (302, "failed", False),
        (400, "failed", False),
        (404, "failed", False),
        (408, "failed", True),
        (410, "gone", False),
        (429, "failed", True),
        (500, "failed", True),
        (503, "failed", True),
    ],
)
def test_what_each_status_means(receiver: Receiver, status: int, state: str, is_down: bool) -> None:
    receiver.answer = lambda got: (status, {"retry-after": "7"}, b"")  # noqa: ARG005
    outcome = send(receiver)
    assert (outcome.state, outcome.is_down) == (state, is_down)
    assert f"answered {status}" in outcome.text


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), ("99999999", 3600), ("-1", None), ("soon", None), ("7.5", None)]
)
def test_retry_after_is_heard_within_reason(receiver: Receiver, text: str, seconds: float | None) -> None:
    receiver.answer = lambda got: (429, {"retry-after": text}, b"")  # noqa: ARG005
    assert send(receiver).wait_s == seconds


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with Receiver() as trap:
        receiver.answer = lambda got: (307, {"location": trap.url}, b"")  # noqa: ARG005
        outcome = send(receiver)
        assert (outcome.state, trap.got) == ("failed", [])
        assert "not followed" in outcome.text


def test_an_endless_answer_is_cut_and_made_safe(receiver: Receiver) -> None:
    receiver.answer = lambda got: (500, {}, b"\x1b]52;c;ZXZpbA==\x07" + b"x" * 3_000_000)  # noqa: ARG005
    outcome = send(receiver)
    assert "\x1b" not in outcome.text and "\n" not in outcome.text
    assert len(outcome.text) < 250


def test_a_server_that_hangs_is_left_in_time(receiver: Receiver) -> None:
    receiver.hold = threading.Event()
    began = time.monotonic()
    outcome = send(receiver, timeout_s=0.3)
    assert (outcome.state, outcome.is_down) == ("failed", True)
    assert "0.3 s" in outcome.text
    assert time.monotonic() - began < 3


def test_nobody_there() -> None:
    with Receiver() as gone:
        pass
    outcome = send(gone, hosts=("127.0.0.1",))
    assert (outcome.state, outcome.is_down) == ("failed", True)


@pytest.mark.parametrize("hosts", [(), ("localhost",), ("api.openai.com", "127.0.0.2")])
def test_loopback_is_called_only_where_it_is_listed(receiver: Receiver, hosts: tuple[str, ...]) -> None:
    outcome = send(receiver, hosts=hosts)
    assert (outcome.state, receiver.got) == ("failed", [])
    assert "not allowed on this machine" in outcome.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_listed_host_may_stand_without_a_port(receiver: Receiver, host: str) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    assert send(receiver, hosts=(host,), url=url).state == "delivered"


def leads_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is looked up has this address."""

    def lookup(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", "a private address"),
        ("10.1.2.3", "a private address"),
        ("::ffff:127.0.0.1", "a private address"),
        ("::1", "a private address"),
        ("169.254.169.254", "never called"),
        ("0.0.0.0", "never called"),
    ],
)
def test_a_name_that_leads_to_a_neighbour_is_not_followed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    leads_to(address, monkeypatch)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was called"))
    outcome = send(receiver, hosts=("hooks.example.com",), url="https://hooks.example.com/T0SECRETPATH")
    assert (outcome.state, receiver.got) == ("failed", [])
    assert words in outcome.text and "T0SECRETPATH" not in outcome.text


def test_a_private_address_may_be_listed() -> None:
    assert admission("https://hooks.example.com/x", ("hooks.example.com", "10.1.2.3"))("10.1.2.3") is None
    assert admission("https://10.1.2.3/x", ("10.1.2.3",))("10.1.2.3") is None
    assert admission("https://hooks.example.com/x", ("hooks.example.com",))("1.1.1.1") is None
    assert admission("https://hooks.example.com/x", ("hooks.example.com",))("10.1.2.3") is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "https://me:pass@hooks.example.com/x",
        "ftp://hooks.example.com/x",
        "https://hooks.example.com/x#y",
        "https://hooks.example.com/x y",
        "https://hooks.example.com/\nx",
        "https://[::1/x",
        "https://169.254.169.254/x",
        "//hooks.example.com",
        "",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError) as raised:
        admission(url, ("hooks.example.com", "169.254.169.254"))
    assert "pass" not in raised.value.message.replace("password", "")


@pytest.mark.parametrize("value", ["", "short"])
def test_a_secret_that_is_none_sends_nothing(receiver: Receiver, value: str) -> None:
    event = event_of(record())
    environ = {"HOOK_SECRET": value}
    outcome = post(target(receiver), event.id, body_of(event), NOON, (receiver.host,), environ)
    assert (outcome.state, receiver.got) == ("failed", [])
    assert "HOOK_SECRET" in outcome.text


def test_no_secret_reaches_outcomes_logs_or_the_outbox(
    receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that says back all it was sent, and every way to fail."""
    caplog.set_level(logging.DEBUG)
    hook = target(receiver, timeout_s=0.4)

    def echo(got: Any) -> tuple[int, dict[str, str], bytes]:
        said = f"{got.path} {SECRET} {receiver.url} sk-ant-0123456789abcdefghij"
        return next(statuses), {}, said.encode()

    receiver.answer = echo
    statuses = iter([500, 400, 302, *[410] * 9])

    def by_post(one: NotifyTarget, event_id: str, body: bytes, now: Any) -> Outcome:
        return post(one, event_id, body, now, (receiver.host,), ENVIRON)

    box = Outbox(Letters(tmp_path / "outbox.sqlite"), [hook], by_post)
    box.enqueue([record(n) for n in range(4)], NOON)
    told = []
    for hours in range(5):
        told += box.deliver(NOON + timedelta(hours=hours))
    assert {one.text[:12] for one in told} == {f"answered {status}" for status in (500, 400, 302, 410)}
    box.letters.close()
    out, err = capfd.readouterr()
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    everything = " ".join(
        [*map(repr, told), caplog.text, out, err, files.decode(errors="replace"), repr(box)]
    )
    for hidden in (SECRET, "T0SECRETPATH", "querysecret", "sk-ant-0123456789abcdefghij"):
        assert hidden not in everything
