"""Real processes on one hub: racing, and killed where it would hurt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from console.operations import promote
from console.operations.apply import apply_again
from console.operations.check import check
from console.operations.init import init
from console.operations.sync.sync import sync
from store.history.newest import newest
from store.workspace import Workspace
from tests.remote.hubs import again, daemon, git, has_daemon, hub_at, running_with, silent_server
from tests.support.workspaces import OPEN_POLICY, add_basics, add_prompt, stage_all

ROOT = Path(__file__).parents[2]

REMARKER = """
import sys
from pathlib import Path
from console.operations import note
from console.operations.apply import apply
from console.operations.sync.sync import sync
from store.workspace import Workspace
workspace, first = Workspace(Path(sys.argv[1])), sys.argv[2]
for turn in range(int(sys.argv[3])):
    applied = apply(workspace, note.plan(workspace, first, f"{workspace.root.name} {turn}"))
    print(applied.record.id, flush=True)
done = sync(workspace)
assert done.trouble is None, done.trouble
"""

PROMOTER = """
import os, signal, sys
from pathlib import Path
from console.operations import promote
from console.operations.apply import apply
from store.git.repository import Writer
from store.workspace import Workspace
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
Writer._move = killed
workspace = Workspace(Path(sys.argv[1]))
apply(workspace, promote.plan(workspace, "r2", "production"), "because")
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def race(folder: Path, remote: str, hub: Path, turns: int) -> None:
    """Four clones of one hub remark at once; every remark is there once."""
    clones = [init(folder / f"clone{number}", OPEN_POLICY, remote=remote) for number in range(4)]
    first = newest(clones[0].store, 1)[0].id
    running = [started(REMARKER, one.root, first, turns) for one in clones]
    outputs = [process.communicate(timeout=900) for process in running]
    assert [process.returncode for process in running] == [0] * 4, outputs
    acknowledged = [line for out, _ in outputs for line in out.split()]
    assert len(acknowledged) == len(set(acknowledged)) == 4 * turns
    for one in clones:
        sync(one)
    assert len({one.store.tip() for one in clones} | {git(hub, "rev-parse", "main")}) == 1
    counted = Counter(entry.id for entry in newest(clones[0].store, 100_000))
    assert all(counted[id] == 1 for id in acknowledged) and sum(counted.values()) == 4 * turns + 1
    assert git(hub, "rev-list", "--count", "main") == str(4 * turns + 1), "no merge, nothing twice"
    assert git(hub, "fsck", "--strict", "--no-dangling") == ""
    assert check(clones[0].store).count == 0


def test_four_clones_remarking_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    hub = hub_at(tmp_path / "hub.git")
    race(tmp_path, str(hub), hub, 6)


@pytest.mark.heavy
@pytest.mark.skipif(not has_daemon(), reason="git daemon is not on this machine")
def test_four_clones_remarking_thirty_times_over_a_daemon(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    hub = hub_at(tmp_path / "served/hub.git")
    with daemon(tmp_path / "served") as url:
        race(tmp_path, f"{url}/hub.git", hub, 30)


def shared_releases(folder: Path, hub: Path) -> Workspace:
    """r1 serves production and r2 is staged; all of it on the hub."""
    workspace = init(folder, OPEN_POLICY, remote=str(hub))
    add_basics(workspace, folder.parent)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    apply_again(workspace, promote.plan(workspace, "r1", "production"), "first")
    add_prompt(workspace, folder.parent / "p", "Answer kindly.\n")
    stage_all(workspace, "prompt/support")
    return workspace


def test_killed_between_the_push_and_the_move_is_healed_by_the_next_sync(tmp_path: Path) -> None:
    hub = hub_at(tmp_path / "hub.git")
    workspace = shared_releases(tmp_path / "acme", hub)
    tip = workspace.store.tip()
    process = started(PROMOTER, workspace.root)
    output = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, output
    pushed = git(hub, "rev-parse", "main")
    assert workspace.store.tip() == tip and git(hub, "rev-parse", "main~1") == tip
    assert workspace.store.at().environment("production").stable == "r1"
    done = sync(Workspace(workspace.root))
    assert (done.relation, done.pulled, done.pushed) == ("behind", 1, 0)
    assert workspace.store.tip() == pushed
    assert workspace.store.at().environment("production").stable == "r2"
    promotions = [one for one in newest(workspace.store, 100) if one.kind == "promote"]
    assert len(promotions) == 2 and git(workspace.store.path, "fsck", "--strict") == ""
    assert not (workspace.store.path / "lockgate.intent").exists()


def test_a_sync_that_is_stopped_leaves_no_process_and_changes_nothing(tmp_path: Path) -> None:
    """Ctrl+C while a remote is silent."""
    workspace = init(tmp_path / "acme", OPEN_POLICY)
    tip = workspace.store.tip()
    with silent_server() as url:
        again(workspace, url, 60)
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "-C", str(workspace.root), "sync"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 60
        while not running_with(url) and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode != 0 and "Traceback" not in said, said
        assert time.monotonic() < end and not running_with(url)
    assert workspace.store.tip() == tip
