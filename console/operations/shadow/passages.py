"""The text of passages that an application said it had retrieved, by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from console.operations.ready import opened
from evals.answer import Retrieved
from store.errors import MachineryError
from store.records.component import Kind, Pin
from store.records.release import Release
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


class PassageTexts:
    """Looks passages up in the opened indexes of releases; each is opened once. Use it as `with`."""

    def __init__(self, workspace: Workspace, snapshot: Snapshot) -> None:
        self._workspace = workspace
        self._snapshot = snapshot
        self._stack = ExitStack()
        self._collections: dict[Pin, Any] = {}

    def __enter__(self) -> PassageTexts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the copies."""
        self._collections.clear()
        self._stack.close()

    def find(self, release: Release, ids: Sequence[str]) -> tuple[Retrieved, ...]:
        """The passages in the order of `ids`, each once; one that the index does not have keeps its id alone.

        Raises MachineryError when the index cannot be opened or asked.
        """
        wanted = list(dict.fromkeys(ids))
        pins = release.pins(Kind.INDEX)
        if not wanted or not pins:
            return tuple(Retrieved(one, one, "", 0.0) for one in wanted)
        found = self._asked(pins[0], wanted)
        return tuple(found.get(one) or Retrieved(one, one, "", 0.0) for one in wanted)

    def _asked(self, pin: Pin, ids: list[str]) -> dict[str, Retrieved]:
        from indexes.rows import source_of

        collection = self._opened(pin)
        try:
            rows = collection.get(ids=ids, include=["documents", "metadatas"])
        except Exception as error:  # Chroma's errors have no common base
            raise MachineryError(f"{pin} could not be asked: {one_line(str(error))}.") from None
        return {
            id: Retrieved(id, source_of(id, metadata or {}), document or "", 0.0)
            for id, document, metadata in zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True)
        }

    def _opened(self, pin: Pin) -> Any:
        from indexes.collection import collection_name, find, opened_client

        if pin not in self._collections:
            path = opened(self._workspace, self._snapshot, pin)
            try:
                client = self._stack.enter_context(opened_client(path))
            except Exception as error:
                raise MachineryError(f"{pin} cannot be opened: {one_line(str(error))}.") from None
            self._collections[pin] = find(client, collection_name(pin.component.name))
        return self._collections[pin]
