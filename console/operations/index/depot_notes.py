"""state/depot.json: what is known to be in the depot, so that nobody has to ask it each time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from pydantic import Field

from store.bounded import parse_json, validate
from store.canonical import canonical_json
from store.errors import LockgateError
from store.git.durability import write_atomically
from store.records.base import Digest, Strict
from store.workspace import Workspace

_FILE = "depot.json"


class Ledger(Strict):
    """The file."""

    format: Literal["lockgate.depot/1"] = "lockgate.depot/1"
    url: str
    sealed: frozenset[Digest] = Field(default=frozenset(), max_length=100_000)
    archives: frozenset[Digest] = Field(default=frozenset(), max_length=100_000)


class Notes:
    """The ledger, written after each addition. One that cannot be read is begun anew: it saves questions."""

    def __init__(self, workspace: Workspace, url: str, *, again: bool = False) -> None:
        self._path = workspace.state / _FILE
        self._ledger = Ledger(url=url)
        if not again:
            with suppress(OSError, LockgateError):
                found = validate(Ledger, parse_json(self._path.read_bytes(), _FILE), _FILE)
                self._ledger = found if found.url == url else self._ledger

    @property
    def sealed(self) -> frozenset[Digest]:
        return self._ledger.sealed

    @property
    def archives(self) -> frozenset[Digest]:
        return self._ledger.archives

    def add_sealed(self, digest: Digest) -> None:
        self._write(self._ledger.model_copy(update={"sealed": self.sealed | {digest}}))

    def add_archive(self, digest: Digest) -> None:
        self._write(self._ledger.model_copy(update={"archives": self.archives | {digest}}))

    def forget(self, digests: Iterable[Digest]) -> None:
        """After they were removed there."""
        gone = frozenset(digests)
        sealed, archives = self.sealed - gone, self.archives - gone
        self._write(self._ledger.model_copy(update={"sealed": sealed, "archives": archives}))

    def _write(self, ledger: Ledger) -> None:
        self._ledger = ledger
        data = ledger.model_dump(mode="json")
        data |= {name: sorted(data[name]) for name in ("sealed", "archives")}
        write_atomically(self._path, canonical_json(data) + b"\n")
