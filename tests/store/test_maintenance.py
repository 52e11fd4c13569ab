"""Packing in the background: readers that are open keep reading, nothing waits for it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from console.operations.init import init
from store.git import maintenance
from store.git.repository import Store
from store.history.newest import newest
from store.history.reading import History
from store.workspace import Workspace
from tests.store.test_commit_path import ANA, AT, land


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return init(tmp_path / "acme")


def gc(store: Store) -> None:
    subprocess.run(["git", "-C", str(store.path), "gc", "-q", "--prune=now"], check=True)


def loose(store: Store) -> int:
    done = subprocess.run(
        ["git", f"--git-dir={store.path}", "count-objects"], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[0])


def test_open_stores_read_on_through_a_repack(workspace: Workspace) -> None:
    store = workspace.store
    commits = [land(store, f"v{number}", f"x = {number}\n".encode()) for number in range(1, 6)]
    before = store.at(commits[0])
    other = Store(store.path)
    other.at()
    gc(store)
    assert loose(store) == 0
    assert before.bytes_at("apps/a/v1.toml") == b"x = 1\n"
    assert store.at(commits[2]).bytes_at("apps/a/v3.toml") == b"x = 3\n"
    assert len(newest(other)) == 6 and other.tip() == commits[-1]
    land(store, "v6")
    gc(store)  # the packs that they have open are replaced
    assert other.at().names("apps/a") == store.at().names("apps/a")
    assert len(store.at().names("apps/a")) == 6
    land(other, "v7")
    assert store.at().bytes_at("apps/a/v7.toml") and before.names("apps/a") == ("v1.toml",)


def test_writers_and_readers_beside_repacking_lose_nothing(workspace: Workspace) -> None:
    store = workspace.store
    stop = threading.Event()
    packed: list[int] = []

    def pack() -> None:
        while not stop.is_set():
            packed.append(subprocess.run(["git", "-C", str(store.path), "gc", "-q"], check=False).returncode)

    thread = threading.Thread(target=pack)
    thread.start()
    try:
        reader = Store(store.path)
        for number in range(1, 41):
            land(store, f"v{number}", f"x = {number}\n".encode())
            assert reader.at().bytes_at(f"apps/a/v{number}.toml") == f"x = {number}\n".encode()
    finally:
        stop.set()
        thread.join()
    history = History(workspace)
    assert packed and history.refresh() == 41
    history.close()
    done = subprocess.run(["git", "-C", str(store.path), "fsck", "--strict"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_much_that_is_loose_is_packed_in_the_background(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = workspace.store
    assert not maintenance.is_due(store.path) and not maintenance.pack_when_due(store.path)
    with store.writing() as writer:
        files = {f"apps/a/v{number}.toml": f"x = {number}\n".encode() for number in range(1, 801)}
        writer.commit(store.tip(), files, "Many\n", ANA, AT)
    assert not maintenance.is_due(store.path)
    monkeypatch.setattr(maintenance, "LOOSE", 256)
    monkeypatch.setitem(maintenance._SETTINGS, "gc.auto", "256")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    canary = workspace.root / "hook-ran"
    hook = store.path / "hooks" / "pre-auto-gc"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    with store.writing():  # whoever holds the lock is not waited for
        started = time.monotonic()
        assert maintenance.is_due(store.path) and maintenance.pack_when_due(store.path)
        assert time.monotonic() - started < 2
        deadline = started + 30
        while loose(store) > 50 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert loose(store) <= 50 and not canary.exists()
    assert not maintenance.is_due(store.path)
    assert maintenance.trouble(store.path) is None
    assert (store.path / "refs/heads/main").read_text().strip() == store.tip()
    assert len(store.at().names("apps/a")) == 800


def test_a_machine_without_git_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "LOOSE", -1)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert maintenance.is_due(workspace.store.path) and not maintenance.pack_when_due(workspace.store.path)
    assert "not on this machine" in str(maintenance.trouble(workspace.store.path))


def test_what_failed_a_moment_ago_is_told_and_not_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "LOOSE", -1)
    log = workspace.store.path / "gc.log"
    log.write_text("fatal: bad object \x1b[2J\n")
    assert not maintenance.is_due(workspace.store.path)
    told = maintenance.trouble(workspace.store.path)
    assert told is not None and "bad object" in told and "\x1b" not in told
    day = 25 * 3600
    os.utime(log, (log.stat().st_atime - day, log.stat().st_mtime - day))
    assert maintenance.is_due(workspace.store.path) and maintenance.trouble(workspace.store.path) is None


def test_a_program_that_does_not_start_is_no_trouble(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(maintenance, "LOOSE", -1)
    monkeypatch.setattr(subprocess, "Popen", refused)
    assert not maintenance.pack_when_due(workspace.store.path)
