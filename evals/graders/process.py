"""A process that answers one question at a time over its pipes, and is killed when it is late."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from store.errors import MachineryError
from store.text import one_line

_START_LIMIT_S = 60.0
_ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of one answer."""


class WorkerProcess:
    """Keeps `python -I script` running. One question at a time; a question that is late costs the process."""

    def __init__(self, script: Path, what: str) -> None:
        """`what` says in error messages which process it is: "the process that runs patterns"."""
        self._script = script
        self._what = what
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The answer to `question`. May block. Raises TimeoutError, MachineryError."""
        data = json.dumps(question).encode()
        with self._lock:
            for last_try in (False, True):
                process = self._running()
                try:
                    return self._exchange(process, data, timeout_s)
                except (BrokenPipeError, EOFError, ValueError) as error:
                    self.stop()
                    if last_try:
                        raise MachineryError(
                            f"{self._what} failed ({one_line(str(error), 80)}); try again."
                        ) from None
                except BaseException:
                    self.stop()  # or the next question would read this one's late answer
                    raise
        raise MachineryError(f"{self._what} gave no answer; try again.")

    def stop(self) -> None:
        """Kills the process and all that it started, if there is one of ours."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        if process.poll() is None:  # afterwards its number may be somebody else's
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        self.stop()
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", str(self._script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the console, which then closes our pipe
            )
        except OSError as error:
            raise MachineryError(f"{self._what} cannot be started: {one_line(str(error))}.") from None
        self._process, self._owner = process, os.getpid()
        try:
            # Its hello: starting up is not the question's time.
            _receive(process, time.monotonic() + _START_LIMIT_S)
        except (TimeoutError, OSError, EOFError, ValueError):
            self.stop()
            raise MachineryError(f"{self._what} did not start; try again.") from None
        return process

    def _exchange(self, process: subprocess.Popen[bytes], data: bytes, timeout_s: float) -> dict[str, Any]:
        assert process.stdin is not None
        message = memoryview(struct.pack(">I", len(data)) + data)
        while message:
            message = message[process.stdin.write(message) or 0 :]
        return _receive(process, time.monotonic() + timeout_s)


def _receive(process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    (length,) = struct.unpack(">I", _read(pipe, 4, deadline))
    if length > _ANSWER_LIMIT:
        raise ValueError("its answer is too long")
    answer = json.loads(_read(pipe, length, deadline))
    if not isinstance(answer, dict):
        raise ValueError("not an answer")
    return answer


def _read(pipe: int, count: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise TimeoutError
        part = os.read(pipe, count - len(parts))
        if not part:
            raise EOFError("it ended")
        parts += part
    return bytes(parts)
