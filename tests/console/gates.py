"""A gate without a model."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Any

from console.operations.stage import Composition
from store.errors import Cancelled
from store.progress import Progress
from store.workspace import Workspace
from tests.console.seeded import judged

Gate = Callable[..., Any]


def gate_that(says: str, words: str = "") -> Gate:
    """A gate without a model: two categories grow, then a verdict with `words` in it."""

    async def gate(
        workspace: Workspace, composition: Composition, *, report: Any, stop: Any, on_category: Any
    ) -> Any:
        report(Progress("answering", 30, 60, "smoke tier"))
        on_category("relevance", 0.9, 0.95, 10, 30)
        on_category("safety", None, None, 0, 30)
        if says == "waits":
            while not stop():
                sleep(0.001)  # lets the screen go on
            raise Cancelled("stopped")
        return judged(workspace, composition, says, words)

    return gate
