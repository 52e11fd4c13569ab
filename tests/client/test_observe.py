"""Client.observe: what is taken, what is refused, where it lands, and what goes wrong with the file."""

from __future__ import annotations

import math
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making_live import NOW, document

from lockgate_client import Client, Observation, Resolution
from lockgate_client.intake import SCHEMA_VERSION, connect, unit_hash
from lockgate_client.recorder import BATCH
from store.live import publish

AT = NOW.timestamp()


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    path = tmp_path / "live" / "production.json"
    publish(path, document(7, percent=10))
    return path


@pytest.fixture
def client(live: Path) -> Iterator[Client]:
    made = Client(live, wall=lambda: AT)
    yield made
    made.close()


def observations(live: Path) -> Path:
    return live.parents[1] / "state" / "observations.sqlite"


def rows(live: Path, query: str = "select * from observations order by id") -> list[dict[str, Any]]:
    connection = sqlite3.connect(observations(live))
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute(query)]
    connection.close()
    return found


def unit_in(client: Client, reason: str) -> str:
    return next(
        unit
        for unit in (f"user-{number}" for number in range(10_000))
        if client.resolve(unit).reason == reason
    )


@pytest.mark.parametrize(("reason", "release"), [("canary", "r2"), ("control", "r1"), ("stable", "r1")])
def test_everything_that_is_reported_is_in_the_file(
    live: Path, client: Client, reason: str, release: str
) -> None:
    unit = unit_in(client, reason)
    client.observe(
        client.resolve(unit),
        request_id="request-1",
        unit=unit,
        latency_ms=412,
        error=True,
        category="billing",
        quality=0.75,
        harmful=False,
        feedback=-1,
        tokens=310,
        cost=0.0021,
    )
    assert client.flush() and client.last_observe_error is None
    (row,) = rows(live)
    written = row.pop("unit")
    assert row == {
        "id": 1, "request_id": "request-1", "at": AT, "environment": "production", "release": release,
        "arm": reason, "generation": 7, "latency_ms": 412.0, "error": 1, "category": "billing",
        "quality": 0.75, "harmful": 0, "confirmed": None, "feedback": -1, "tokens": 310, "cost": 0.0021,
    }  # fmt: skip
    key = sqlite3.connect(observations(live)).execute("select value from meta").fetchone()[0]
    assert len(key) == 32 and written == unit_hash(key, unit)


def test_the_user_is_not_in_the_file(live: Path, client: Client) -> None:
    unit = unit_in(client, "canary") + "@example.org"
    client.observe(client.resolve(unit), request_id="1", unit=unit)
    client.close()
    for path in observations(live).parent.iterdir():
        assert unit.encode() not in path.read_bytes()


def test_the_file_is_for_its_user_alone(live: Path, client: Client) -> None:
    client.observe(client.resolve("u"), request_id="1")
    assert client.flush()
    for path in observations(live).parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_without_a_unit_its_bucket_stands_for_it_where_there_is_one(live: Path, client: Client) -> None:
    unit = unit_in(client, "canary")
    client.observe(client.resolve(unit), request_id="1")
    client.observe(client.resolve(unit), request_id="2")
    client.observe(client.resolve(), request_id="3")
    client.flush()
    one, two, three = (row["unit"] for row in rows(live))
    assert one == two and one is not None and three is None


def test_a_repeated_request_id_is_ignored(live: Path, client: Client) -> None:
    served = client.resolve("u")
    for latency_ms in (1.0, 2.0, 3.0):
        client.observe(served, request_id="same", latency_ms=latency_ms)
    client.flush()
    client.observe(served, request_id="same", latency_ms=4.0)
    client.flush()
    assert [row["latency_ms"] for row in rows(live)] == [1.0]
    assert client.dropped == 0


def test_another_path_can_be_named(live: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "evidence.sqlite"
    client = Client(live, observations=elsewhere)
    client.observe(client.resolve("u"), request_id="1")
    assert client.close() and elsewhere.exists() and not observations(live).exists()


GOOD: dict[str, Any] = {"request_id": "r", "unit": "u", "latency_ms": 1.0}
BAD = [
    ("request_id", ""), ("request_id", "x" * 201), ("request_id", 7), ("request_id", None),
    ("request_id", "\ud800"), ("unit", "x" * 5000), ("unit", 7), ("category", "x" * 65), ("category", None),
    ("category", "\ud800"), ("latency_ms", -1), ("latency_ms", math.nan), ("latency_ms", math.inf),
    ("latency_ms", "12"), ("quality", 1.01), ("quality", -0.1), ("quality", math.nan), ("quality", "good"),
    ("harmful", "no"), ("harmful", 2), ("feedback", 0), ("feedback", "up"), ("tokens", -1), ("tokens", 1e13),
    ("tokens", []), ("cost", math.nan), ("cost", -0.01), ("at", 0), ("at", AT + 3600), ("at", AT * 1000),
    ("at", math.nan), ("at", "now"), ("at", NOW),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda value: ascii(value)[:20])
def test_a_value_out_of_bounds_is_dropped_counted_and_named(
    live: Path, client: Client, field: str, value: object
) -> None:
    served = client.resolve("u")
    client.observe(served, **{**GOOD, field: value})
    assert client.dropped == 1
    assert client.last_observe_error is not None and field in client.last_observe_error
    client.observe(served, **GOOD)
    client.flush()
    assert len(rows(live)) == 1
    (drop,) = rows(live, "select * from drops")
    assert (drop["environment"], drop["generation"], drop["reason"], drop["count"]) == (
        "production", 7, "bad", 1,
    )  # fmt: skip
    assert drop["minute"] == AT // 60


class Hostile:
    """Raises whatever it is asked."""

    def __eq__(self, _: object) -> bool:
        raise RuntimeError("no")

    def __le__(self, _: object) -> bool:
        raise RuntimeError("no")

    __ge__ = __lt__ = __gt__ = __le__

    def __bool__(self) -> bool:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "field", ["request_id", "unit", "latency_ms", "error", "category", "quality", "harmful", "at"]
)
def test_an_object_that_raises_never_reaches_the_request(client: Client, field: str) -> None:
    client.observe(client.resolve("u"), **{**GOOD, field: Hostile()})
    client.observe(Hostile(), **GOOD)  # type: ignore[arg-type]
    assert client.dropped == 2


FIELDS = (
    "unit", "latency_ms", "error", "category", "quality", "harmful", "feedback", "tokens", "cost", "at",
)  # fmt: skip
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries({"request_id": anything}, optional=dict.fromkeys(FIELDS, anything)),
)
def test_whatever_is_passed_is_either_written_or_counted(
    live: Path, client: Client, reported: dict[str, Any]
) -> None:
    known = [row["request_id"] for row in rows(live)] if observations(live).exists() else []
    dropped = client.dropped
    client.observe(client.resolve("u"), **reported)
    assert client.flush()
    new = [row for row in rows(live) if row["request_id"] not in known]
    if reported["request_id"] not in known:
        assert len(new) + client.dropped - dropped == 1
    for row in new:
        assert row["request_id"] == reported["request_id"]
        assert row["quality"] is None or 0 <= row["quality"] <= 1
        assert row["latency_ms"] is None or math.isfinite(row["latency_ms"])


def test_before_the_first_document_an_observation_is_dropped(tmp_path: Path) -> None:
    client = Client(tmp_path / "live" / "production.json", observations=tmp_path / "o.sqlite")
    served = Resolution("r1", "stable", None, "no rollout", 1, {})
    client.observe(served, request_id="1")
    assert client.dropped == 1 and "nothing has been served yet" in str(client.last_observe_error)
    client.close()


def test_amendments_are_written_beside_what_they_amend(live: Path, client: Client) -> None:
    client.observe(client.resolve("u"), request_id="1")
    client.amend("1", feedback=-1)
    client.amend("1", quality=0.5, harmful=True, confirmed=True, tokens=10, cost=0.5, at=AT - 60)
    client.flush()
    first, second = rows(live, "select * from amendments order by id")
    assert (first["feedback"], first["quality"], first["at"]) == (-1, None, AT)
    assert (second["quality"], second["harmful"], second["confirmed"], second["at"]) == (0.5, 1, 1, AT - 60)


@pytest.mark.parametrize(
    ("request_id", "facts", "named"),
    [
        ("1", {}, "something new"), ("1", {"quality": 2}, "quality"),
        ("1", {"confirmed": "yes"}, "confirmed"),
        ("", {"feedback": 1}, "request_id"), ("\ud800", {"feedback": 1}, "surrogate"),
    ],
)  # fmt: skip
def test_an_amendment_out_of_bounds_is_dropped_and_named(
    client: Client, request_id: str, facts: dict[str, Any], named: str
) -> None:
    client.amend(request_id, **facts)
    assert client.dropped == 1 and named in str(client.last_observe_error)


def held(path: Path) -> sqlite3.Connection:
    """A connection that keeps every other from writing."""
    connection = connect(path)
    connection.execute("begin immediate")
    return connection


def test_a_full_queue_drops_the_oldest_counts_it_and_never_waits(live: Path) -> None:
    client = Client(live, queue_limit=50, wall=lambda: AT)
    client.observe(client.resolve("u"), request_id="first")
    assert client.flush()
    lock = held(observations(live))
    for number in range(3000):
        client.observe(client.resolve("u"), request_id=str(number))
    assert not client.flush(timeout=0.05)
    assert "locked" in str(client.last_observe_error)
    lock.execute("rollback")
    lock.close()
    assert client.flush(timeout=10) and client.last_observe_error is None
    kept = [row["request_id"] for row in rows(live)]
    assert kept[-50:] == [str(number) for number in range(2950, 3000)], "the newest are kept"
    assert 0 < client.dropped == 3001 - len(kept)
    dropped = rows(live, "select sum(count) as n from drops where reason = 'full' and generation = 7")
    assert dropped == [{"n": client.dropped}]
    client.close()


@pytest.mark.parametrize(("number", "seconds"), [(BATCH, 3600.0), (1, 0.01)])
def test_a_thread_writes_each_hundred_rows_and_each_second(
    live: Path, monkeypatch: pytest.MonkeyPatch, number: int, seconds: float
) -> None:
    monkeypatch.setattr("lockgate_client.recorder.FLUSH_SECONDS", seconds)
    taken: list[str] = []
    done = threading.Event()

    def export(row: Any) -> None:
        assert threading.current_thread().name == "lockgate-observations"
        taken.append(row.request_id)
        if len(taken) == number:
            done.set()

    client = Client(live, export=export)
    for one in range(number - 1):
        client.observe(client.resolve("u"), request_id=str(one))
    if number == BATCH:
        assert not done.wait(0.1), "the second is long"
    client.observe(client.resolve("u"), request_id="last")
    assert done.wait(10)
    assert client.close() and len(rows(live)) == number


def test_a_file_deleted_or_replaced_while_in_use_is_made_again(live: Path, client: Client) -> None:
    path = observations(live)
    client.observe(client.resolve("u"), request_id="1", unit="u")
    client.flush()
    for leftover in path.parent.iterdir():
        leftover.unlink()
    client.observe(client.resolve("u"), request_id="2", unit="u")
    assert client.flush()
    (row,) = rows(live)
    key = sqlite3.connect(path).execute("select value from meta").fetchone()[0]
    assert row["request_id"] == "2" and row["unit"] == unit_hash(key, "u")


def spoiled(path: Path, how: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if how == "damaged":
        path.write_bytes(b"this is no database, however long it goes on" * 200)
    elif how == "folder":
        path.mkdir()
    else:
        connection = sqlite3.connect(path)
        if how == "newer":
            connect(path).close()
            connection.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
        else:
            connection.execute("create table theirs (x)")
        connection.commit()
        connection.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("damaged", "file is not a database"), ("newer", "is of version 2 and this lockgate-client knows 1"),
        ("foreign", "another program's database"), ("folder", "observations.sqlite"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_written_is_left_alone_and_said(
    live: Path, client: Client, how: str, said: str
) -> None:
    path = observations(live)
    spoiled(path, how)
    before = path.read_bytes() if path.is_file() else b""
    client.observe(client.resolve("u"), request_id="1")
    assert not client.flush(timeout=0.1)
    assert said in str(client.last_observe_error) and "\n" not in str(client.last_observe_error)
    assert (path.read_bytes() if path.is_file() else b"") == before
    path.rmdir() if how == "folder" else path.unlink()
    assert client.flush() and client.last_observe_error is None, "what was queued is not lost"
    assert [row["request_id"] for row in rows(live)] == ["1"]


def test_a_row_that_sqlite_refuses_is_counted_and_holds_up_nobody(
    live: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = client.resolve("u")
    with monkeypatch.context() as patch:
        patch.setattr("lockgate_client.observation.TOKENS_LIMIT", 2**80)
        client.observe(served, request_id="too big for 64 bits", tokens=2**70)
    client.flush()
    client.observe(served, request_id="next")
    assert client.flush()
    assert [row["request_id"] for row in rows(live)] == ["next"]
    assert rows(live, "select reason, count from drops") == [{"reason": "failed", "count": 1}]


def test_an_exporter_gets_each_row_once_and_cannot_do_harm(live: Path) -> None:
    got: list[Any] = []

    def export(row: Any) -> None:
        got.append(row)
        raise IndexError("the exporter's own trouble")

    client = Client(live, export=export)
    client.observe(client.resolve("u"), request_id="1")
    client.amend("1", feedback=1)
    assert client.close() and len(rows(live)) == 1
    assert [type(row).__name__ for row in got] == ["Observation", "Amendment"]
    assert isinstance(got[0], Observation) and got[0].resolution.release == "r1"
    assert "the exporter failed" in str(client.last_observe_error)


def test_threads_share_a_client(live: Path) -> None:
    client = Client(live)

    def work(name: int) -> None:
        for number in range(500):
            client.observe(client.resolve(str(number)), request_id=f"{name}/{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.close(timeout=10)
    assert len(rows(live)) + client.dropped == 4000 and client.dropped == 0


def test_a_closed_client_resolves_and_begins_anew(live: Path, client: Client) -> None:
    client.observe(client.resolve("u"), request_id="1")
    assert client.close()
    client.observe(client.resolve("u"), request_id="2")
    assert client.close() and len(rows(live)) == 2


@pytest.mark.parametrize("limit", [0, -1])
def test_a_queue_of_nothing_is_refused(live: Path, limit: int) -> None:
    with pytest.raises(ValueError, match="has to be 1 or more"):
        Client(live, queue_limit=limit)
