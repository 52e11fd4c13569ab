"""Delivering to a command: the event on its standard input, no shell, and no secret in its environment."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from console.notify.outcome import Outcome
from prompts.secrets import redact_secrets
from store.settings import NotifyTarget
from store.text import one_line

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""The variables that a command gets. Keys may be in any other."""
_HEARD = 4096
"""Bytes of its standard error that are kept."""
_LAST_WORDS_S = 0.5


def run(target: NotifyTarget, body: bytes, folder: Path, environ: Mapping[str, str]) -> Outcome:
    """Runs the target's command in `folder`, once. It has to end within the target's seconds."""
    name = one_line(Path(target.argv[0]).name, 60)
    with tempfile.TemporaryFile() as told:  # a file: a command that reads nothing cannot block us
        told.write(body)
        told.seek(0)
        try:
            process = subprocess.Popen(
                target.argv,
                stdin=told,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=folder,
                env={key: environ[key] for key in _PASSED_ON if key in environ},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = one_line(getattr(error, "strerror", None) or str(error), 120)
            return Outcome("failed", f"{name} cannot be started: {why}", is_down=True)
    heard = _Listener(process.stderr)
    try:
        code = process.wait(target.timeout_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        return Outcome("failed", f"{name} was stopped after {target.timeout_s:g} s", is_down=True)
    except BaseException:
        _kill(process)
        raise
    if code == 0:
        return Outcome("delivered", "ended with 0")
    said = one_line(redact_secrets(heard.text()), 160)
    how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    return Outcome("failed", f"{name} {how}" + (f": {said}" if said else ""))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the command with everything that it started and kept in its session's group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Listener:
    """Keeps the beginning of what a command says, and lets the rest pass so that it never blocks."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._heard = bytearray()
        self._thread = threading.Thread(target=self._listen, args=(pipe,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What was said. Not waited for to its end: a child that was left behind may hold the pipe."""
        self._thread.join(_LAST_WORDS_S)
        return bytes(self._heard).decode(errors="replace")

    def _listen(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe, suppress(OSError, ValueError):
            while part := os.read(pipe.fileno(), _HEARD):
                self._heard += part[: _HEARD - len(self._heard)]
