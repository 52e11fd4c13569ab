"""An OpenAI-compatible embedding endpoint on loopback that counts the texts it answered."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from indexes.embedders.lexical import Lexical

Fault = Callable[[int, dict[str, Any]], tuple[int, dict[str, str], bytes] | None]
"""Given the number of the request and its body: another answer, or None for the right one."""


class EmbeddingServer:
    """Gives lexical vectors. `hang_at`: the request of that number, from 1, is never answered."""

    def __init__(self, fault: Fault = lambda *_: None) -> None:
        self.fault = fault
        self.answered: Counter[str] = Counter()
        self.requests: list[dict[str, Any]] = []
        self.hang_at: int | None = None
        self.hanging = threading.Event()
        self._released = threading.Event()
        self._lexical = Lexical()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append(body)
                if len(outer.requests) == outer.hang_at:
                    outer.hanging.set()
                    outer._released.wait(60)
                    return
                status, headers, data = outer.fault(len(outer.requests), body) or outer._vectors(body)
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def _vectors(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        texts = body["input"]
        self.answered.update(texts)
        data = [
            {"object": "embedding", "index": at, "embedding": vector}
            for at, vector in enumerate(self._lexical.embed(texts).tolist())
        ]
        return 200, {}, json.dumps({"object": "list", "data": data, "model": body["model"]}).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
