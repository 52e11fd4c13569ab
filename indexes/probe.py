"""Opens a copy and asks the golden queries, in a process of its own: damaged files can crash Chroma.

`python -m indexes.probe` imports Chroma at once, reads one JSON request `{path, collection, digest,
passages, probes}` from standard input and answers with one JSON line `{ok, error?, result?}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from indexes import probes as golden
from indexes.collection import digest_in, find, opened_client
from indexes.disk import VERIFYING
from indexes.probes import AGREEMENT, Probe, ProbeAnswer, ProbeResult
from store.errors import LockgateError, MachineryError
from store.progress import Stop, check, never
from store.text import one_line

_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.05
"""How often it is looked whether to stop."""


class Prober:
    """A process that will probe one copy. Starting it early lets it import Chroma while the copy is made."""

    def __init__(self) -> None:
        environment = {**os.environ, "ANONYMIZED_TELEMETRY": "False"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "indexes.probe"],  # -P: the workspace has a folder `indexes` too
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )

    def __enter__(self) -> Prober:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def probe(
        self,
        path: Path,
        collection: str,
        digest: str,
        passages: int,
        probes: Sequence[Probe],
        stop: Stop = never,
    ) -> ProbeResult:
        """What the copy at `path` answered.

        Raises MachineryError when it crashes or answers wrongly, Cancelled when `stop` says so.
        """
        request = {
            "path": str(path),
            "collection": collection,
            "digest": digest,
            "passages": passages,
            "probes": [probe.model_dump(mode="json") for probe in probes],
        }
        out, trouble = self._answered(path, json.dumps(request).encode(), stop)
        answer = _last_json(out)
        if answer is None:
            last = one_line(trouble.decode(errors="replace").strip().rsplit("\n", 1)[-1])
            how = f"exit {self._process.returncode}" + (f": {last}" if last else "")
            raise MachineryError(f"{path} crashed Chroma ({how}); it is not used. Verify the sealed files.")
        if not answer["ok"]:
            raise MachineryError(f"{path} failed its probes: {answer['error']}; it is not used.")
        result = answer["result"]
        answers = tuple(ProbeAnswer(**one) for one in result.pop("answers"))
        return ProbeResult(**result, answers=answers)

    def _answered(self, path: Path, request: bytes, stop: Stop) -> tuple[bytes, bytes]:
        """Both outputs of the process once it ended; it is killed when it is left early."""
        self._send(request)
        deadline = monotonic() + _PATIENCE_SECONDS
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.communicate(timeout=_LOOK_SECONDS)
            check(stop, VERIFYING)
            if monotonic() > deadline:
                waited = f"{_PATIENCE_SECONDS:.0f} s"
                raise MachineryError(f"{path} did not answer within {waited}; it is not used.")

    def _send(self, request: bytes) -> None:
        """Sends it from a thread: `communicate` that timed out forgets what the pipe, which holds 64 KiB, did
        not take yet, and the process then waits for it for ever."""
        pipe, self._process.stdin = self._process.stdin, None
        assert pipe is not None

        def send() -> None:
            with contextlib.suppress(OSError), pipe:  # the process may be gone
                pipe.write(request)

        threading.Thread(target=send, daemon=True).start()


def _last_json(out: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(out.strip().rsplit(b"\n", 1)[-1])
    except ValueError:
        return None
    return value if isinstance(value, dict) and "ok" in value else None


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    with opened_client(Path(request["path"])) as client:
        collection = find(client, request["collection"])
        if digest_in(collection) != request["digest"]:
            return {"ok": False, "error": "the collection was made for another digest"}
        if (count := collection.count()) != request["passages"]:
            return {"ok": False, "error": f"{count:,} rows are there, {request['passages']:,} were sealed"}
        result = golden.ask(collection, [Probe.model_validate_json(json.dumps(p)) for p in request["probes"]])
    if min(result.top1, result.overlap) < AGREEMENT:
        share = f"{result.top1:.0%} nearest rows right, {result.overlap:.0%} of the expected rows found"
        return {"ok": False, "error": share}
    return {"ok": True, "result": asdict(result)}


def main() -> None:
    """The process's whole life: import, one request, one answer."""
    import chromadb  # noqa: F401  (the slow part, done while the copy is still being made)
    import numpy  # noqa: F401

    request = json.loads(sys.stdin.buffer.read() or b"{}")
    if not request:
        return
    try:
        answer = _answer(request)
    except LockgateError as error:
        answer = {"ok": False, "error": error.message}
    except Exception as error:
        answer = {"ok": False, "error": one_line(str(error)) or type(error).__name__}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
