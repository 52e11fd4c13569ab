"""An OpenAI-like server on loopback with every fault that a real one has shown, each at its own path.

`FaultServer` runs it in a thread for tests; `python tests/evals/server.py --delay-ms 50` runs it as
a process and prints its address, for benchmarks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

MODEL = "test-model-2026-01-01"


@dataclass
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


@dataclass
class FaultServer:
    """Use it as `with`; `url("fault")` is a base URL whose requests meet that fault."""

    delay_s: float = 0.0
    bears: int | None = None
    """At more requests than this at once it answers 429, which asks for 5 ms."""
    answer: Callable[[dict[str, Any]], str] = lambda body: "ok " + body["messages"][-1]["content"]
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    refused: int = 0
    port: int = 0
    _at_once: int = 0

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def url(self, fault: str = "ok") -> str:
        return f"http://127.0.0.1:{self.port}/{fault}/v1"

    def count(self, fault: str) -> int:
        return sum(request.path.startswith(f"/{fault}/") for request in self.requests)

    def _run(self, ready: threading.Event) -> None:
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await self._end.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                self.requests.append(request)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    if not await self._answer(request, writer):
                        return
                finally:
                    self._at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Writes one answer. False closes the connection."""
        fault = request.path.split("/")[1]
        if fault == "hang":
            await asyncio.sleep(30)
            return False
        if fault == "drip":
            return await self._drip(writer)
        if self.bears is not None and self._at_once > self.bears:
            self.refused += 1
            fault = "429"
        elif self.delay_s:
            await asyncio.sleep(self.delay_s)
        text = self.answer(request.body)
        status, headers, body = reply(fault, request, text, self.count(fault))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        size = len(body) + (50 if fault == "cut" else 0)
        start = f"HTTP/1.1 {status} x\r\ncontent-length: {size}\r\n{head}\r\n"
        writer.write(start.encode() + body)
        await writer.drain()
        return fault != "cut"

    async def _drip(self, writer: asyncio.StreamWriter) -> bool:
        """A stream that never ends: a few bytes of a good beginning every 20 ms."""
        writer.write(
            b"HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for _ in range(1_500):
            writer.write(b"6\r\ndata: \r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    path = head[0].split(" ")[1]
    headers = {
        line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head[1:] if ":" in line
    }
    data = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(path, headers, json.loads(data) if data else {})


def completion(text: object, **changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        **changes,
    }


def reply(fault: str, request: Request, text: str, nth: int) -> tuple[int, dict[str, str], bytes]:
    kind = {"content-type": "application/json"}
    good = completion(text, model=request.body.get("model", MODEL))
    choice = good["choices"][0]
    error = json.dumps({"error": {"message": "it broke", "type": "server_error"}}).encode()
    echo = json.dumps(
        {"error": {"message": f"Incorrect API key: {request.headers.get('authorization')}"}}
    ).encode()
    faults: dict[str, tuple[int, dict[str, str], Any]] = {
        "ok": (200, kind, good),
        "429-then-ok": (429, {**kind, "retry-after": "0.01"}, error) if nth < 3 else (200, kind, good),
        "429-date": (429, {**kind, "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, error)
        if nth < 2
        else (200, kind, good),
        "429": (429, {**kind, "retry-after-ms": "5"}, error),
        "429-bare": (429, kind, error),
        "429-long": (429, {**kind, "retry-after": "3600"}, error),
        "500": (500, kind, error),
        "503": (503, {**kind, "retry-after": "0.005"}, error),
        "503-bare": (503, kind, error),
        "529": (529, kind, error),
        "500-then-ok": (500, kind, error) if nth < 2 else (200, kind, good),
        "400": (400, kind, error),
        "401": (401, kind, echo),
        "404": (404, kind, error),
        "echo-400": (400, kind, echo),
        "redirect": (307, {"location": f"http://{request.headers['host']}/trap/v1/chat/completions"}, b""),
        "redirect-away": (
            302,
            {"location": f"http://localhost:{request.headers['host'].split(':')[1]}/trap/v1/x"},
            b"",
        ),
        "gzip": (200, {**kind, "content-encoding": "gzip"}, b"this is not gzip"),
        "sse": (200, {"content-type": "text/event-stream"}, b'data: {"choices": []}\n\n'),
        "cut": (200, kind, good),
        "html": (200, {"content-type": "text/html"}, b"<!doctype html><p>Log in to the network</p>"),
        "garbage": (200, kind, b'{"choices": [{"mess'),
        "not-utf8": (200, kind, b'{"choices": "\xff\xfe"}'),
        "empty": (200, kind, b""),
        "flood": (200, kind, b'{"choices": "' + b"x" * (9 << 20) if fault == "flood" else b""),
        "list": (200, kind, []),
        "no-choices": (200, kind, {**good, "choices": []}),
        "two-choices": (200, kind, {**good, "choices": [choice, choice]}),
        "wrong-types": (200, kind, {**good, "choices": [{**choice, "message": "text"}]}),
        "null-choices": (200, kind, {**good, "choices": None}),
        "null-content": (200, kind, completion(None)),
        "list-content": (200, kind, completion([{"type": "text", "text": "x"}])),
        "filtered": (200, kind, {**good, "choices": [{**choice, "finish_reason": "content_filter"}]}),
        "unfinished": (200, kind, {**good, "choices": [{**choice, "finish_reason": None}]}),
        "wrong-model": (200, kind, {**good, "model": "another-model"}),
        "no-model": (200, kind, {**good, "model": None}),
        "error-200": (200, kind, error),
        "nan": (200, kind, json.dumps({**good, "x": float("nan")}).encode()),
        "twice": (200, kind, json.dumps(good).encode()[:-1] + b', "model": "another"}'),
    }
    status, headers, body = faults[fault]
    return status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()


NEVER_AN_ANSWER = (
    "429", "429-bare", "429-long", "500", "400", "401", "404", "echo-400", "redirect", "hang", "cut", "html",
    "garbage", "not-utf8", "empty", "list", "no-choices", "two-choices", "null-choices", "null-content",
    "503", "503-bare", "529", "redirect-away", "gzip", "sse", "drip", "flood", "wrong-types",
    "list-content", "filtered", "unfinished", "wrong-model", "no-model", "error-200", "nan", "twice",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=0.0)
    options = parser.parse_args()
    with FaultServer(delay_s=options.delay_ms / 1000) as server:
        print(server.url(), flush=True)
        try:
            input()
        except EOFError:
            return


if __name__ == "__main__":
    main()
