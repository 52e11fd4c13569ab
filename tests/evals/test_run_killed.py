"""A run that is killed with kill -9, again and again, still finishes with every case graded once."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from evals.evaluate import Arm, evaluation_of
from evals.running.following import Course, summary
from evals.running.journal import entries, read_lines
from evals.running.lines import Entry
from tests.evals.killed_run import AT_ONCE, BASELINE, CANDIDATE, RUN, suite, told
from tests.evals.server import FaultServer

ROOT = Path(__file__).parents[2]


def begun(server: FaultServer, folder: Path, cases: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.evals.killed_run", server.url(), str(folder), str(cases)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed_after(process: subprocess.Popen[str], server: FaultServer, more: int) -> None:
    goal, ends = len(server.requests) + more, time.monotonic() + 30
    while len(server.requests) < goal and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.002)
    assert process.poll() is None, "it was to be killed on its way"
    process.kill()
    process.communicate()


def killed_and_finished(folder: Path, cases: int, kills: int) -> None:
    with FaultServer(delay_s=0.01) as server:
        for _ in range(kills):
            killed_after(begun(server, folder, cases), server, cases * 2 // (kills + 2))
        last = begun(server, folder, cases)
        out, _ = last.communicate(timeout=60)
        asked = Counter(str(one.body["messages"]) for one in server.requests)
    assert last.returncode == 0
    with (folder / f"{RUN}.jsonl").open("rb") as file:
        lines = list(read_lines(file))
    answers = [line for line in lines if isinstance(line, Entry)]
    assert len(answers) == len({one.key for one in answers}) == cases * 2  # each graded once
    assert len(asked) == cases * 2
    assert asked.total() <= cases * 2 + kills * AT_ONCE  # what was under way at a kill, and nothing else
    assert max(asked.values()) <= kills + 1
    course = Course(suite(cases), "evals/support", "full", compared=True)
    state = summary(entries(lines), course)
    arms = [Arm(*one, target=None) for one in (CANDIDATE, BASELINE)]  # type: ignore[arg-type]
    assert state.wanted == () and told(evaluation_of(state, course, *arms)) == out.strip()


def test_killed_once(tmp_path: Path) -> None:
    killed_and_finished(tmp_path, cases=40, kills=1)


@pytest.mark.heavy
def test_240_cases_killed_ten_times(tmp_path: Path) -> None:
    killed_and_finished(tmp_path, cases=240, kills=10)
