"""Real remotes: bare repositories, a git daemon, and a server that never answers."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from console.operations.init import init
from console.operations.sync.joining import name_remote
from store.clock import FixedClock
from store.records.policy import Policy
from store.workspace import Workspace
from tests.support.workspaces import NOON, OPEN_POLICY


def git(place: Path, *arguments: str) -> str:
    """What `git ARGUMENTS` in the bare repository `place` says."""
    done = subprocess.run(
        ["git", f"--git-dir={place}", *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def hub_at(path: Path) -> Path:
    """An empty bare repository."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    return path


def joined(path: Path, remote: object, policy: Policy = OPEN_POLICY) -> Workspace:
    """A new workspace that is shared through `remote`."""
    return init(path, policy, FixedClock(NOON), remote=str(remote))


def again(workspace: Workspace, remote: object | None = None, seconds: float | None = None) -> Workspace:
    """`workspace` opened anew; with `remote` in its settings, or another time-out."""
    settings = workspace.root / "settings.toml"
    if remote is not None:
        kept = [line for line in settings.read_text().splitlines() if not line.startswith("remote =")]
        settings.write_text("\n".join(kept) + "\n")
        name_remote(settings, str(remote))
    if seconds is not None:
        settings.write_text(f"remote_timeout_s = {seconds}\n" + settings.read_text())
    return Workspace(workspace.root, workspace.clock)


def running_with(text: str) -> bool:
    """Whether a process has `text` in its command line."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    return text in listed.stdout


@contextlib.contextmanager
def away(hub: Path) -> Iterator[None]:
    """While nobody can reach `hub`."""
    elsewhere = hub.with_name(hub.name + ".away")
    hub.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(hub)


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never says anything."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def take() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    kept.append(server.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield f"git://127.0.0.1:{server.getsockname()[1]}/hub.git"
        finally:
            over.set()
            thread.join()
            for one in kept:
                one.close()


def has_daemon() -> bool:
    """Whether `git daemon` is on this machine."""
    if shutil.which("git") is None:
        return False
    where = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(where, "git-daemon").exists()


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[str]:
    """The address of a git daemon on loopback that serves the repositories in `folder`, for pushes too."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    running = subprocess.Popen(
        [
            "git",
            "daemon",
            "--reuseaddr",
            "--export-all",
            "--enable=receive-pack",
            "--listen=127.0.0.1",
            f"--port={port}",
            f"--base-path={folder}",
            str(folder),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port)
        yield f"git://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


def _await(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("git daemon did not begin to listen")
