"""A server that speaks the used part of Prometheus' API, over series that a test makes, with faults."""

from __future__ import annotations

import json
import re
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Labels = dict[str, str]
Samples = list[tuple[float, float]]

_MATCHER = re.compile(r'([a-z_]+)(=~|=)"((?:\\.|[^"\\])*)"')


@dataclass
class FakePrometheus:
    """Holds series as [labels with __name__, samples]; `fault` replaces the answers."""

    series: list[tuple[Labels, Samples]] = field(default_factory=list)
    fault: Callable[[BaseHTTPRequestHandler], bool] | None = None
    """Answers a request itself and returns True, or leaves it."""
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """(path, query, headers) of each request."""

    def add(self, name: str, samples: Samples, **labels: str) -> None:
        """A series; `labels` are put over those of a canary process."""
        usual = {
            "__name__": name,
            "environment": "production",
            "release": "r2",
            "arm": "canary",
            "generation": "7",
            "category": "",
            "instance": "app-1:9100",
            "job": "app",
        }
        merged = {**usual, **labels}
        self.series.append(({key: value for key, value in merged.items() if value}, samples))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                fake.asked.append((parts.path, query, dict(self.headers)))
                if fake.fault is None or not fake.fault(self):
                    answer(self, 200, json.dumps({"status": "success", "data": fake.data(parts.path, query)}))

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def data(self, path: str, query: dict[str, str]) -> Any:
        if path == "/api/v1/query":
            return self._samples(query["query"], float(query["time"]))
        if path == "/api/v1/query_range":
            return self._grid(query)
        found = re.fullmatch(r"/api/v1/label/([a-z]+)/values", path)
        assert found, path
        label = found.group(1)
        return sorted({labels[label] for labels, _ in self._matching(query["match[]"]) if label in labels})

    def _samples(self, expression: str, end: float) -> Any:
        span = re.search(r"\[(\d+)ms\]$", expression)
        assert span, expression
        start = end - int(span.group(1)) / 1000
        return matrix(
            (labels, [pair for pair in samples if start <= pair[0] <= end])
            for labels, samples in self._matching(expression)
        )

    def _grid(self, query: dict[str, str]) -> Any:
        start, end, step = float(query["start"]), float(query["end"]), int(query["step"].rstrip("s"))
        counted = query["query"].startswith("count by (generation)")
        back = 3600 if counted else 300
        steps = [start + step * n for n in range(int((end - start) // step) + 1)]
        rows: list[tuple[Labels, Samples]] = []
        for labels, samples in self._matching(query["query"]):
            times = [at for at, _ in samples]
            row: Samples = []
            for at in steps:
                place = bisect_right(times, at)
                if place and times[place - 1] > at - back:
                    row.append((at, 1.0 if counted else samples[place - 1][1]))
            rows.append((labels, row))
        return matrix(_by_generation(rows) if counted else rows)

    def _matching(self, expression: str) -> Iterator[tuple[Labels, Samples]]:
        matchers = [
            (name, sign, text.replace('\\"', '"').replace("\\\\", "\\"))
            for name, sign, text in _MATCHER.findall(expression)
        ]
        for labels, samples in self.series:
            if all(
                (labels.get(name, "") == text if sign == "=" else re.fullmatch(text, labels.get(name, "")))
                for name, sign, text in matchers
            ):
                yield labels, samples


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the tests."""


def _by_generation(rows: list[tuple[Labels, Samples]]) -> Iterator[tuple[Labels, Samples]]:
    sums: dict[str, dict[float, float]] = {}
    for labels, samples in rows:
        into = sums.setdefault(labels.get("generation", ""), {})
        for at, value in samples:
            into[at] = into.get(at, 0) + value
    for generation, found in sums.items():
        yield {"generation": generation} if generation else {}, sorted(found.items())


def matrix(rows: Any) -> dict[str, Any]:
    return {
        "resultType": "matrix",
        "result": [
            {
                "metric": labels,
                "values": [[at, value if isinstance(value, str) else repr(value)] for at, value in samples],
            }
            for labels, samples in rows
            if samples
        ],
    }


def answer(
    request: BaseHTTPRequestHandler,
    status: int,
    body: str | bytes,
    kind: str = "application/json",
    **headers: str,
) -> None:
    data = body.encode() if isinstance(body, str) else body
    request.send_response(status)
    request.send_header("content-type", kind)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    if "content_length" not in headers:
        request.send_header("content-length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


def drip(request: BaseHTTPRequestHandler, seconds: float) -> None:
    """A byte of the head now and then, for `seconds`: no read ever waits long."""
    until = time.monotonic() + seconds
    request.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
    while time.monotonic() < until:
        try:
            request.wfile.write(b"y")
            request.wfile.flush()
        except OSError:
            return
        time.sleep(0.05)
