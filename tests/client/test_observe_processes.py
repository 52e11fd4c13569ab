"""What is observed by several processes, by forked ones, and by those that end badly."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from making_live import document

from lockgate_client import Client
from store.live import publish

PROGRAMS = Path(__file__).with_name("observing_programs.py")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals, limits and forks of Linux")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    path = tmp_path / "live" / "production.json"
    publish(path, document(7, percent=10))
    return path


def started(name: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAMS), name, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def opened(live: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(live.parents[1] / "state" / "observations.sqlite")
    assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    return connection


def request_ids(live: Path) -> list[str]:
    return [row[0] for row in opened(live).execute("select request_id from observations order by id")]


def none_lost_but_those_counted(live: Path, program: str, each: int) -> int:
    """Four processes; returns how many rows were dropped."""
    dropped = 0
    for process in [started(program, live, name, each) for name in "abcd"]:
        count, _, error = said(process).strip().partition(" ")
        assert error == "None"
        dropped += int(count)
    found = request_ids(live)
    counted = opened(live).execute("select coalesce(sum(count), 0) from drops").fetchone()[0]
    assert counted == dropped
    assert len(found) + dropped == 4 * each
    assert len(set(found)) == len(found)
    assert set(Counter(id[0] for id in found)) == set("abcd")
    return dropped


def test_forty_thousand_observations_of_four_processes(live: Path) -> None:
    assert none_lost_but_those_counted(live, "observe", 10_000) == 0


def test_what_does_not_fit_the_queues_of_four_processes_is_counted(live: Path) -> None:
    assert none_lost_but_those_counted(live, "overflow", 10_000) > 0


@pytest.mark.heavy
def test_a_million_observations_of_four_processes(live: Path) -> None:
    none_lost_but_those_counted(live, "observe", 250_000)


def test_a_killed_process_loses_at_most_what_it_had_not_written(live: Path) -> None:
    for _ in range(4):
        process = started("forever", live)
        assert process.stdout is not None
        written = 0
        for line in process.stdout:
            written = int(line)
            if written >= 2000:
                break
        process.send_signal(signal.SIGKILL)
        rest = process.communicate(timeout=60)[0].split()
        written = max([written, *map(int, rest)])
        found = request_ids(live)
        assert set(map(str, range(written))) <= set(found)
        assert sorted(map(int, found)) == list(range(len(found))), "and what is there has no holes"
    again = Client(live)
    again.observe(again.resolve("u"), request_id="afterwards")
    assert again.close() and request_ids(live)[-1] == "afterwards"


@pytest.mark.parametrize(("program", "code"), [("leave", 0), ("die", 1)])
def test_the_end_of_a_process_writes_what_is_queued(live: Path, program: str, code: int) -> None:
    process = started(program, live)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert request_ids(live) == ["last words"]


def test_the_end_of_a_process_does_not_wait_for_ever(live: Path) -> None:
    said(started("leave", live))
    lock = opened(live)
    lock.execute("begin immediate")
    process = started("leave", live)
    process.communicate(timeout=30)  # two seconds and what it takes to start
    assert process.returncode == 0


def test_a_full_disk_is_counted_and_gets_over(live: Path) -> None:
    trouble, dropped = said(started("fill_the_disk", live)).splitlines()
    assert "observations are not written" in trouble
    found = request_ids(live)
    assert int(dropped) > 0 and len(found) + int(dropped) == 9001
    assert found[-1].startswith("8999/")
    assert opened(live).execute("select sum(count) from drops").fetchone() == (int(dropped),)


def test_forks_lose_and_double_nothing(live: Path) -> None:
    assert said(started("fork_all_the_time", live)).split() == ["True", "0"]
    found = Counter(request_ids(live))
    parents = [f"parent/{one}" for one in range(120)]
    children = [f"child/{one}/{number}" for one in range(5, 60, 10) for number in range(20)]
    assert found == Counter(parents + children)


def test_a_child_does_not_write_through_the_file_that_its_parent_had_open(live: Path) -> None:
    said(started("close_while_a_child_writes", live))
    assert sorted(request_ids(live)) == ["child 1", "child 2", "parent", "parent again"]


def _observe_in_a_worker(live: str, name: str) -> None:
    client = Client(live)
    client.observe(client.resolve("u"), request_id=name)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_of_multiprocessing_writes_before_it_ends(live: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=_observe_in_a_worker, args=(str(live), name)) for name in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert sorted(request_ids(live)) == ["a", "b"]


def test_a_file_that_nobody_observed_into_is_not_made(live: Path) -> None:
    Client(live).resolve("u")
    assert not (live.parents[1] / "state").exists()


def test_who_never_observes_loads_no_sqlite_and_starts_no_thread(live: Path) -> None:
    program = (
        "import sys, threading; from lockgate_client import Client; Client(sys.argv[1]).resolve('u');"
        "print('sqlite3' in sys.modules, threading.active_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(live)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "1"]
