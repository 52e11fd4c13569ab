"""Controllers as real processes: racing each other and a person, and killed in the middle of a rollback."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.operations import promote
from console.operations.apply import apply
from lockgate_client import Client
from store.history.newest import newest
from store.kill_file import read_kill
from store.records.operation import Operation
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace
from tests.operations.rollouts import stepped, traffic

ROOT = Path(__file__).parents[2]
STEPS = 20
MANY = RolloutPolicy(
    steps=tuple(Step(percent=5 * number) for number in range(1, STEPS + 1)),
    triggers=Triggers(quality_drop=None, error_rate=None, p99_rise=None, harmful=False, bad_feedback=False),
)

CONTROLLER = """
import sys
from pathlib import Path
from console.controller.tick import tick
from console.operations.rollout.observing import Sight
from store.rules.rollout import Observed
from store.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
def ready(*_):
    return Sight(Observed(outcome="pass"))
while workspace.store.at().environment("production").rollout.active:
    for record in tick(workspace, look=ready).records:
        print(record.id, flush=True)
"""

PERSON = """
import sys
from pathlib import Path
from console.operations.apply import apply
from console.operations.rollout import verbs
from store.errors import LockgateError
from store.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
for turn in range(10):
    for verb in (verbs.pause, verbs.resume):
        try:
            print(apply(workspace, verb(workspace, "production"), "a look").record.id, flush=True)
        except LockgateError:
            pass  # a controller was faster, or the rollout is over
"""


def started(script: str, workspace: Workspace) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(workspace.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def records(workspace: Workspace) -> list[Operation]:
    snapshot = workspace.store.at()
    found = [snapshot.operation(entry.id) for entry in newest(workspace.store, 1000)]
    return [one for one in found if one is not None]


def test_four_controllers_and_a_person_make_exactly_one_record_for_each_transition(tmp_path: Path) -> None:
    workspace = Workspace(stepped(tmp_path, MANY).root)  # the machine's own clock, as the processes use
    acknowledged: list[str] = []
    for release in ("r2", "r1"):
        apply(workspace, promote.plan(workspace, release, "production"), "on")
        running = [started(CONTROLLER, workspace) for _ in range(4)] + [started(PERSON, workspace)]
        outputs = [process.communicate(timeout=300)[0] for process in running]
        assert [process.returncode for process in running] == [0] * 5
        acknowledged += [line for out in outputs for line in out.splitlines()]
    moves = [one for one in records(workspace) if one.rollout is not None and one.kind != "promote"]
    assert Counter(acknowledged) == Counter(one.id for one in moves)
    advances = [one.rollout for one in moves if one.kind == "advance"]
    assert len(advances) == 2 * STEPS
    for attempt in {one.attempt for one in advances if one}:
        steps = [one.step for one in reversed(advances) if one and one.attempt == attempt]
        assert steps == list(range(STEPS))
    generations = [one.rollout.generation for one in moves if one.rollout]
    assert len(set(generations)) == len(generations)


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from console.controller.tick import tick
from console.operations import apply as applying
from store.clock import FixedClock
from store.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]), FixedClock(datetime.fromisoformat(sys.argv[2])))
def die(name):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "committed, not published":
    applying.reconcile = lambda *_, **__: die(sys.argv[3])
tick(workspace, point=die)
"""


@pytest.mark.parametrize("point", ["decided", "killed", "committed, not published", "committed"])
def test_a_controller_killed_in_a_rollback_leaves_users_safe_and_one_record(
    tmp_path: Path, point: str
) -> None:
    workspace = stepped(tmp_path)
    apply(workspace, promote.plan(workspace, "r2", "production"), "kinder")
    look(workspace)
    traffic(workspace, 10, canary_errors=5, scored=False)
    client = Client(
        workspace.live("production"), check_seconds=0, wall=lambda: workspace.clock.now().timestamp()
    )
    assert {client.resolve(f"u{n}").arm for n in range(50)} == {"canary", "stable"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(workspace.root), workspace.clock.now().isoformat(), point],
        cwd=ROOT,
        timeout=120,
    )
    assert killed.returncode == -9
    if point != "decided":  # from the kill file on nobody meets the canary any more
        assert {client.resolve(f"u{n}").release for n in range(50)} == {"r1"}
    look(workspace)
    look(workspace)
    assert {client.resolve(f"u{n}").release for n in range(50)} == {"r1"}
    rolled = [one for one in records(workspace) if one.kind == "rollback"]
    assert len(rolled) == 1 and rolled[0].rollout is not None
    assert [one.metric for one in rolled[0].rollout.findings if one.outcome == "block"] == ["error_rate"]
    assert read_kill(workspace.live("production")) is None
    assert client.last_error is None
