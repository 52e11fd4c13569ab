"""What reaches a real terminal, a pty and tmux, from commands and the console over texts that try to act."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hostile.payloads import PAYLOADS

_PROGRESS = b"\r\x1b[2K"
"""The program's own: a progress line drawn over."""
_RAW = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\r?\n)|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae\x8b-\x8f]|\xf3\xa0"
)
_FORBIDDEN = (
    *(b"\x1b]52", b"\x1b]8;", b"\x1b]0;", b"\x1b]2;", b"\x1bP", b"\x1bc", b"\x1b[5n", b"\x05", b"\b"),
    *(b"\xc2\x9b", b"\xc2\x9d", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xe2\x80\x8b", b"\xe2\x81\xa0"),
    *(b"\xef\xbb\xbf", b"\xf3\xa0\x81", b"\x7f"),
)
"""What the console itself never sends while it draws; each is in a payload."""


QUIET_S = 0.3


def on_a_pty(words: list[str], keys: tuple[bytes, ...] = (), until: bytes = b"") -> bytes:
    """Everything that `lockgate WORDS` writes to a terminal of 120 x 40; `keys` are pressed, one after the
    other, whenever nothing was drawn for a moment and `until` was seen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.execv(sys.executable, [sys.executable, "-m", "console", *words])
    seen, left, deadline = b"", list(keys), time.monotonic() + 40
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], QUIET_S)[0]:
                if left and until in seen:  # it has drawn what it draws
                    os.write(terminal, left.pop(0))
                continue
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the other end closed
                break
            if not chunk:
                break
            seen += chunk
    finally:
        os.close(terminal)
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return seen


@pytest.mark.parametrize("words", ["history -n 200", "show prompt/support@v4", "status", "list prompt"])
def test_a_command_sends_no_raw_byte(words: str, poisoned: Path) -> None:
    seen = on_a_pty(["-C", str(poisoned), *words.split()]).replace(_PROGRESS, b"")
    assert len(seen) > 200 and not _RAW.search(seen), (_RAW.search(seen), seen[-500:])


def test_the_console_sends_nothing_of_theirs(poisoned: Path) -> None:
    keys = (b"5", b"\r", b"\x1b", b"4", b"1", b"q")
    seen = on_a_pty(["-C", str(poisoned)], keys, until=b"lockgate")
    assert b"\x1b[?1049h" in seen and b"\x1b[?1049l" in seen, "it opened, and gave the terminal back"
    found = [one for one in _FORBIDDEN if one in seen]
    assert not found, found
    assert PAYLOADS["clipboard"].encode() not in seen


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: the clipboard is NOT tested")
def test_the_clipboard_stays_as_it_is(poisoned: Path, tmp_path: Path) -> None:
    """OSC 52 sets tmux's buffer: printed raw it does, by Lockgate it does not."""
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "TMUX")}
    environment |= {"TERM": "xterm-256color", "TMUX_TMPDIR": str(tmp_path)}

    def tmux(*words: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout

    def run_inside(name: str, command: str) -> str:
        done = tmp_path / name
        tmux(
            "new-session",
            "-d",
            "-s",
            name,
            "-x",
            "120",
            "-y",
            "40",
            "sh",
            "-c",
            f"{command}; touch {done}; sleep 30",
        )
        deadline = time.monotonic() + 20
        while not done.exists() and time.monotonic() < deadline:
            time.sleep(0.05)  # another program
        assert done.exists(), name
        time.sleep(0.3)
        return tmux("show-buffer")

    environment_ready = "tmux -f /dev/null set -g set-clipboard on"
    try:
        lockgate = f"{sys.executable} -m console -C {poisoned}"
        shown = f"{environment_ready}; {lockgate} history -n 200; {lockgate} show prompt/support@v4"
        assert run_inside("lockgate", shown) == ""
        assert run_inside("raw", f"{environment_ready}; printf '\\033]52;c;cHduZWQ=\\007'") == "pwned"
    finally:
        tmux("kill-server")
