"""Twelve days of releases in a minute, with real indexes: what is ready, what is packed, what comes back."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from console.operations import switch
from console.operations.add import index
from console.operations.apply import apply, apply_again
from console.operations.index import restore
from console.operations.index.sweep import sweep
from console.operations.index_look import verify
from console.operations.reconcile import published_document
from indexes.collection import collection_name
from indexes.opened import open_copy, probe
from indexes.probes import read_probes
from indexes.sealed import sealed_path
from lockgate_client import Client
from store.boot_clock import BootTime
from store.clock import FixedClock
from store.index_readiness import index_statuses
from store.records.component import Pin
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.retention.keeping_world import POLICY
from tests.support.workspaces import made, promote_to, stage_all

NAME, DAYS = "handbook", 12


def pages(folder: Path, day: int) -> Path:
    """The records of a day: 40 of 400 are another text than the day before, and five are new."""
    path = folder / f"day{day}.jsonl"
    rows = [
        {"id": f"row{n}", "document": f"page {n}, as of day {day if n % 10 == day % 10 else n % 10}"}
        for n in range(400 + 5 * day)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Days:
    """A workspace in which a day goes by whenever it is told so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = made(folder / "acme", POLICY)
        assert isinstance(self.workspace.clock, FixedClock)
        self.clock = self.workspace.clock
        self.boot = BootTime("boot-0", 1_000.0)

    def release(self, day: int) -> None:
        """The index of the day serves production."""
        parent = f"v{day - 1}" if day > 1 else None
        source = pages(self.folder, day)
        built = index.build(self.workspace, NAME, source, parent=parent, embedder="lexical")
        apply_again(self.workspace, built, f"day {day}")
        promote_to(self.workspace, stage_all(self.workspace, f"index/{NAME}"))

    def goes_by(self) -> None:
        """A day, with a sweep every six hours."""
        for _ in range(4):
            self.clock.at += timedelta(hours=6)
            self.boot = BootTime("boot-0", self.boot.seconds + 6 * 3600)
            fresh = Workspace(self.workspace.root, self.clock)
            done = sweep(fresh, boot=lambda: self.boot)
            assert done.stopped is None and not done.problems

    def statuses(self) -> dict[str, str]:
        found = index_statuses(self.workspace.store.at(), NAME, self.clock.now())
        return {version: one.status for version, one in found.items()}


@pytest.mark.heavy
def test_twelve_days_of_releases(tmp_path: Path) -> None:
    with seeding():
        days = Days(tmp_path)
        for day in range(1, DAYS + 1):
            days.release(day)
            expected = {f"v{day}": "production"}
            for older in range(1, day):  # v1 stopped serving when v2 came, which is `day - 2` days ago
                ready = day - (older + 1) <= 7
                expected[f"v{older}"] = "rollback_ready" if ready else "archived"
            assert days.statuses() == expected, f"on day {day}"
            days.goes_by()
    workspace = days.workspace
    snapshot = workspace.store.at()
    manifests = {v: snapshot.index(Pin.parse(f"index/{NAME}@{v}")) for v in days.statuses()}
    sealed = {v: sealed_path(workspace.indexes, NAME, one.digest) for v, one in manifests.items()}
    packed = [version for version, path in sealed.items() if not path.exists()]
    assert packed == ["v1", "v2"], "a week and a day after nothing led back to them, and not before"

    for version in packed:
        apply(workspace, restore.plan(workspace, f"{NAME}@{version}"), "an auditor asks")
        restore.finish(workspace, f"{NAME}@{version}")
        assert not verify(workspace, f"{NAME}@{version}", full=True).packed, "every vector is as sealed"
        copy = open_copy(workspace.indexes, NAME, manifests[version])
        found = probe(copy, collection_name(NAME), manifests[version], read_probes(sealed[version]))
        assert (found.top1, found.overlap) == (1.0, 1.0)

    apply(workspace, switch.plan(workspace, f"index/{NAME}@v1", "production"), "as it was")
    assert published_document(workspace, "production") is not None
    client = Client(workspace.live("production"), wall=lambda: days.clock.now().timestamp())
    assert client.resolve("somebody").release == "r1"
    client.close()
