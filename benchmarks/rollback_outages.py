"""Going back while something is down: from the decision until applications see it.

The provider's library, Chroma, the remote and the sealed index files are taken away in turn; every
component alone, and all of them, are rolled back. The floor is the same with nothing down.

`python -m benchmarks rollback_outages [--json]`
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from console.operations import promote, rollback
from console.operations.add import guardrail, index, model
from console.operations.apply import apply_again
from console.operations.index.standby import stand_by
from console.operations.reconcile import published_document
from store.workspace import Workspace
from tests.indexes.making_indexes import sentence
from tests.support.workspaces import add_basics, add_prompt, made, stage_all

AIM_S = 1.0
_TURNS = 8
_WHAT: tuple[tuple[str, ...], ...] = (("prompt",), ("model",), ("guardrail",), ("index",), ())
Outage = Callable[[Path], AbstractContextManager[None]]
"""What takes something away from the workspace in a folder, for as long as the block lasts."""
_SETTINGS = 'embedder = "lexical"\n'


def run() -> list[dict[str, Any]]:
    """The 95th percentile in milliseconds, over all components."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        template = _template(Path(folder))
        took = {name: _percentile(_turns(template, Path(folder), outage)) for name, outage in OUTAGES.items()}
    floor = took.pop("nothing")
    return [
        {
            "name": f"rollback of each component and of all, {name} down: until applications see it, p95",
            "ours": round(ours * 1000, 1),
            "floor": round(floor * 1000, 1),
            "unit": "ms",
            "peer": "nothing down",
            "ratio": round(ours / floor, 2),
            "aim": f"at most {AIM_S * 1000:.0f} ms",
        }
        for name, ours in took.items()
    ]


def _turns(
    template: Path, folder: Path, outage: Callable[[Path], AbstractContextManager[None]]
) -> list[float]:
    took: list[float] = []
    for turn in range(_TURNS):
        for what in _WHAT:
            root = folder / "turn"
            shutil.copytree(template, root, symlinks=True)
            with outage(root):
                took.append(_rolled_back(Workspace(root), what, turn))
            shutil.rmtree(root)
    return took


def _rolled_back(workspace: Workspace, what: tuple[str, ...], turn: int) -> float:
    live, seen = workspace.live("production"), list[float]()
    before = _generation(live)
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.001):
            if _generation(live) > before:
                seen.append(time.monotonic())
                return

    watching = threading.Thread(target=look)
    watching.start()
    began = time.monotonic()
    try:
        apply_again(workspace, rollback.plan(workspace, "production", what), f"turn {turn}")
        watching.join(5)
    finally:
        over.set()
    assert published_document(workspace, "production") is not None
    return seen[0] - began


def _generation(live: Path) -> int:
    return int(json.loads(live.read_bytes())["generation"])


def _percentile(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)]


def _template(folder: Path) -> Path:
    """r1 served production before r2, which differs in every component."""
    workspace = Workspace(made(folder / "acme").root)
    (workspace.root / "settings.toml").write_text(_SETTINGS)
    add_basics(workspace, folder)
    _index(workspace, folder, 1)
    everything = ("prompt/support", "model/chat", "guardrail/default", "index/pages", "app/api")
    stage_all(workspace, *everything)
    apply_again(workspace, promote.plan(workspace, "r1", "production"), "first")
    add_prompt(workspace, folder / "p", "Another prompt.\n")
    apply_again(workspace, model.plan(workspace, "chat", "openai", "gpt-4o-2024-11-20"), "another")
    rules = folder / "others.toml"
    rules.write_text('refusal = "Never."\n[input]\ndeny = ["secret"]\n')
    apply_again(workspace, guardrail.plan(workspace, "default", rules), "others")
    _index(workspace, folder, 2)
    stage_all(workspace, *everything)
    apply_again(workspace, promote.plan(workspace, "r2", "production"), "second")
    stand_by(workspace)  # as `lockgate watch` does
    return workspace.root


def _index(workspace: Workspace, folder: Path, number: int) -> None:
    rows = folder / f"rows{number}.jsonl"
    texts = (sentence(1_000 * number + n) for n in range(200))
    lines = [json.dumps({"id": f"row{n}", "document": text}) for n, text in enumerate(texts)]
    rows.write_text("\n".join(lines) + "\n")
    apply_again(workspace, index.build(workspace, "pages", rows, embedder="lexical"), "pages")


@contextmanager
def _no_module(name: str) -> Iterator[None]:
    kept = {one: module for one, module in sys.modules.items() if one.split(".")[0] == name}
    for one in kept:
        del sys.modules[one]
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        sys.modules.update(kept)


@contextmanager
def _silent_remote(root: Path) -> Iterator[None]:
    """A remote that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        remote = f'remote = "git://127.0.0.1:{port}/store.git"\nremote_timeout_s = 1\n'
        (root / "settings.toml").write_text(_SETTINGS + remote)
        yield


@contextmanager
def _no_sealed_files(root: Path) -> Iterator[None]:
    shutil.rmtree(root / "indexes/pages/sealed")
    yield


OUTAGES: dict[str, Outage] = {
    "nothing": lambda _: nullcontext(),
    "the provider": lambda _: _no_module("openai"),
    "Chroma": lambda _: _no_module("chromadb"),
    "the remote": _silent_remote,
    "the disk of sealed indexes": _no_sealed_files,
}
