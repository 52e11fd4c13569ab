"""examples/ask.py answers with what the live document serves."""

from __future__ import annotations

import json
import runpy
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from making_live import NOW, document

from indexes.build import build
from indexes.collection import collection_name
from indexes.embedders import get_embedder
from indexes.opened import ensure_open
from store.live import Arm, IndexPart, ModelPart, publish

ASK = Path(__file__).parents[2] / "examples" / "ask.py"
DOCUMENTS = {
    "switch.md": "# Switching\n\nSwitch an index back with lockgate switch index/handbook@v2.\n",
    "tea.md": "# Tea\n\nGreen tea wants water of eighty degrees.\n",
}


class Model(BaseHTTPRequestHandler):
    """An endpoint that says what it was sent."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = " | ".join(message["content"] for message in sent["messages"])
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": sent["model"],
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Path:
    """A workspace whose production runs r2 for everybody who gives a name, and r1 for the rest."""
    tmp_path = tmp_path_factory.mktemp("ask")
    source = tmp_path / "docs"
    source.mkdir()
    for name, text in DOCUMENTS.items():
        (source / name).write_text(text)
    root = tmp_path / "acme"
    (root / "store.git").mkdir(parents=True)
    embedder = get_embedder("lexical")
    manifest = build(root / "indexes", "handbook", source, embedder=embedder, now=NOW)
    copy = ensure_open(root / "indexes", "handbook", manifest)
    index = IndexPart(
        version="v1",
        digest=manifest.digest,
        content_digest=manifest.digest,
        path=str(copy),
        collection=collection_name("handbook"),
        embedder=manifest.embedder,
        passages=manifest.passages,
    )
    model = ModelPart(
        version="v1", digest=manifest.digest, provider="openai", id="gpt-4o-2024-08-06", base_url=endpoint
    )
    made = document(3, percent=100, system="Words of both.\n\n{{context}}")

    def with_parts(arm: Arm, words: str) -> Arm:
        prompt = arm.components["prompt/support"].model_copy(update={"system": words + "\n\n{{context}}"})
        parts = {"index/handbook": index, "model/chat": model, "prompt/support": prompt}
        return arm.model_copy(update={"components": {**arm.components, **parts}})

    arms = {
        "stable": with_parts(made.stable, "Words of r1."),
        "canary": with_parts(made.canary, "Words of r2."),
    }
    publish(root / "live" / "production.json", made.model_copy(update=arms))
    return root


def ask(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ask.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ASK), run_name="__main__")
    return int(str(ended.value.code))


def test_it_answers_with_the_release_of_the_user(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "How do I switch an index back?"
    assert ask(monkeypatch, str(workspace), question, "--unit", "user-1") == 0
    canary = capsys.readouterr().out
    assert "Words of r2." in canary and "lockgate switch index/handbook@v2" in canary and question in canary
    assert "r2 (" in canary and "canary" in canary and "switch.md" in canary
    assert ask(monkeypatch, str(workspace), question) == 0
    stable = capsys.readouterr().out
    assert "Words of r1." in stable and "stable (no unit)" in stable


def test_the_guardrail_refuses_before_the_model_is_asked(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, str(workspace), "What is the password?") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("No.\n") and "refused by  input deny 1" in shown and "sources     none" in shown


def test_what_cannot_be_served_is_one_sentence(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, str(workspace), "Hello?", "--env", "staging") == 2
    said = capsys.readouterr().err
    assert "staging.json: it is not there" in said and said.count("\n") == 1
