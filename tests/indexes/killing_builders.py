"""A process that has Chroma imported, forks builders, and kills them with SIGKILL after a given time.

Reads one JSON request a line: {"home", "source", "open", "seconds"}; answers {"finished", "seconds"}.
`open` also opens a probed copy. Importing Chroma takes longer than a small build: forking puts the
moment of death into the work instead.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from making_indexes import NAME, build_here

from indexes.opened import open_copy


def work(request: dict[str, Any]) -> None:
    home = Path(request["home"])
    manifest = build_here(home, Path(request["source"]))
    if request["open"]:
        open_copy(home, NAME, manifest)


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
    code = os.waitstatus_to_exitcode(status)
    return {"finished": code == 0, "code": code, "seconds": time.monotonic() - began}


def main() -> None:
    import chromadb  # noqa: F401
    import numpy  # noqa: F401
    import zstandard  # noqa: F401

    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(attempt(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
