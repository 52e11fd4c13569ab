"""Trying one version of a rollback's target: read it, open and probe it, or ask it for one token."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter

from console.operations.index.server import server_of, stand
from console.operations.index.standby import copy_of
from console.operations.ready import opened
from console.operations.serve_component import served
from store.errors import Cancelled, LockgateError, MachineryError
from store.progress import Progress, Report, Stop, check
from store.records.component import Kind, Pin
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

_ASKED = "Answer with the word yes."


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one version."""

    seconds: float
    trouble: str = ""
    """Why it could not serve, in a sentence; empty where it could."""


class Trials:
    """Tries each version once, however many rollbacks would bring it back."""

    def __init__(self, workspace: Workspace, snapshot: Snapshot, report: Report, stop: Stop) -> None:
        self._workspace, self._snapshot = workspace, snapshot
        self._report, self._stop = report, stop
        self._known: dict[Pin, Tried] = {}

    def tried(self, pin: Pin) -> Tried:
        """The outcome for `pin`. Raises Cancelled only."""
        if pin not in self._known:
            check(self._stop, "The drill")
            self._report(Progress("trying", note=str(pin)))
            self._known[pin] = self._try(pin)
        return self._known[pin]

    def _try(self, pin: Pin) -> Tried:
        began = perf_counter()
        try:
            if pin.component.kind is Kind.INDEX:
                self._open(pin)
            elif pin.component.kind is Kind.MODEL:
                asyncio.run(self._ask(pin))
            else:
                served(self._workspace, self._snapshot, pin, self._snapshot.digest(pin))
        except Cancelled:
            raise
        except (LockgateError, OSError) as error:
            said = one_line(str(error), 400).rstrip(".")
            return Tried(perf_counter() - began, f"{pin}: {said}.")
        return Tried(perf_counter() - began)

    def _open(self, pin: Pin) -> None:
        """A copy that stands ready is probed once more, in a process of its own; else one is made, which
        is. So is a collection, where a server serves."""
        from indexes.collection import collection_name
        from indexes.opened import probe
        from indexes.probes import read_probes
        from indexes.sealed import sealed_path

        server = server_of(self._workspace)
        if server is not None:
            stand(self._workspace, self._snapshot, pin, server, self._report, self._stop)
            return
        copy = copy_of(self._workspace, self._snapshot, pin)
        if copy is None:
            opened(self._workspace, self._snapshot, pin, self._report)
            return
        manifest, name = self._snapshot.index(pin), pin.component.name
        sealed = sealed_path(self._workspace.indexes, name, manifest.digest)
        probe(copy, collection_name(name), manifest, read_probes(sealed), mark=False, stop=self._stop)

    async def _ask(self, pin: Pin) -> None:
        from console.operations.drift.asking import opened as asking
        from evals.models.pins import answers_for

        model = self._snapshot.model(pin)
        async with asking(self._workspace, model) as prober:
            heard = await prober.ask(_ASKED, temperature=0)
        if heard.returned and not answers_for(model, heard.returned):
            raise MachineryError(f"another model answers under its name: {one_line(heard.returned, 80)}.")
