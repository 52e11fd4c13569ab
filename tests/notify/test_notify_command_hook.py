"""Command hooks: the event on standard input, no shell, no secrets, and an end in time."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from console.notify.command_hook import run
from console.notify.event import body_of, event_of
from console.notify.outcome import Outcome
from store.settings import NotifyTarget
from tests.notify.making_outboxes import record

BODY = body_of(event_of(record()))
ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nowhere",
    "LANG": "C.UTF-8",
    "OPENAI_API_KEY": "sk-0123456789abcdefghijklmn",
    "HOOK_SECRET": "a-signing-secret",
    "LD_PRELOAD": "",
}


def python(script: str, *arguments: str, timeout_s: float = 20) -> NotifyTarget:
    return NotifyTarget(
        name="page",
        kind="command",
        events=("*",),
        argv=(sys.executable, "-c", script, *arguments),
        timeout_s=timeout_s,
    )


def shell(script: str, timeout_s: float = 20) -> NotifyTarget:
    """A shell that somebody asked for: it comes from argv, not from us."""
    argv = ("/bin/sh", "-c", script)
    return NotifyTarget(name="page", kind="command", events=("*",), argv=argv, timeout_s=timeout_s)


def hook(target: NotifyTarget, folder: Path) -> Outcome:
    return run(target, BODY, folder, ENVIRON)


def test_the_event_comes_on_standard_input(tmp_path: Path) -> None:
    script = "import sys; open('got.json', 'w').write(sys.stdin.read())"
    assert hook(python(script), tmp_path) == Outcome("delivered", "ended with 0")
    assert json.loads((tmp_path / "got.json").read_text())["id"] == record().id


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    odd = "$(touch ran) ; `touch ran` > ran"
    assert (
        hook(python("import sys; assert sys.argv[1] == sys.argv[2]", odd, odd), tmp_path).state == "delivered"
    )
    assert not (tmp_path / "ran").exists()


def test_the_environment_holds_no_secret(tmp_path: Path) -> None:
    hook(python("import json, os; json.dump(dict(os.environ), open('env.json', 'w'))"), tmp_path)
    seen = json.loads((tmp_path / "env.json").read_text())
    assert set(seen) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}
    assert "HOME" in seen


def test_what_it_says_when_it_fails_is_short_and_safe(tmp_path: Path) -> None:
    said = "'\\x1b[31mno sk-ant-0123456789abcdefghij ' + 'x' * 3_000_000"
    script = f"import sys; sys.stderr.write({said}); sys.exit(3)"
    outcome = hook(python(script), tmp_path)
    assert (outcome.state, outcome.is_down) == ("failed", False)
    assert "ended with 3" in outcome.text
    assert "\x1b" not in outcome.text and "sk-ant" not in outcome.text
    assert len(outcome.text) < 250


def test_it_is_stopped_in_time_with_what_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    outcome = hook(shell("sleep 60 & echo $! > child; wait", timeout_s=1), tmp_path)
    assert time.monotonic() - began < 10
    assert (outcome.state, outcome.is_down) == ("failed", True)
    assert "sh was stopped after 1 s" in outcome.text
    assert _is_gone(int((tmp_path / "child").read_text()))


def _is_gone(pid: int) -> bool:
    """Killed; whoever adopted it may not have asked after it yet."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_one_that_reads_nothing_and_says_much_is_fine(tmp_path: Path) -> None:
    script = "import sys; sys.stdout.write('x' * 5_000_000); sys.stderr.write('y' * 5_000_000)"
    big = NotifyTarget(name="page", kind="command", events=("*",), argv=(sys.executable, "-c", script))
    assert run(big, BODY * 5000, tmp_path, ENVIRON).state == "delivered"


def test_a_child_that_is_left_behind_holds_nothing_up(tmp_path: Path) -> None:
    began = time.monotonic()
    assert "ended with 1" in hook(shell("sleep 5 & exit 1"), tmp_path).text
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("program", ["/nowhere/at/all", "no-such-program-anywhere", "."])
def test_what_cannot_be_started_says_so(tmp_path: Path, program: str) -> None:
    target = NotifyTarget(name="page", kind="command", events=("*",), argv=(program,))
    outcome = hook(target, tmp_path)
    assert (outcome.state, outcome.is_down) == ("failed", True)
    assert "cannot be started" in outcome.text


def test_ended_by_a_signal(tmp_path: Path) -> None:
    outcome = hook(python("import os; os.kill(os.getpid(), 9)"), tmp_path)
    assert "was ended by signal 9" in outcome.text
