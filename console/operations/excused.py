"""What a live document names although the server that holds it could not be asked.

Taking something back must not wait for a server, and neither must a document that only says again what it
said: both name collections that were whole when they were named first. All else waits for the server.
"""

from __future__ import annotations

from store.errors import LockgateError
from store.live import IndexPart, LiveDocument
from store.records.component import Pin
from store.records.environment import Environment
from store.snapshot import Snapshot
from store.text import one_line


class Excused:
    """Decides for one environment, and keeps a sentence for each version that is named unseen."""

    def __init__(self, snapshot: Snapshot, environment: Environment, known: LiveDocument | None) -> None:
        self._snapshot, self._environment, self._known = snapshot, environment, known
        self.problems: list[str] = []

    def take(self, pin: Pin, part: IndexPart, error: LockgateError) -> bool:
        """Whether `part` is named all the same: the document names it already, or it served here before."""
        if not (self._is_named(part) or self._has_served(pin)):
            return False
        self.problems.append(
            f"{pin} is served without having been looked at: {one_line(str(error), 400).rstrip('.')}"
        )
        return True

    def _is_named(self, part: IndexPart) -> bool:
        return any(
            (one.server, one.collection, one.content_digest)
            == (part.server, part.collection, part.content_digest)
            for one in (index_parts(self._known) if self._known is not None else ())
        )

    def _has_served(self, pin: Pin) -> bool:
        return any(
            served.until is not None and self._version(served.release, pin) == pin.version
            for served in self._environment.served
        )

    def _version(self, release: str, pin: Pin) -> str | None:
        try:
            return self._snapshot.release(release).version_of(pin.component)
        except LockgateError:  # `lockgate check` names it
            return None


def index_parts(document: LiveDocument) -> tuple[IndexPart, ...]:
    """The index versions of both arms."""
    arms = (document.stable, document.canary)
    parts = (part for arm in arms if arm for part in arm.components.values())
    return tuple(part for part in parts if isinstance(part, IndexPart))
