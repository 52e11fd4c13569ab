"""The part of a client that keeps sampled requests for those who grade and replay them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from lockgate_client.envelope import Envelope, Input, envelope, sampled_percent, share
from lockgate_client.observing import Observing
from lockgate_client.recorder import EXIT_SECONDS, Recorder, Writer
from lockgate_client.serving import Resolution

QUEUE_LIMIT = 256
"""Envelopes that wait for being written; they are large, so fewer than observations."""


class Capturing(Observing):
    """`capture`, which never raises and never waits."""

    __slots__ = ("_envelopes",)

    _envelopes: Recorder[Envelope]

    def capture(
        self,
        resolution: Resolution,
        *,
        request_id: str,
        input: Input,
        answer: str | None = None,
        retrieved: Iterable[str] | None = None,
        category: str = "",
        unit: str | None = None,
        at: float | None = None,
    ) -> None:
        """Offers one request to be graded and replayed; most are not kept.

        The live document says which percentage is, and the same `request_id` is always among them or
        not. What is kept holds what the user wrote: `input` (a text, the messages of the conversation, or
        the prompt's variables), the `answer` and the ids of the passages that were `retrieved`. `unit` as
        it was resolved with (a keyed hash of it is written), `at` in seconds since 1970 (now).

        It only queues; a thread writes each second. What is out of bounds or too long is dropped and
        counted: see `captures_dropped` and `last_capture_error`.
        """
        document = self._document
        if document is None:
            return
        try:
            percent = sampled_percent(document, resolution.reason)
            if not percent or share(request_id) >= percent:
                return
        except Exception as reason:  # a request must not fail because of what is sampled of it
            self._refuse_envelope(reason)
            return
        try:
            now = self._wall()
            self._envelopes.put(
                envelope(
                    document.environment, resolution, now, request_id, input, answer, retrieved,
                    category, unit, at,
                )
            )  # fmt: skip
        except Exception as reason:
            self._refuse_envelope(reason)

    @property
    def captures_dropped(self) -> int:
        """Sampled requests that this process counted and did not write."""
        return self._envelopes.dropped

    @property
    def last_capture_error(self) -> str | None:
        """Why sampled requests are not written now, or why the last refused one was; else None."""
        return self._envelopes.last_error

    def flush(self, timeout: float = EXIT_SECONDS) -> bool:
        """Writes what is queued now; False where that did not succeed within `timeout` seconds."""
        end = time.monotonic() + timeout
        done = super().flush(timeout)
        return self._envelopes.flush(max(0.0, end - time.monotonic())) and done

    def close(self, timeout: float = EXIT_SECONDS) -> bool:
        """`flush`, then ends the threads and closes the files. The end of the process does it by itself.

        The client goes on resolving, and the next observation begins anew.
        """
        end = time.monotonic() + timeout
        done = super().close(timeout)
        return self._envelopes.close(max(0.0, end - time.monotonic())) and done

    def _refuse_envelope(self, reason: Exception) -> None:
        if isinstance(reason, ValueError):
            why = ascii(str(reason))[1:-1][:200]
        else:
            why = f"a value cannot be used ({type(reason).__name__})"
        environment, generation = self._known()
        self._envelopes.refuse(environment, generation, self._wall(), f"a request was not captured: {why}")


def open_requests(path: Path) -> Writer:
    """The writing end of the file of sampled requests at `path`."""
    from lockgate_client.requests import RequestFile  # who captures nothing does not load sqlite3

    return RequestFile(path)


def requests_beside(live: Path) -> Path:
    """Where sampled requests go by default: state/ beside the folder of live documents."""
    return live.parent.parent / "state" / "requests.sqlite"
