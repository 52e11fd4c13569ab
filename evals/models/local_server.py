"""Serves one GGUF file on a loopback port, as a process of its own.

`python local_server.py --model PATH --alias NAME --threads N --parallel M` prints
its address on standard output and ends when standard input closes or its parent is gone, so
that no server outlives the program that started it.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

CONTEXT_PER_SLOT = 2048
"""Tokens that one request may use, prompt and answer together."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until the parent is gone. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="local_server")
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--parallel", type=int, required=True)
    options = parser.parse_args(arguments)
    parent = os.getppid()
    server = _start(options.model, options.alias, options.threads, options.parallel)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    _wait_for_the_end(parent)
    sys.stdout.flush()
    # The engine's threads are not joined: nothing it holds outlives the process.
    os._exit(0)


def _start(model: str, alias: str, threads: int, parallel: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = parallel
    params.n_ctx = CONTEXT_PER_SLOT * parallel
    # One thread fewer than cores: measured, on a busy machine a spinning barrier over all cores
    # makes two threads seven times slower than one.
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # Its default may grow to 8 GiB.
    params.cache_ram_mib = 0
    params.ui = False
    params.cors_origins = ""
    params.endpoint_slots = False
    params.verbosity = 0
    return xllamacpp.Server(params)


def _wait_for_the_end(parent: int) -> None:
    closed = threading.Event()

    def read() -> None:
        while sys.stdin.buffer.read(1):
            pass
        closed.set()

    threading.Thread(target=read, daemon=True).start()
    while not closed.wait(1.0):
        if os.getppid() != parent:
            return


if __name__ == "__main__":
    sys.exit(main())
