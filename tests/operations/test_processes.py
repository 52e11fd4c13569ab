"""Real processes: racing, and killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from console.operations.reconcile import reconcile
from store.history.newest import newest
from store.workspace import Workspace
from tests.support.workspaces import add_basics, add_prompt, made, promote_to, stage_all

ROOT = Path(__file__).parents[2]

PROMOTER = """
import sys
from pathlib import Path
from console.operations import promote
from console.operations.apply import apply_again
from store.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
releases = sys.argv[2].split(",")
for turn in range(int(sys.argv[3])):
    release = releases[turn % len(releases)]
    applied = apply_again(workspace, promote.plan(workspace, release, "production"), f"turn {turn}")
    print(applied.record.id, applied.commit, flush=True)
"""


def promoter(workspace: Workspace, releases: str, turns: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROMOTER, str(workspace.root), releases, str(turns)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def with_releases(path: Path, scratch: Path, count: int) -> Workspace:
    workspace = made(path)
    workspace = Workspace(workspace.root)  # the machine's own clock, as the processes use
    add_basics(workspace, scratch)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    for number in range(2, count + 1):
        add_prompt(workspace, scratch / "p", f"Answer number {number}.\n")
        stage_all(workspace, "prompt/support")
    return workspace


@contextmanager
def stopping(processes: Sequence[subprocess.Popen[str]], seed: int) -> Iterator[None]:
    """Stops one of them now and then, wherever it is, and lets it go on a moment later."""
    chance, over = random.Random(seed), threading.Event()

    def nemesis() -> None:
        while not over.wait(chance.uniform(0.01, 0.3)):
            victim = chance.choice(processes)
            if victim.poll() is None:
                victim.send_signal(signal.SIGSTOP)
                over.wait(chance.uniform(0.01, 0.4))
                victim.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=nemesis)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def race(workspace: Workspace, turns: int) -> None:
    running = [promoter(workspace, f"r{2 * n + 1},r{2 * n + 2}", turns) for n in range(4)]
    with stopping(running, turns):
        outputs = [process.communicate(timeout=1_200) for process in running]
    assert [process.returncode for process in running] == [0] * 4, outputs
    acknowledged = [line.split() for out, _ in outputs for line in out.splitlines()]
    assert len(acknowledged) == 4 * turns
    entries = newest(workspace.store, 10_000)
    ids = [entry.id for entry in entries]
    commits = [entry.commit for entry in entries]
    for record, commit in acknowledged:
        assert ids.count(record) == 1 and commits.count(commit) == 1
    promotions = [entry for entry in entries if entry.kind == "promote"]
    assert len(promotions) == 4 * turns
    for newer, older in pairwise(promotions):
        assert newer.before == older.after, "each promotion starts from what the one before it left"
    pointer = workspace.store.at().environment("production")
    assert pointer.stable == promotions[0].after and pointer.generation == 4 * turns


def test_four_processes_promoting_lose_nothing(tmp_path: Path) -> None:
    race(with_releases(tmp_path / "acme", tmp_path, 8), 10)


@pytest.mark.heavy
def test_a_thousand_promotions_by_four_processes_are_all_there_once(tmp_path: Path) -> None:
    race(with_releases(tmp_path / "acme", tmp_path, 8), 250)


def kill_at_random(workspace: Workspace, kills: int, seed: int) -> None:
    """kill -9 in the middle of promotions, again and again; then every promise is looked at."""
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for _ in range(kills):
        process = promoter(workspace, "r1,r2", 1000)
        assert process.stdout is not None
        first = process.stdout.readline()  # it runs
        time.sleep(chance.uniform(0, 0.06))
        os.kill(process.pid, signal.SIGKILL)
        rest = process.communicate()[0]
        lines = [line.split() for line in (first + rest).splitlines()]
        acknowledged += [line[0] for line in lines if len(line) == 2 and len(line[1]) == 40]
    current = workspace.store.at().environment("production").stable
    promote_to(workspace, "r1" if current == "r2" else "r2")
    ids = [entry.id for entry in newest(workspace.store, 100_000)]
    assert acknowledged and all(ids.count(id) == 1 for id in acknowledged)
    done = subprocess.run(
        ["git", "-C", str(workspace.store.path), "fsck", "--strict"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert reconcile(workspace).problems == ()
    assert not list(workspace.live("production").parent.glob("*.tmp"))


@pytest.mark.heavy
def test_killed_promotions_lose_nothing_and_leave_nothing_stuck(tmp_path: Path) -> None:
    kill_at_random(with_releases(tmp_path / "acme", tmp_path, 2), 8, seed=1)


@pytest.mark.heavy
def test_two_hundred_killed_promotions_lose_nothing(tmp_path: Path) -> None:
    kill_at_random(with_releases(tmp_path / "acme", tmp_path, 2), 200, seed=2)
