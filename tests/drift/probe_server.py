"""A model on loopback whose logits a test can move, and a proxy to a real model."""

from __future__ import annotations

import json
import math
import random
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "test-model-2026-01-01"
Reply = tuple[int, bytes]
Answer = Callable[[dict[str, Any]], Reply]


@dataclass
class FakeModel:
    """Thirty tokens with logits by prompt. `seed` is what makes two calls differ."""

    bias: dict[str, float] = field(default_factory=dict)
    """Added to the logits of tokens: the change of the model."""
    noise: float = 0.02
    """Standard deviation of every logit, from call to call."""
    logprobs: bool = True
    refuses_logprobs: bool = False
    most_tops: int = 20
    name: str = MODEL
    fingerprint: str | None = "fp_1"
    text: Callable[[dict[str, Any]], str] | None = None
    """What is answered to requests for more than one token."""
    seed: int = 1
    asked: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __call__(self, body: dict[str, Any]) -> Reply:
        with self._lock:
            self.asked.append(body)
            if body.get("max_tokens") != 1 and self.text is not None:
                return 200, self._reply(self.text(body))
            if body.get("logprobs") and (self.refuses_logprobs or body["top_logprobs"] > self.most_tops):
                return 400, b'{"error": {"message": "top_logprobs is not supported"}}'
            tokens = self._tokens(body["messages"][-1]["content"])
            ranked = sorted(tokens.items(), key=lambda one: -one[1])
            token = ranked[0][0]
            if body.get("temperature"):
                token = self._random.choices([*tokens], [math.exp(one) for one in tokens.values()])[0]
            return 200, self._reply(token, ranked[: body["top_logprobs"]] if body.get("logprobs") else None)

    def _tokens(self, prompt: str) -> dict[str, float]:
        """Logprobs by token."""
        fixed = random.Random(prompt)
        logits = {f"t{number}": fixed.gauss(0, 2.5) for number in range(30)}
        for token in logits:
            logits[token] += self.bias.get(token, 0.0) + self._random.gauss(0, self.noise)
        total = math.log(math.fsum(math.exp(one) for one in logits.values()))
        return {token: one - total for token, one in logits.items()}

    def _reply(self, text: str, tops: list[tuple[str, float]] | None = None) -> bytes:
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "length",
            "message": {"role": "assistant", "content": text},
        }
        if tops is not None and self.logprobs:
            entries = [{"token": token, "logprob": logprob} for token, logprob in tops]
            choice["logprobs"] = {"content": [{"token": text, "logprob": -1.0, "top_logprobs": entries}]}
        reply = {"object": "chat.completion", "model": self.name, "choices": [choice]}
        if self.fingerprint:
            reply["system_fingerprint"] = self.fingerprint
        return json.dumps(reply).encode()


@dataclass
class Proxy:
    """Hands requests on to a real model, with a bias on its logits and without its logprobs where wanted."""

    base_url: str
    bias: dict[str, float] = field(default_factory=dict)
    """By token id."""
    system: str = ""
    """A message that is put before all others, as a changed template would."""
    strips_logprobs: bool = False
    asked: int = 0

    def __call__(self, body: dict[str, Any]) -> Reply:
        self.asked += 1
        if self.bias:
            body = {**body, "logit_bias": self.bias}
        if self.system:
            body = {**body, "messages": [{"role": "system", "content": self.system}, *body["messages"]]}
        request = urllib.request.Request(
            f"{self.base_url}/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            reply = json.loads(response.read())
        if self.strips_logprobs:
            reply["choices"][0].pop("logprobs", None)
        return 200, json.dumps(reply).encode()


class Served:
    """An address at which `answer` answers; a test may put another in its place."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.url = ""


@contextmanager
def serving(answer: Answer) -> Iterator[Served]:
    """Serves `answer` as a chat completions endpoint."""
    served = Served(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, data = served.answer(body)
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            return None  # who asked has gone

    server = Server(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
