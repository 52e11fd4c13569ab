"""A Prometheus that fails, lies or leads away: one sentence, in time, and never "no data"."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from evals.live.evidence import Stage, Window
from evals.live.prometheus.api import PrometheusApi
from evals.live.prometheus.opening import open_prometheus
from evals.live.prometheus.source import PrometheusSource
from store.bounded import read_toml
from store.errors import InputError, MachineryError
from store.settings import Settings
from tests.live.fake_prometheus import FakePrometheus, answer, drip

NOW = 1_780_000_020.0
WINDOW = Window("production", "r2", "r1", (Stage(7, 5.0),))
TOKEN = "a-token-that-nobody-may-see"
Fault = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as running:
        yield running


def said(data: object) -> Fault:
    """Answers 200 with this document."""
    return lambda request: answer(request, 200, data if isinstance(data, str) else json.dumps(data))


def matrix_of(value: str) -> dict[str, object]:
    one = {"metric": {"__name__": "lockgate_errors_total"}, "values": [[1, value]]}
    return {"status": "success", "data": {"resultType": "matrix", "result": [one]}}


def cut(request: BaseHTTPRequestHandler) -> None:
    answer(request, 200, '{"status": "succ', content_length="100")
    request.close_connection = True


def cut_chunk(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{")
    request.close_connection = True


FAULTS: dict[str, tuple[Fault, str]] = {
    "500": (lambda request: answer(request, 500, '{"error": "it \x1b[31mbroke"}'), "answered 500"),
    "503 page": (lambda request: answer(request, 503, "<html>busy</html>", "text/html"), "answered 503"),
    "401": (lambda request: answer(request, 401, f"Bearer {TOKEN}"), "answered 401"),
    "echo": (lambda request: answer(request, 400, json.dumps({"error": f"not {TOKEN}"})), "answered 400"),
    "html": (lambda request: answer(request, 200, "<!doctype html>", "text/html"), "not valid JSON"),
    "empty": (said(""), "not valid JSON"),
    "cut": (cut, "cut off"),
    "cut chunk": (cut_chunk, "connection failed"),
    "not a reply": (said([1, 2]), "not that of the query API"),
    "error in 200": (said({"status": "error", "error": "x"}), "not that of the query API"),
    "in part": (said({"status": "success", "data": [], "warnings": ["a store is gone"]}), "only a part"),
    "no labels": (said({"status": "success", "data": {"a": 1}}), "not a list of texts"),
    "twice": (said('{"status": "success", "status": "success", "data": []}'), "given twice"),
    "deep": (said("[" * 100_000), "nested too deeply"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_sentence(prometheus: FakePrometheus, fault: str) -> None:
    act, words = FAULTS[fault]

    def fail(request: BaseHTTPRequestHandler) -> bool:
        act(request)
        return True

    prometheus.fault = fail
    source = PrometheusSource(PrometheusApi(prometheus.url, TOKEN, timeout_s=5))
    with pytest.raises(MachineryError, match=words) as raised:
        source.evidence(WINDOW, NOW)
    message = raised.value.message
    assert TOKEN not in message
    assert "\x1b" not in message and "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        {"resultType": "vector", "result": []},
        {"resultType": "matrix", "result": {}},
        {"resultType": "matrix", "result": [{"metric": {}}]},
        {"resultType": "matrix", "result": [{"metric": {"a": 1}, "values": []}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]},
        {"resultType": "matrix", "result": [{"metric": {}, "values": [[2, "1"], [1, "1"]]}]},
        {"resultType": "matrix", "result": [{"metric": [], "values": []}]},
        None,
    ],
)
def test_a_result_of_another_shape_is_refused(prometheus: FakePrometheus, data: object) -> None:
    prometheus.fault = lambda request: said({"status": "success", "data": data})(request) is None
    with pytest.raises(MachineryError):
        PrometheusApi(prometheus.url).samples("{}", 0, 10)


def test_a_value_that_no_counter_has_names_its_metric(prometheus: FakePrometheus) -> None:
    prometheus.fault = lambda request: said(matrix_of("NaN"))(request) is None
    with pytest.raises(MachineryError, match="lockgate_errors_total has the value nan"):
        PrometheusApi(prometheus.url).samples("{}", 0, 10)


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_what_takes_too_long_ends_in_time(prometheus: FakePrometheus, how: str) -> None:
    def fail(request: BaseHTTPRequestHandler) -> bool:
        if how == "hang":
            request.rfile.read(1)  # until the other end goes away
        else:
            drip(request, 5)
        return True

    prometheus.fault = fail
    began = time.monotonic()
    with pytest.raises(MachineryError, match=r"no whole answer came within 0\.4 s"):
        PrometheusApi(prometheus.url, timeout_s=0.4).samples("{}", 0, 10)
    assert time.monotonic() - began < 3


def test_a_huge_answer_is_not_read(prometheus: FakePrometheus) -> None:
    prometheus.fault = lambda request: answer(request, 200, b" " * 2_000_000) is None
    with pytest.raises(MachineryError, match="over 100,000 bytes"):
        PrometheusSource(PrometheusApi(prometheus.url, reply_limit=100_000)).evidence(WINDOW, NOW)


def test_a_redirect_is_not_followed(prometheus: FakePrometheus) -> None:
    with FakePrometheus() as trap:
        prometheus.fault = lambda request: (
            answer(request, 307, "", location=f"{trap.url}/api/v1/query") is None
        )
        with pytest.raises(MachineryError, match="redirects are not followed"):
            PrometheusApi(prometheus.url, TOKEN).samples("{}", 0, 10)
        assert trap.asked == []


def test_nobody_there() -> None:
    with FakePrometheus() as gone:
        url = gone.url
    with pytest.raises(MachineryError, match="gave no answer: the connection failed"):
        PrometheusApi(url).samples("{}", 0, 10)


def test_a_failure_between_two_pieces_leaves_what_was_counted(prometheus: FakePrometheus) -> None:
    times = [NOW - 30_000 + 15 * n for n in range(2001)]
    for name, rate in (("lockgate_requests_total", 2.0), ("lockgate_errors_total", 0.0)):
        prometheus.add(name, [(at, rate * n) for n, at in enumerate(times)])
    source = PrometheusSource(PrometheusApi(prometheus.url))
    turns = iter(range(1000))
    prometheus.fault = lambda request: next(turns) == 5 and answer(request, 500, "") is None
    with pytest.raises(MachineryError):
        source.evidence(WINDOW, NOW)
    prometheus.fault = None
    prometheus.asked.clear()
    found = source.evidence(WINDOW, NOW)
    assert sum(row.requests for row in found.minutes) == 4000
    assert len([path for path, _, _ in prometheus.asked if path == "/api/v1/query"]) < 6


def settings_of(url: str, extra: str = "") -> Settings:
    return read_toml(Settings, f'prometheus = "{url}"\n{extra}'.encode(), "settings.toml")


def test_the_token_goes_to_its_host(prometheus: FakePrometheus) -> None:
    named = settings_of(prometheus.url, '[keys]\n"127.0.0.1" = "LOOK_TOKEN"')
    source = open_prometheus(named, environ={"LOOK_TOKEN": TOKEN})
    source.evidence(WINDOW, NOW)
    assert {headers.get("Authorization") for _, _, headers in prometheus.asked} == {f"Bearer {TOKEN}"}
    assert TOKEN not in repr(source._api)
    with pytest.raises(InputError, match="LOOK_TOKEN is not set"):
        open_prometheus(named, environ={})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://prometheus.example.com", "not allowed on this machine"),
        ("http://10.0.0.7:9090", "not encrypted"),
        ("https://169.254.169.254", "link-local"),
        ("https://me:secret@prometheus.example.com", "leave them out"),
        ("file:///etc/passwd", "not an address"),
    ],
)
def test_an_address_that_is_not_allowed_is_never_called(url: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_prometheus(settings_of(url), environ={})
    with pytest.raises(InputError, match="names no Prometheus"):
        open_prometheus(Settings())
