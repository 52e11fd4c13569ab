"""A workspace whose index versions are served from a Chroma server, and an application that asks it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.operations.add import index
from console.operations.apply import apply
from indexes.chroma_server import ChromaServer
from indexes.embedders import get_embedder
from indexes.retriever import Retriever
from lockgate_client import Client
from store.clock import FixedClock
from store.live import IndexPart
from store.records.policy import Policy
from store.settings import Settings
from store.workspace import Workspace
from tests.support.workspaces import NOON, OPEN_POLICY, made


def with_versions(path: Path, count: int, policy: Policy = OPEN_POLICY) -> Path:
    """A workspace with `count` versions that nothing serves yet, to be copied."""
    workspace = made(path / "acme", policy)
    workspace.__dict__["settings"] = Settings(embedder="lexical")
    for number in range(1, count + 1):
        add_version(workspace, path, number)
    return path


def served_from(server: str, template: Path, path: Path) -> Workspace:
    """A copy of what `with_versions` made, whose index versions are served from `server`."""
    shutil.copytree(template, path, dirs_exist_ok=True)
    workspace = Workspace(path / "acme", FixedClock(NOON))
    workspace.__dict__["settings"] = Settings(embedder="lexical", indexes_server=server)
    return workspace


def add_version(workspace: Workspace, scratch: Path, number: int) -> None:
    """`index/handbook@v<number>`: a page more than the one before."""
    folder = scratch / "docs"
    folder.mkdir(exist_ok=True)
    (folder / f"page{number}.md").write_text(f"# Page {number}\n\nRefunds take {number}0 days.\n")
    apply(workspace, index.build(workspace, "handbook", folder, embedder="lexical"), "the next")


@dataclass
class Application:
    """Asks for refunds without a break, with what its client says; opens indexes only while warming."""

    workspace: Workspace
    answers: list[tuple[str, str]] = field(default_factory=list)
    """The version that was served and the page that was found, request by request."""
    troubles: list[str] = field(default_factory=list)

    def __enter__(self) -> Application:
        self._opened: dict[tuple[str, str], Retriever] = {}
        self._over = threading.Event()
        self.client = Client(self.workspace.live("production"), check_seconds=0.01, warm=self._warm)
        self._thread = threading.Thread(target=self._ask_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        for one in self._opened.values():
            one.close()

    def _warm(self, components: Mapping[str, Mapping[str, Any]]) -> None:
        part = components["index/handbook"]
        key = (part["server"], part["collection"])
        if key not in self._opened:
            place = ChromaServer.parse(part["server"])
            opened = Retriever.open(place, part["collection"], get_embedder("lexical"))
            opened.query(["warm"], 1)
            self._opened[key] = opened

    def _ask_on(self) -> None:
        while not self._over.is_set():
            try:
                part = self.client.resolve("user-1").components["index/handbook"]
                retriever = self._opened[part["server"], part["collection"]]
                ((passage,),) = retriever.query(["Page 2: how many days do refunds take? 20 days"], 1)
                self.answers.append((part["version"], passage.source))
            except Exception as error:
                self.troubles.append(repr(error))

    def has_seen(self, version: str, times: int = 3) -> bool:
        """Waits until the last answers were those of `version`."""
        for _ in range(1000):
            if [one for one, _ in self.answers[-times:]] == [version] * times:
                return True
            self._over.wait(0.01)
        return False


def part_of(workspace: Workspace, environment: str = "production", arm: str = "stable") -> IndexPart:
    """What the live document says of the index."""
    from console.operations.reconcile import published_document

    document = published_document(workspace, environment)
    assert document is not None
    part = getattr(document, arm).components["index/handbook"]
    assert isinstance(part, IndexPart)
    return part
