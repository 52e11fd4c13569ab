"""The half of a client that reports: what became of the requests that it resolved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lockgate_client.document import Document
from lockgate_client.observation import Amendment, Observation, amendment, observation
from lockgate_client.recorder import EXIT_SECONDS, Recorder, Writer
from lockgate_client.serving import Resolution


class Observing:
    """`observe` and `amend`, which never raise and never wait."""

    __slots__ = ("_document", "_recorder", "_wall")

    _document: Document | None
    _recorder: Recorder[Observation | Amendment]
    _wall: Callable[[], float]

    def observe(
        self,
        resolution: Resolution,
        *,
        request_id: str,
        unit: str | None = None,
        latency_ms: float | None = None,
        error: bool = False,
        category: str = "",
        quality: float | None = None,
        harmful: bool | None = None,
        feedback: int | None = None,
        tokens: int | None = None,
        cost: float | None = None,
        at: float | None = None,
    ) -> None:
        """Reports one request that `resolution` served; a repeated `request_id` is ignored.

        `unit` as it was resolved with (a keyed hash of it is written), `latency_ms` 0 or more, `error`
        whether the request failed, `quality` in [0, 1], `harmful` whether something called the answer so,
        `feedback` 1 or -1, `at` in seconds since 1970 (now). None means: not known, perhaps later (`amend`).

        It only queues; a thread writes each second or 100 rows. A value out of bounds drops the
        observation and counts it: see `dropped` and `last_observe_error`.
        """
        document = self._document
        now = self._wall()
        try:
            self._recorder.put(
                observation(
                    document.environment, resolution, now, request_id, unit, latency_ms, error, category,  # type: ignore[union-attr]
                    quality, harmful, feedback, tokens, cost, at,
                )
            )  # fmt: skip
        except Exception as reason:  # a request must not fail because of what it reports
            self._refuse("an observation", reason, now)

    def amend(
        self,
        request_id: str,
        *,
        quality: float | None = None,
        harmful: bool | None = None,
        confirmed: bool | None = None,
        feedback: int | None = None,
        tokens: int | None = None,
        cost: float | None = None,
        at: float | None = None,
    ) -> None:
        """Reports what became known later of a request, by any process, before or after its observation.

        `confirmed` is what a second, independent grader says of an answer that was called harmful. The
        first quality stays, an answer once called harmful stays so, and of the others the last counts.
        """
        now = self._wall()
        try:
            environment, generation = self._known()
            self._recorder.put(
                amendment(
                    environment, generation, now, request_id,
                    quality, harmful, confirmed, feedback, tokens, cost, at,
                )
            )  # fmt: skip
        except Exception as reason:
            self._refuse("an amendment", reason, now)

    @property
    def dropped(self) -> int:
        """Observations and amendments that this process counted and did not write."""
        return self._recorder.dropped

    @property
    def last_observe_error(self) -> str | None:
        """Why observations are not written now, or why the last refused one was; None where neither is."""
        return self._recorder.last_error

    def flush(self, timeout: float = EXIT_SECONDS) -> bool:
        """Writes what is queued now; False where that did not succeed within `timeout` seconds."""
        return self._recorder.flush(timeout)

    def close(self, timeout: float = EXIT_SECONDS) -> bool:
        """`flush`, then ends the thread and closes the file. The end of the process does it by itself.

        The client goes on resolving, and the next observation begins anew.
        """
        return self._recorder.close(timeout)

    def _refuse(self, what: str, reason: Exception, now: float) -> None:
        if self._document is None:
            why = "nothing has been served yet"
        elif isinstance(reason, ValueError):
            why = ascii(str(reason))[1:-1][:200]
        else:
            why = f"a value cannot be used ({type(reason).__name__})"
        environment, generation = self._known()
        self._recorder.refuse(environment, generation, now, f"{what} was dropped: {why}")

    def _known(self) -> tuple[str, int]:
        document = self._document
        return ("", 0) if document is None else (document.environment, document.generation)


def open_observations(path: Path) -> Writer:
    """The writing end of the observations file at `path`."""
    from lockgate_client.intake import Rows  # who never observes does not load sqlite3

    return Rows(path)


def observations_beside(live: Path) -> Path:
    """Where observations go by default: state/ beside the folder of live documents."""
    return live.parent.parent / "state" / "observations.sqlite"
