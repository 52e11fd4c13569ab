"""A process that has everything imported and forks: one child acts while something goes wrong, one looks.

Reads one JSON request a line and answers each with one line:
{"prepare": NAME, "folder"} -> {"known": [...]}
{"act": NAME, "folder", "mode", "point", "log"?} -> {"code", "ack", "said", "calls", "error"}
{"look": NAME, "folder", "acks", "known", "cut"} -> {"wrong": [...]}
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store.errors import LockgateError
from tests.faults.index_scenarios import INDEX_SCENARIOS
from tests.faults.invariants import records, violations
from tests.faults.scenarios import SCENARIOS, SHOP, opened
from tests.faults.shim import arm, disarm, mark

_PATIENCE_SECONDS = 60
ALL = SCENARIOS | INDEX_SCENARIOS


def act(request: dict[str, Any], tell: Callable[[str], None]) -> int:
    """What an unlucky process does. 0: it was done; 1: refused in one sentence; 2: a traceback."""
    folder = Path(request["folder"])
    workspace = opened(folder)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND) if "log" in request else -1

    def ack(record: str) -> None:
        mark(record)
        tell(f"ack {record}")

    os.chdir(folder)
    arm(folder / SHOP, request["mode"], request["point"], log)
    code = 0
    try:
        scenario = ALL[request["act"]]
        with scenario.around():
            scenario.act(workspace, ack)
    except LockgateError as error:
        if "\n" in error.message:
            tell(f"error of several lines: {error.message!r}")
        tell(f"said {error.message}")
        code = 1
    except BaseException:
        tell("error " + traceback.format_exc().replace("\n", " | ")[-1_500:])
        code = 2
    tell(f"calls {disarm()}")
    return code


def look(request: dict[str, Any], tell: Callable[[str], None]) -> int:
    """Everything that is wrong."""
    try:
        scenario = ALL[request["look"]]
        with scenario.around():
            folder, cut = Path(request["folder"]), request["cut"]
            for one in violations(scenario, folder, request["acks"], request["known"], cut=cut):
                tell("wrong " + one.replace("\n", " "))
    except BaseException:
        tell("wrong " + traceback.format_exc().replace("\n", " | ")[-1_500:])
    return 0


def prepare(request: dict[str, Any], tell: Callable[[str], None]) -> int:
    """The workspace as it is before."""
    folder = Path(request["folder"])
    ALL[request["prepare"]].prepare(folder)
    for record in records(opened(folder)) if (folder / SHOP).exists() else ():
        tell(f"known {record}")
    return 0


WORK = {"act": act, "look": look, "prepare": prepare}


def forked(work: Callable[[dict[str, Any], Callable[[str], None]], int], request: dict[str, Any]) -> Any:
    """Runs `work` in a process group of its own, which is gone afterwards."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reading)
        signal.alarm(_PATIENCE_SECONDS)  # hanging is no answer either
        there = set(sys.modules)
        code = work(request, lambda text: _send(writing, text))
        _send(writing, "imported " + " ".join(sorted(set(sys.modules) - there)))
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        lines = pipe.read().decode(errors="replace").splitlines()
    told: dict[str, Any] = {"code": os.waitstatus_to_exitcode(status)}
    for word in ("ack", "wrong", "error", "said", "calls", "known", "imported"):
        told[word] = [line[len(word) + 1 :] for line in lines if line.startswith(f"{word} ")]
    for name in " ".join(told.pop("imported")).split():  # the next child finds it imported
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    return told


def _send(handle: int, text: str) -> None:
    os.write(handle, text.encode() + b"\n")


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        work = next(work for name, work in WORK.items() if name in request)
        print(json.dumps(forked(work, request)), flush=True)


if __name__ == "__main__":
    tempfile.tempdir = os.environ["FAULTS_TMP"]  # what git and Chroma put there is not the workspace's
    main()
