"""Runs what somebody's pattern or schema may make endless where it can be killed.

Python's `re` backtracks without limit and holds the interpreter while it does, so neither a thread
nor a signal handler can stop it. One worker process is kept for all calls and replaced after a kill.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import select
import struct
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from store.errors import InputError, MachineryError
from store.text import one_line

PATTERN_LIMIT = 2_000
"""Characters of one pattern."""
_START_LIMIT_S = 60.0
_SCHEMA_LIMIT_S = 10.0
_WORKER = Path(__file__).with_name("worker.py")


def check_pattern(pattern: str) -> None:
    """Raises InputError with the place and the trouble when `pattern` is no regular expression."""
    if len(pattern) > PATTERN_LIMIT:
        raise InputError(f"the pattern has {len(pattern):,} characters; at most {PATTERN_LIMIT:,} may be.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise InputError(
            f"{one_line(pattern, 80)!r} is not a regular expression: {one_line(str(error), 100)}"
        ) from None


def search(pattern: str, text: str, timeout_s: float = 1.0) -> bool:
    """Whether `pattern` is found in `text`.

    Raises InputError when the pattern does not compile, MachineryError when the search took longer
    than `timeout_s` or its process failed.
    """
    if len(pattern) > PATTERN_LIMIT:
        check_pattern(pattern)
    try:
        answer = _worker.ask({"pattern": pattern, "text": text}, timeout_s)
    except TimeoutError:
        raise MachineryError(
            f"the pattern {one_line(pattern, 80)!r} was stopped after {timeout_s:g} s; "
            "write it without nested repeats."
        ) from None
    if "bad" in answer:
        raise InputError(f"{one_line(pattern, 80)!r} cannot be searched for: {_words(answer['bad'])}.")
    return bool(answer["found"])


def schema_violation(schema: dict[str, Any], value: Any, timeout_s: float = _SCHEMA_LIMIT_S) -> str | None:
    """What in `value` breaks the JSON Schema, as one sentence; None when it holds.

    Raises InputError when the schema cannot be used, MachineryError when it took longer than `timeout_s`.
    """
    try:
        answer = _worker.ask({"schema": schema, "value": value}, timeout_s)
    except TimeoutError:
        raise MachineryError(
            f"checking a JSON schema was stopped after {timeout_s:g} s; simplify its patterns."
        ) from None
    if "bad" in answer:
        raise InputError(f"the JSON schema cannot be used: {_words(answer['bad'])}.")
    return None if answer["violation"] is None else one_line(str(answer["violation"]), 200)


def _words(text: Any) -> str:
    return one_line(str(text), 120).rstrip(".")


class _Worker:
    """The process and its pipes. One question at a time; a question that is late costs the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The answer to `question`. Raises TimeoutError, MachineryError."""
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
                            f"the process that runs patterns failed ({one_line(str(error), 80)}); try again."
                        ) from None
                except BaseException:
                    self.stop()  # or the next question would read this one's late answer
                    raise
        raise MachineryError("the process that runs patterns gave no answer; try again.")

    def stop(self) -> None:
        """Kills the process, if there is one of ours."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        with contextlib.suppress(OSError):
            process.kill()
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
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the console, which then closes our pipe
            )
        except OSError as error:
            raise MachineryError(f"no process can be started for patterns: {one_line(str(error))}.") from None
        self._process, self._owner = process, os.getpid()
        try:
            # Its hello: starting up is not the pattern's time.
            _receive(process, time.monotonic() + _START_LIMIT_S)
        except (TimeoutError, OSError, EOFError, ValueError):
            self.stop()
            raise MachineryError("the process that runs patterns did not start; try again.") from None
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


_worker = _Worker()
atexit.register(_worker.stop)
