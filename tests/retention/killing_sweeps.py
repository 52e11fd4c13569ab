"""A process that forks sweepers and kills them with SIGKILL after a given time.

Reads one JSON request a line: {"root", "wall", "boot", "seconds"}, answers {"code", "seconds"}.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import indexes.opened
from console.operations.index.sweep import sweep
from store.boot_clock import BootTime
from store.clock import FixedClock
from store.workspace import Workspace
from tests.retention.keeping_world import opened_without_chroma


def work(request: dict[str, Any]) -> None:
    indexes.opened.ensure_open = opened_without_chroma  # type: ignore[assignment]
    clock = FixedClock(datetime.fromisoformat(request["wall"]))
    boot = BootTime("boot-0", request["boot"])
    done = sweep(Workspace(Path(request["root"]), clock), boot=lambda: boot)
    assert not done.problems and not done.stopped, done


def attempt(request: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            work(request)
            os._exit(0)
        finally:
            os._exit(1)
    watched = os.pidfd_open(child)
    select.select([watched], [], [], request["seconds"])
    signal.pidfd_send_signal(watched, signal.SIGKILL)
    os.close(watched)
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - began}


def main() -> None:
    import numpy  # noqa: F401
    import zstandard  # noqa: F401

    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(attempt(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
