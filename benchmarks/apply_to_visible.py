"""From an acknowledged promotion to another process resolving it, against one file written and renamed."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from console.operations import promote
from console.operations.apply import apply_again
from store.git.durability import write_atomically
from store.workspace import Workspace
from tests.support.workspaces import add_basics, add_prompt, made, stage_all

_READER = """
import sys, time
from lockgate_client import Client
client = Client(sys.argv[1])
last = None
while True:
    release = client.resolve("user-1").release
    if release != last:
        print(time.monotonic(), release, flush=True)
        last = release
    time.sleep(0.001)
"""
_TURNS = 12


def run() -> list[dict[str, Any]]:
    """Median milliseconds; both ends read the same monotonic clock of this machine."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        workspace = _workspace(Path(folder))
        reader = subprocess.Popen(
            [sys.executable, "-c", _READER, str(workspace.live("production"))],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert reader.stdout is not None
            reader.stdout.readline()
            whole, visible = [], []
            for turn in range(_TURNS):
                release = "r1" if turn % 2 else "r2"
                started = time.monotonic()
                apply_again(workspace, promote.plan(workspace, release, "production"), "bench")
                acknowledged = time.monotonic()
                seen, name = reader.stdout.readline().split()
                assert name == release
                whole.append(acknowledged - started)
                visible.append(max(0.0, float(seen) - acknowledged))
        finally:
            reader.kill()
            reader.wait()
        document = workspace.live("production").read_bytes()
        floors = []
        for _ in range(_TURNS):
            started = time.monotonic()
            write_atomically(Path(folder) / "floor.json", document)
            floors.append(time.monotonic() - started)
    floor = statistics.median(floors)
    return [
        _row("acknowledged to resolved by another process", statistics.median(visible), floor, 100.0),
        _row("promote, planned to acknowledged and published", statistics.median(whole), floor, None),
    ]


def _workspace(folder: Path) -> Workspace:
    workspace = Workspace(made(folder / "acme").root)
    add_basics(workspace, folder)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    add_prompt(workspace, folder / "p", "Another prompt.\n")
    stage_all(workspace, "prompt/support")
    apply_again(workspace, promote.plan(workspace, "r1", "production"), "bench")
    return workspace


def _row(name: str, ours: float, floor: float, aim_ms: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours * 1000, 1),
        "floor": round(floor * 1000, 1),
        "unit": "ms",
        "peer": "one file written, synced and renamed",
        "ratio": round(ours / floor, 2),
        "aim": f"≤ {aim_ms:.0f} ms" if aim_ms else None,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
