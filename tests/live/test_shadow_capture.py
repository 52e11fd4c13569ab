"""Client.capture: what is sampled, what is kept of it, and what bounds it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.live.envelopes import Envelopes
from lockgate_client import Client
from lockgate_client.envelope import ANSWER_LIMIT, INPUT_LIMIT, Envelope, share
from lockgate_client.requests import KEPT_DAYS, RequestFile, connect
from store.live import LiveDocument, encode, publish
from tests.client.making_live import NOW, document

ROOT = Path(__file__).parents[2]
AT = NOW.timestamp()
DAY = 86_400.0


def carrying(generation: int = 7, **fields: Any) -> LiveDocument:
    """A document with a canary of 10 % that has some of its requests kept."""
    return document(generation, percent=10).model_copy(update={"captured_percent": 100.0, **fields})


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    path = tmp_path / "live" / "production.json"
    publish(path, carrying())
    return path


@pytest.fixture
def client(live: Path) -> Iterator[Client]:
    made = Client(live, check_seconds=0, wall=lambda: AT)
    yield made
    made.close()


def requests(live: Path) -> Path:
    return live.parents[1] / "state" / "requests.sqlite"


def stored(live: Path) -> list[str]:
    return [one.request_id for one in Envelopes(requests(live)).marks("production", 0)]


def unit_in(client: Client, reason: str) -> str:
    units = (f"user-{number}" for number in range(10_000))
    return next(unit for unit in units if client.resolve(unit).reason == reason)


@pytest.mark.parametrize(
    "asked",
    [
        "How long?",
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}],
        {"question": "How long?", "n": 3, "new": True},
    ],
)
def test_what_was_asked_and_answered_comes_back(live: Path, client: Client, asked: Any) -> None:
    unit = unit_in(client, "canary")
    client.capture(
        client.resolve(unit), request_id="one", input=asked, answer="30 days", retrieved=["a#1"], unit=unit,
        category="billing",
    )  # fmt: skip
    assert client.flush() and client.last_capture_error is None and client.captures_dropped == 0
    found = Envelopes(requests(live)).find("one")
    assert found is not None
    plain = [turn.model_dump() for turn in found.input] if isinstance(found.input, tuple) else found.input
    assert plain == asked
    assert (found.answer, found.retrieved, found.category) == ("30 days", ("a#1",), "billing")
    assert (found.environment, found.mark.release, found.mark.arm) == ("production", "r2", "canary")
    assert (found.mark.generation, found.mark.at) == (7, AT)
    assert unit.encode() not in requests(live).read_bytes()
    assert stat.S_IMODE(requests(live).stat().st_mode) == 0o600


def test_nothing_is_kept_unless_the_document_says_so(live: Path, client: Client) -> None:
    publish(live, carrying(8, captured_percent=0.0))
    for number in range(50):
        client.capture(client.resolve(f"user-{number}"), request_id=str(number), input="?", answer="!")
    assert client.flush() and not requests(live).exists()


def test_who_is_not_compared_is_kept_for_a_shadow_only(live: Path, client: Client) -> None:
    units = {reason: unit_in(client, reason) for reason in ("canary", "control", "stable")}
    for percent, generation, wanted in ((0.0, 8, {"canary", "control"}), (100.0, 9, set(units))):
        publish(live, carrying(generation, shadow_percent=percent))
        for reason, unit in units.items():
            client.capture(client.resolve(unit), request_id=f"{generation}-{reason}", input="?")
        client.flush()
        mine = {id.partition("-")[2] for id in stored(live) if id.startswith(f"{generation}-")}
        assert mine == wanted


def test_nothing_is_kept_while_nobody_watches(live: Path) -> None:
    publish(live, carrying(8, shadow_percent=100.0, valid_until=NOW))
    late = Client(live, check_seconds=0, wall=lambda: AT + 1)
    late.capture(late.resolve("u"), request_id="1", input="?")
    assert late.resolve("u").reason == "expired" and late.flush() and not requests(live).exists()


def test_the_share_is_even_and_nested() -> None:
    ids = [f"request-{number}" for number in range(20_000)]
    for percent in (1, 10, 50):
        kept = sum(share(one) < percent for one in ids)
        assert abs(kept / len(ids) - percent / 100) < 0.01
    assert share("request-1") == share("request-1")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"input": "x" * INPUT_LIMIT}, "input has"),
        ({"input": "\ud800"}, "surrogate"),
        ({"input": [{"role": "robot", "content": "x"}]}, "message of input"),
        ({"input": {"a": object()}}, "input has to be"),
        ({"input": ""}, "input has to be"),
        ({"input": {"a": float("nan")}}, "JSON"),
        ({"input": "?", "answer": "x" * (ANSWER_LIMIT + 1)}, "answer has"),
        ({"input": "?", "answer": 3}, "answer has to be"),
        ({"input": "?", "retrieved": ["x"] * 101}, "retrieved has to be"),
        ({"input": "?", "retrieved": [3]}, "id in retrieved"),
        ({"input": "?", "request_id": "x" * 201}, "request_id"),
        ({"input": "?", "at": AT + 9999}, "future"),
    ],
)
def test_what_is_out_of_bounds_is_counted_and_never_raises(
    live: Path, client: Client, wrong: dict[str, Any], said: str
) -> None:
    served = client.resolve(unit_in(client, "canary"))
    client.capture(served, **{"request_id": "one", **wrong})
    assert client.captures_dropped == 1 and said in str(client.last_capture_error)
    assert client.flush() and stored(live) == []
    rows = sqlite3.connect(requests(live)).execute("select reason, count from drops").fetchall()
    assert rows == [("bad", 1)]


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers(), st.floats()), max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_input_makes_it_raise(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "live").mkdir()
    path = folder / "live" / "production.json"
    path.write_bytes(encode(carrying()))
    client = Client(path, wall=lambda: AT)
    for given_input in (value, list(value), list(value.items()), next(iter(value), None)):
        client.capture(client.resolve("u"), request_id="one", input=given_input)  # type: ignore[arg-type]
    client.capture(client.resolve("u"), request_id=value, input="x")  # type: ignore[arg-type]
    client.close()


def envelope(number: int, at: float = AT, size: int = 10) -> Envelope:
    return Envelope(
        f"r{number}", at, "production", "r1", "stable", 7, None, "", json.dumps("x" * size), None, None
    )


def test_the_file_holds_so_many_and_the_oldest_give_way_counted(tmp_path: Path) -> None:
    path = tmp_path / "state" / "requests.sqlite"
    file = RequestFile(path, envelopes_limit=100)
    for start in range(0, 250, 50):
        file.write([envelope(number) for number in range(start, start + 50)], [])
    file.close()
    kept = [one.request_id for one in Envelopes(path).marks("production", 0)]
    assert kept == [f"r{number}" for number in range(150, 250)]
    assert Envelopes(path).dropped() == 150


def test_the_file_holds_so_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "state" / "requests.sqlite"
    file = RequestFile(path, bytes_limit=10_000)
    file.write([envelope(number, size=998) for number in range(30)], [])
    file.close()
    assert [one.request_id for one in Envelopes(path).marks("production", 0)] == [
        f"r{number}" for number in range(20, 30)
    ]


def test_what_is_old_goes_with_the_next_write_and_by_pruning(tmp_path: Path) -> None:
    path = tmp_path / "state" / "requests.sqlite"
    file = RequestFile(path)
    file.write([envelope(1, AT - (KEPT_DAYS + 1) * DAY)._replace(input='"a secret of old"')], [])
    file.write([envelope(2), envelope(3, AT - 13 * DAY)], [])
    file.close()
    reader = Envelopes(path)
    assert [one.request_id for one in reader.marks("production", 0)] == ["r2", "r3"]
    assert reader.prune(AT + 2 * DAY) == 1 and reader.find("r3") is None
    assert b"a secret of old" not in path.read_bytes()


PROGRAM = """
import sys
from lockgate_client import Client
client = Client(sys.argv[1])
for number in range(200):
    client.capture(client.resolve("u"), request_id=f"{sys.argv[2]}-{number}", input="x" * 50, answer="y")
"""


def test_four_processes_write_one_file(live: Path) -> None:
    publish(live, carrying(8, shadow_percent=100.0))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(live), str(number)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "client")},
        )
        for number in range(4)
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    written, dropped = len(stored(live)), Envelopes(requests(live)).dropped()
    assert written + dropped == 800 and written >= 4 * 200 - dropped and len(set(stored(live))) == written


def test_a_file_that_is_another_programs_is_left_alone(live: Path, client: Client) -> None:
    requests(live).parent.mkdir()
    other = sqlite3.connect(requests(live))
    other.execute("create table mine (x)")
    other.commit()
    client.capture(client.resolve(unit_in(client, "canary")), request_id="1", input="?")
    assert not client.flush(0.1) and "another program's" in str(client.last_capture_error)
    assert other.execute("select name from sqlite_master").fetchall() == [("mine",)]


def test_an_older_document_without_the_field_is_read(live: Path, client: Client) -> None:
    from store.canonical import digest_of

    value = json.loads(encode(document(9, percent=10)))
    del value["captured_percent"], value["checksum"]
    live.write_text(json.dumps({**value, "checksum": digest_of(value)}))
    served = client.resolve("u")
    client.capture(served, request_id="1", input="?")
    assert client.generation == 9 and client.last_error is None
    assert client.flush() and not requests(live).exists()


OUTSIDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("select count(*) from envelopes").fetchone()
connection.close()
"""


def test_opening_a_file_gives_up_no_lock_that_this_process_holds_on_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "requests.sqlite"
    held = connect(path)
    held.execute("insert into drops values ('p', 'production', 1, 1, 'bad', 1)")
    for _ in range(3):
        connect(path).close()
    log = Path(f"{path}-wal")
    written = log.stat().st_ino
    # Who believes to be the last one takes the log away, and the other writes on into nothing.
    subprocess.run([sys.executable, "-c", OUTSIDER, str(path)], check=True)
    assert log.exists() and log.stat().st_ino == written
    held.close()


def test_who_opens_a_file_while_another_makes_it_gets_the_same_file(tmp_path: Path) -> None:
    for turn in range(60):
        path, ready = tmp_path / str(turn) / "requests.sqlite", threading.Barrier(4)

        def opened(path: Path = path, ready: threading.Barrier = ready) -> None:
            ready.wait()
            for _ in range(5):
                with contextlib.suppress(sqlite3.OperationalError):  # busy: the caller tries again
                    connect(path).close()

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(opened) for _ in range(4)]:
                done.result()
        connect(path).close()
