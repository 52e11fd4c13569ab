"""The real Prometheus on loopback, scraping the exporter that docs/prometheus.md shows."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evals.live.evidence import Evidence, Stage, Window
from evals.live.prometheus.api import PrometheusApi
from evals.live.prometheus.source import PrometheusSource

PROGRAM = shutil.which("prometheus")
PAGE = Path(__file__).parents[2] / "docs" / "prometheus.md"
WINDOW = Window("production", "r2", "r1", (Stage(7, 5.0),), sla_ms=2000.0)

pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason="prometheus is not installed: a REAL one is NOT tested (Debian: apt-get install prometheus)",
)


@dataclass
class Served:
    """What the client would have resolved."""

    release: str = "r2"
    arm: str = "canary"
    reason: str = "canary"
    generation: int = 7


CANARY, CONTROL = Served(), Served("r1", "stable", "control")


def exporter() -> Any:
    """A new `Reported` of the page: a process that has counted nothing yet."""
    blocks = PAGE.read_text().split("```")[1::2]
    (code,) = [block for block in blocks if "class Reported" in block]
    space: dict[str, Any] = {}
    exec(compile(code, "docs/prometheus.md", "exec"), space)  # noqa: S102 - our own page
    return space["Reported"]("production")


class Application:
    """An application's /metrics."""

    def __init__(self) -> None:
        self.reported = exporter()
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = application.reported.text().encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    running = Application()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="module")
def url(application: Application, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        "  - job_name: app\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{application.server.server_port}']}}]\n"
    )
    assert PROGRAM is not None
    process = subprocess.Popen(
        [
            PROGRAM,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )
    try:
        until(lambda: is_ready(port), 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def is_ready(port: int) -> bool:
    """Its port is open before it answers queries."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for another program to have scraped: there is nothing of ours to wait on."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)


def total(found: Evidence, arm: str, column: str) -> int:
    return sum(getattr(row, column) for row in found.minutes if row.arm == arm)


def test_a_real_prometheus_tells_what_happened(application: Application, url: str) -> None:
    source = PrometheusSource(PrometheusApi(url))

    def look() -> Evidence:
        return source.evidence(WINDOW, time.time())

    def is_up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0

    until(is_up)
    assert "no series lockgate_requests_total for canary" in " ".join(look().notes)

    dice = random.Random(7)
    latencies = [dice.lognormvariate(6, 0.6) for _ in range(1500)]
    for latency in latencies:  # the stable arm, alone for a while
        application.reported.answered(CONTROL, latency)
    until(lambda: total(look(), "control", "requests") == 1500)
    first = look()
    assert total(first, "control", "over_sla") == sum(one > 2000 for one in latencies)
    assert total(first, "control", "timed") == 1500

    for n in range(60):  # the canary's series are born at 60, its harmful ones at 3
        application.reported.answered(
            CANARY, 2500 if n < 6 else 500, failed=n < 2, harmful=n < 3, quality=(0.25 if n < 5 else 1.0)
        )
    application.reported.feedback(CANARY, "down")
    until(lambda: total(look(), "canary", "requests") == 60)
    found = look()
    assert len(found.flags) == 3
    assert (total(found, "canary", "errors"), total(found, "canary", "over_sla")) == (2, 6)
    assert [(one.value, one.count) for one in found.scores] == [(0.25, 5), (1.0, 55)]
    assert total(found, "canary", "thumbs_down") == 1
    assert found.newest is not None and abs(found.newest - time.time()) < 10
    assert not any("canary" in note for note in found.notes), found.notes

    application.reported = exporter()  # it starts again, and then counts as many harmful ones as before
    for n in range(40):
        application.reported.answered(CANARY, 500, harmful=n < 3)
    until(lambda: total(look(), "canary", "requests") == 100)
    assert len(look().flags) == 6
    assert total(look(), "control", "requests") == 1500
    again = PrometheusSource(PrometheusApi(url)).evidence(WINDOW, time.time())
    assert (total(again, "canary", "requests"), len(again.flags)) == (100, 6)


def test_a_real_prometheus_tells_a_bound_over_p99(application: Application, url: str) -> None:
    application.reported = exporter()
    source = PrometheusSource(PrometheusApi(url))
    latencies = [100 + n for n in range(2000)] * 3
    for latency in latencies:
        application.reported.answered(Served("r9", "stable", "no rollout"), latency)
    until(lambda: source.stable_p99("production", "r9", time.time()) is not None)
    p99 = source.stable_p99("production", "r9", time.time())
    assert p99 is not None
    assert 2080 <= p99 <= 2080 * 1.1**2
    assert source.stable_p99("production", "r8", time.time()) is None
