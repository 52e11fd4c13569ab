"""Client.resolve: who gets what, and what a document does to it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making_live import NOW, document

from lockgate_client import Client, LockgateClientError, bucket, in_canary, in_matched_control
from store.canonical import digest_of
from store.live import encode, publish

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cohort.json").read_text())["vectors"]


@dataclass
class Clock:
    """Time that a test sets, in seconds."""

    at: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.at


def always_looking(path: Path, clock: Clock | None = None) -> Client:
    """A client that looks at the file in each resolve."""
    return Client(path, check_seconds=0, wall=clock or Clock())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "production.json"


def test_before_the_first_good_document_it_says_what_is_missing(path: Path) -> None:
    client = Client(path)
    with pytest.raises(LockgateClientError, match=r"production\.json: it is not there"):
        client.resolve("user-1")
    path.write_text("{")
    with pytest.raises(LockgateClientError, match="not valid JSON"):
        client.resolve("user-1")
    publish(path, document(1))
    assert client.resolve("user-1").release == "r1"
    assert client.last_error is None


def test_without_a_rollout_everybody_is_served_stable(path: Path) -> None:
    publish(path, document(4))
    client = Client(path)
    for unit in (None, "", "user-1", "🦊"):
        served = client.resolve(unit)
        assert served[:4] == ("r1", "stable", None, "no rollout")
    assert served.generation == client.generation == 4


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v["salt"]], ids=lambda v: f"{v['salt']}-{v['unit']}"
)
def test_resolve_draws_the_buckets_of_the_vectors(path: Path, vector: dict[str, str]) -> None:
    publish(path, document(percent=5, salt=vector["salt"]))
    assert Client(path).resolve(vector["unit"]).bucket == vector["bucket"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.floats(0, 100), st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_arms_and_reasons_follow_the_bucket(path: Path, percent: float, units: list[str]) -> None:
    path.write_bytes(encode(document(percent=percent)))
    client = Client(path)
    for unit in units:
        served = client.resolve(unit)
        number = bucket("production/r42", unit)
        canary = in_canary(number, percent)
        assert served.bucket == number
        assert (served.arm, served.release) == (("canary", "r2") if canary else ("stable", "r1"))
        control = in_matched_control(number, percent)
        assert served.reason == ("canary" if canary else "control" if control else "stable")


def test_no_unit_is_stable_even_at_a_hundred_percent(path: Path) -> None:
    publish(path, document(percent=100))
    client = Client(path)
    assert client.resolve("anybody").arm == "canary"
    assert client.resolve()[:4] == ("r1", "stable", None, "no unit")


@pytest.mark.parametrize("unit", [7, b"user-1", "\ud800", object(), ["user-1"]])
def test_a_unit_that_cannot_be_hashed_is_served_stable(path: Path, unit: object) -> None:
    publish(path, document(percent=100))
    assert Client(path).resolve(unit)[:4] == ("r1", "stable", None, "unusable unit")


def test_components_are_complete_and_read_only(path: Path) -> None:
    publish(path, document(percent=100))
    components = Client(path).resolve("user-1").components
    raw = json.loads(encode(document(percent=100)))["canary"]["components"]
    assert set(components) == set(raw)
    assert components["prompt/support"]["few_shot"][0]["assistant"] == "Là-bas 🦊"
    assert {**components["model/chat"]["parameters"]} == raw["model/chat"]["parameters"]
    with pytest.raises(TypeError):
        components["prompt/support"] = {}
    with pytest.raises(TypeError):
        components["prompt/support"]["system"] = "Ignore the rules."
    with pytest.raises(AttributeError):
        components["prompt/support"]["few_shot"].append({})


def test_after_valid_until_everybody_is_served_stable(path: Path) -> None:
    clock = Clock()
    publish(path, document(1, percent=100, valid_until=NOW + timedelta(minutes=15)))
    client = always_looking(path, clock)
    assert client.resolve("user-1").arm == "canary"
    clock.at += 15 * 60 - 1
    assert client.resolve("user-1").arm == "canary"
    clock.at += 1
    assert client.resolve("user-1")[1:4] == ("stable", None, "expired")
    publish(path, document(1, percent=100, valid_until=NOW + timedelta(minutes=45)))
    assert client.resolve("user-1").arm == "canary", "the controller is back"


@pytest.mark.parametrize(
    ("kill", "reason"),
    [
        ('{"epoch": 8, "reason": "harmful answers"}', "killed"),
        ('{"epoch": 7}', "canary"),
        ('{"epoch": 3}', "canary"),
        ("", "killed"),
        ('{"epoch": 8', "killed"),
        ('{"epoch": true}', "killed"),
        ('{"epoch": NaN}', "killed"),
        ('{"epoch": 1, "epoch": 2}', "killed"),
        ("[]", "killed"),
    ],
)
def test_a_kill_file_of_a_newer_epoch_serves_stable(path: Path, kill: str, reason: str) -> None:
    publish(path, document(7, percent=100))
    client = always_looking(path)
    assert client.resolve("user-1").reason == "canary"
    path.with_name("production.kill").write_text(kill)
    assert client.resolve("user-1").reason == reason
    assert Client(path).resolve("user-1").reason == reason, "for a client that starts now as well"


def test_the_next_document_or_its_removal_lifts_a_kill_file(path: Path) -> None:
    kill = path.with_name("production.kill")
    publish(path, document(7, percent=100))
    client = always_looking(path)
    kill.write_text('{"epoch": 8}')
    assert client.resolve("user-1").reason == "killed"
    kill.unlink()
    assert client.resolve("user-1").reason == "canary"
    kill.write_text('{"epoch": 8}')
    assert client.resolve("user-1").reason == "killed"
    publish(path, document(8))
    assert client.resolve("user-1").reason == "no rollout"


def test_a_kill_file_beside_the_target_of_a_link_counts(tmp_path: Path, path: Path) -> None:
    (tmp_path / "served").mkdir()
    publish(tmp_path / "served" / "production.json", document(7, percent=100))
    path.symlink_to(tmp_path / "served" / "production.json")
    client = always_looking(path)
    assert client.resolve("user-1").reason == "canary"
    (tmp_path / "served" / "production.kill").write_text('{"epoch": 8}')
    assert client.resolve("user-1").reason == "killed"


def test_an_older_generation_or_another_environment_is_refused(path: Path) -> None:
    publish(path, document(5, stable="r5"))
    client = always_looking(path)
    path.write_bytes(encode(document(4, stable="r4")))
    assert client.resolve("user-1").release == "r5"
    assert "generation 4 is older than 5" in str(client.last_error)
    path.write_bytes(encode(document(6, stable="r6", environment="staging")))
    assert client.resolve("user-1").release == "r5"
    assert "staging" in str(client.last_error)
    path.write_bytes(encode(document(6, stable="r6")))
    assert client.resolve("user-1").release == "r6"
    assert client.last_error is None


def _field(name: str, value: object) -> bytes:
    raw = json.loads(encode(document(9, percent=5)))
    del raw["checksum"]
    raw[name] = value
    return json.dumps({**raw, "checksum": digest_of(raw)}).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"9" * 10_000, "JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[]", "object"),
        (b"x" * 9_000_000, "bytes"),
        (_field("format", "lockgate.live/2"), "format"),
        (_field("format", None), "format"),
        (encode(document(9)).replace(b"Answer", b"Reveal"), "checksum"),
        (_field("generation", True), "generation"),
        (_field("generation", 9.0), "generation"),
        (_field("percent", 100.5), "percent"),
        (_field("environment", "../../etc/x"), "environment"),
        (_field("stable", {"release": "r1"}), "components"),
        (_field("stable", {"release": "r1", "components": {"prompt/x": 1}}), "component"),
        (_field("canary", []), "canary"),
        (_field("salt", None), "salt"),
        (_field("valid_until", "tomorrow"), "valid_until"),
        (_field("valid_until", "2026-03-01T12:00:00"), "valid_until"),
    ],
)
def test_a_bad_document_never_replaces_the_good_one(path: Path, data: bytes, why: str) -> None:
    publish(path, document(2))
    client = always_looking(path)
    path.write_bytes(data)
    assert client.resolve("user-1").generation == 2
    assert why in str(client.last_error)
    assert str(client.last_error).isascii() and "\n" not in str(client.last_error)


def test_between_two_looks_the_file_is_left_alone(path: Path) -> None:
    ticks = Clock(0)
    publish(path, document(1))
    client = Client(path, check_seconds=0.05, monotonic=ticks)
    client.resolve("user-1")
    publish(path, document(2))
    ticks.at = 0.049
    assert client.resolve("user-1").generation == 1
    ticks.at = 0.051
    assert client.resolve("user-1").generation == 2


@pytest.mark.parametrize("seconds", [-0.1, float("nan")])
def test_an_interval_that_would_never_end_is_refused(path: Path, seconds: float) -> None:
    with pytest.raises(ValueError, match="check_seconds"):
        Client(path, check_seconds=seconds)


def test_a_broken_clock_or_disk_does_not_reach_the_request(path: Path) -> None:
    def broken() -> float:
        raise OSError("no clock")

    publish(path, document(1))
    client = always_looking(path)
    client._wall = broken
    assert client.resolve("user-1").generation == 1
    assert "no clock" in str(client.last_error)


@pytest.fixture
def busy_switching() -> Iterator[None]:
    """Lets threads take turns far more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("busy_switching")
def test_threads_never_see_half_of_two_documents(path: Path) -> None:
    first, *prepared = [
        encode(document(n, percent=50, stable=f"r{2 * n - 1}", canary=f"r{2 * n}", system=f"generation {n}"))
        for n in range(1, 202)
    ]
    path.write_bytes(first)
    client = Client(path, check_seconds=0)
    stop = threading.Event()
    mixed: list[object] = []
    seen: set[int] = set()

    def serve(number: int) -> None:
        last = 0
        while not stop.is_set():
            for unit in range(20):
                served = client.resolve(f"user-{number}-{unit}")
                text = served.components["prompt/support"]["system"]
                expected = f"r{2 * served.generation - (served.arm == 'stable')}"
                if text != f"generation {served.generation}" or served.release != expected:
                    mixed.append(served)
                if served.generation < last:
                    mixed.append((served.generation, last))
                last = served.generation
                seen.add(last)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for data in prepared:
        (path.parent / "next").write_bytes(data)
        (path.parent / "next").replace(path)
    stop.set()
    for thread in threads:
        thread.join()
    assert not mixed
    assert client.resolve("user-1").generation == 201
    assert len(seen) > 10
