"""From the first failing request of a canary to stable for everybody on this machine.

`lockgate watch` as people run it, and three applications as processes of their own; every request of
the canary fails from one moment on. The floor is a kill file that is written by hand in that moment.

`python -m benchmarks taken_back [--json]`
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.controller.tick import tick
from console.operations import promote
from console.operations.apply import apply_again
from lockgate_client import Client
from store.kill_file import KillFile, remove_kill, write_kill
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace
from tests.operations.rollouts import stepped

APPLICATIONS = 3
TURNS = 3
PER_SECOND = 50.0
AIM_S = 10.0
_POLICY = RolloutPolicy(
    steps=(Step(percent=50, hold_minutes=60), Step(percent=100)),
    triggers=Triggers(quality_drop=None, error_rate=0.001, p99_rise=None),
)
_READER = """
import sys, time
from lockgate_client import Client
client = Client(sys.argv[1])
units = [f"user-{number}" for number in range(200)]
last = None
while True:
    stable = all(client.resolve(unit).arm != "canary" for unit in units)
    if stable is not last:
        print(time.monotonic(), int(stable), flush=True)
        last = stable
    time.sleep(0.005)
"""


def run() -> list[dict[str, Any]]:
    """Medians in seconds; all ends read the same monotonic clock."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        workspace = Workspace(stepped(Path(folder), _POLICY).root)
        ours = [_turn(workspace) for _ in range(TURNS)]
        floors = [_floor(workspace) for _ in range(TURNS)]
    floor = statistics.median(floors)
    return [
        {
            "name": "first failing request to stable for everybody, `watch` every 5 s",
            "ours": round(statistics.median(ours), 2),
            "floor": round(floor, 2),
            "unit": "s",
            "peer": "a kill file written by hand",
            "ratio": round(statistics.median(ours) / floor, 1),
            "aim": f"at most {AIM_S:.0f} s",
        }
    ]


def _turn(workspace: Workspace) -> float:
    _begun(workspace)
    with _applications(workspace) as readers, _controller(workspace):
        time.sleep(0.5)
        started = time.monotonic()
        _fail_until_stable(workspace)
        return max(_stable_at(reader) for reader in readers) - started


def _floor(workspace: Workspace) -> float:
    _begun(workspace)
    pointer = workspace.store.at().environment("production")
    assert pointer.rollout is not None
    live = workspace.live("production")
    with _applications(workspace) as readers:
        started = time.monotonic()
        kill = KillFile(
            epoch=pointer.generation + 1,
            attempt=pointer.rollout.attempt,
            reason="by hand",
            at=workspace.clock.now(),
        )
        write_kill(live, kill)
        took = max(_stable_at(reader) for reader in readers) - started
    remove_kill(live)
    return took


def _begun(workspace: Workspace) -> None:
    """A new rollout of r2 in its first step."""
    from console.operations import clear, rollback

    pointer = workspace.store.at().environment("production")
    if pointer.rollout is not None and pointer.rollout.active:
        apply_again(workspace, rollback.plan(workspace, "production"), "bench")
    if workspace.store.at().environment("production").rejected:
        apply_again(workspace, clear.plan(workspace, "r2"), "bench")
    apply_again(workspace, promote.plan(workspace, "r2", "production"), "bench")
    tick(workspace)


def _fail_until_stable(workspace: Workspace) -> None:
    client = Client(workspace.live("production"))
    for number in itertools.count():
        resolution = client.resolve(f"{time.time_ns()}-{number}")
        if client.resolve("user-0").reason.startswith("kill") or _is_over(workspace):
            break
        client.observe(
            resolution,
            request_id=f"{time.time_ns()}",
            unit=f"{number}",
            latency_ms=100.0,
            error=resolution.arm == "canary",
        )
        time.sleep(1 / PER_SECOND)
    client.close()


def _is_over(workspace: Workspace) -> bool:
    rollout = workspace.store.at().environment("production").rollout
    return rollout is None or not rollout.active


@contextmanager
def _applications(workspace: Workspace) -> Iterator[list[subprocess.Popen[str]]]:
    """Readers that have said that the canary is served."""
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", _READER, str(workspace.live("production"))],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(APPLICATIONS)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline().split()[1] == "0", "no canary is served"
        yield readers
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()


@contextmanager
def _controller(workspace: Workspace) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "-C", str(workspace.root), "watch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _stable_at(reader: subprocess.Popen[str]) -> float:
    assert reader.stdout is not None
    seen, stable = reader.stdout.readline().split()
    assert stable == "1"
    return float(seen)
