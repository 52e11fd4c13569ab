"""Starting: what is imported, and the real program in a real terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.operations import note
from console.operations.apply import apply
from console.views.first_paint import recall
from store.history.newest import newest
from store.workspace import Workspace
from tests.console.conftest import Opener

_HEAVY = ("chromadb", "openai", "sqlite_utils", "httpx2", "numpy", "onnxruntime", "jsonschema", "click")
_LATER = ("pydantic", "pygit2", "textual_plot", "console.operations.plan")
"""What is loaded behind the first paint."""


def test_nothing_heavy_is_imported_on_the_way_to_the_first_paint() -> None:
    code = f"import sys, console.app; print([m for m in {_LATER + _HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: the real terminal is NOT tested"
)
def test_in_a_real_terminal(workspace: Workspace, tmp_path: Path) -> None:
    """Opens, shows the overview, follows a key, and gives the terminal back."""

    def tmux(*words: str) -> str:
        done = subprocess.run(
            ["tmux", *words],
            env={**os.environ, "TMUX_TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout

    def wait_for(text: str) -> str:
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            shown = tmux("capture-pane", "-p", "-t", "it")
            if text in shown:
                return shown
            time.sleep(0.1)  # another program's screen: there is nothing to wait on
        raise AssertionError(f"{text!r} never showed:\n{tmux('capture-pane', '-p', '-t', 'it')}")

    command = f"{sys.executable} -m console -C {workspace.root}; echo the console ended; read x"
    subprocess.run(
        [
            "tmux",
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            "it",
            "-x",
            "80",
            "-y",
            "24",
            "sh",
            "-c",
            command,
        ],
        # COLUMNS and LINES, which a runner of tests may set, would outrank the terminal's own size.
        env={key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        | {"TERM": "xterm-256color", "TMUX_TMPDIR": str(tmp_path)},
        check=True,
        timeout=20,
    )
    try:
        assert "model/chat" in wait_for("Needs you")
        tmux("send-keys", "-t", "it", "5")
        assert "Added prompt support v3" in wait_for("23 operations")
        tmux("send-keys", "-t", "it", "?")
        wait_for("Everywhere")
        tmux("send-keys", "-t", "it", "Escape")
        wait_for("/ filter")
        tmux("resize-window", "-t", "it", "-x", "140", "-y", "40")
        wait_for("│ + add")
        tmux("send-keys", "-t", "it", "q")
        wait_for("the console ended")
        assert tmux("display-message", "-p", "-t", "it", "#{alternate_on}").strip() == "0"
    finally:
        tmux("kill-server")


async def test_the_next_start_draws_before_the_store_is_read(
    console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console() as it:
        before = it.text
    monkeypatch.setattr("console.app.LockgateApp.look_again", lambda _: None)
    monkeypatch.setattr("console.app.LockgateApp._poll", lambda _: None)
    async with console() as it:
        remembered = it.text
        await it.press("r")
        assert "The store is still being read." in it.text
    assert "reading…" in remembered
    assert remembered.splitlines()[3:-2] == before.splitlines()[3:-2]


async def test_nothing_is_remembered_of_a_store_that_moved(workspace: Workspace, console: Opener) -> None:
    async with console():
        pass
    assert recall(workspace.root) is not None
    record = newest(workspace.store, 1)[0].id
    apply(workspace, note.plan(workspace, record, "moved"))
    assert recall(workspace.root) is None


@pytest.mark.parametrize(
    "data",
    (b"", b"{", b"[]", b'{"version": 1}', b"\xff\xfe", b'{"version": 1, "commit": null, "overview": 3}'),
)
def test_a_broken_memory_is_no_memory(workspace: Workspace, data: bytes) -> None:
    (workspace.state / "overview.json").write_bytes(data)
    assert recall(workspace.root) is None
