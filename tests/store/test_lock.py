"""Locks: one holder for each file, and waiting that ends."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from store.errors import MachineryError
from store.git.lock import held


def holding(path: Path, until: threading.Event) -> threading.Thread:
    """A thread that holds `path`, and does by the time this returns, until the event."""
    has_it = threading.Event()

    def hold() -> None:
        with held(path):
            has_it.set()
            until.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert has_it.wait(10)
    return thread


def test_one_file_does_not_wait_for_another(tmp_path: Path) -> None:
    """Building the history for minutes must not delay a rollback in the same console."""
    done = threading.Event()
    thread = holding(tmp_path / "history.lock", done)
    try:
        with held(tmp_path / "lockgate.lock", timeout_seconds=5):
            assert thread.is_alive()
    finally:
        done.set()
        thread.join()


def test_a_thread_that_waits_too_long_is_told(tmp_path: Path) -> None:
    done = threading.Event()
    thread = holding(tmp_path / "lockgate.lock", done)
    started = time.monotonic()
    try:
        with (
            pytest.raises(MachineryError, match=r"lockgate\.lock has been held"),
            held(tmp_path / "lockgate.lock", timeout_seconds=0.2),
        ):
            pytest.fail("it was held twice")
    finally:
        done.set()
        thread.join()
    assert time.monotonic() - started < 5
    with held(tmp_path / "lockgate.lock", timeout_seconds=5):
        pass


def test_the_time_in_the_queue_counts(tmp_path: Path) -> None:
    """Waiting for a thread of ours and then for another process is one wait, not two."""
    path = tmp_path / "lockgate.lock"
    code = (
        "import sys; from pathlib import Path; from store.git.lock import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    failed = threading.Event()

    def first() -> None:
        try:
            with held(path, timeout_seconds=0.8):
                pass
        except MachineryError:
            failed.set()

    thread = threading.Thread(target=first)
    thread.start()
    started = time.monotonic()
    try:
        with pytest.raises(MachineryError, match="has been held"), held(path, timeout_seconds=1):
            pytest.fail("it was held twice")
        assert time.monotonic() - started < 1.7
    finally:
        other.communicate()
        thread.join()
    assert failed.is_set()


def test_a_lock_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MachineryError, match="cannot be opened for writing"),
        held(tmp_path / "file" / "x.lock"),
    ):
        pytest.fail("it was held")
