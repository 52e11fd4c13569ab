"""Machines that share a store and a depot: who adds an index sends its bytes, who serves it fetches them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from console.controller.visit import visit
from console.operations import rollback
from console.operations.access import embedder
from console.operations.add import index
from console.operations.apply import apply, apply_again
from console.operations.index import archive, restore
from console.operations.index.depot import depot_of, fetch_version, send_all
from console.operations.index.depot_notes import Notes
from console.operations.index.gc import gc
from console.operations.index.pull import pulled
from console.operations.index.settle import settled
from console.operations.reconcile import published_document, reconcile
from console.operations.sync.sync import sync
from indexes.archive import has_archive
from indexes.build import build
from indexes.sealed import sealed_path, verify
from store.bounded import read_toml, write_toml
from store.clock import FixedClock
from store.errors import InputError, MachineryError
from store.live import IndexPart
from store.records.component import Pin
from store.records.versions import IndexManifest
from store.settings import Settings
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.remote.hubs import hub_at, joined
from tests.support.workspaces import promote_to, stage_all

V1, V2 = (Pin.parse(f"index/handbook@v{n}") for n in (1, 2))


@dataclass(frozen=True)
class Two:
    """Ana adds and decides, bo only serves; they share a hub and a depot."""

    ana: Workspace
    bo: Workspace
    depot: Path
    scratch: Path

    def add(self, number: int) -> str:
        """The next index version, promoted to production; returns the release."""
        folder = self.scratch / "docs"
        folder.mkdir(exist_ok=True)
        (folder / f"page{number}.md").write_text(f"# Page {number}\n\nRefunds take {number}0 days.\n")
        apply(self.ana, index.build(self.ana, "handbook", folder, embedder="lexical"), "the next")
        release = stage_all(self.ana, "index/handbook")
        promote_to(self.ana, release)
        return release

    def sealed(self, workspace: Workspace, pin: Pin) -> Path:
        return sealed_path(workspace.indexes, "handbook", workspace.store.at().index(pin).digest)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    hub, depot = hub_at(tmp_path / "hub.git"), tmp_path / "depot"
    found = []
    with seeding():
        for name in ("ana", "bo"):
            workspace = joined(tmp_path / name, hub)
            workspace.__dict__["settings"] = Settings(
                embedder="lexical", remote=str(hub), indexes_url=f"file://{depot}"
            )
            found.append(workspace)
        yield Two(found[0], found[1], depot, tmp_path)


def served_here(workspace: Workspace) -> Path:
    document = published_document(workspace, "production")
    assert document is not None
    part = document.stable.components["index/handbook"]
    assert isinstance(part, IndexPart)
    return Path(part.path)


def test_what_one_machine_promotes_another_fetches_and_serves(two: Two) -> None:
    two.add(1)
    assert (two.depot / "blobs").is_dir()
    assert not (two.bo.indexes / "handbook").exists()
    synced = sync(two.bo)
    assert not synced.problems
    verify(two.bo.indexes, "handbook", two.bo.store.at().index(V1), full=True)
    assert served_here(two.bo).is_dir()
    assert two.sealed(two.ana, V1).name == two.sealed(two.bo, V1).name


def test_without_the_depot_the_old_document_goes_on_serving_and_says_why(two: Two) -> None:
    two.add(1)
    sync(two.bo)
    before = served_here(two.bo)
    two.add(2)
    two.depot.rename(two.depot.with_name("away"))
    problems = sync(two.bo).problems
    assert any(
        "production is not published" in one and "neither on this machine" in one for one in problems
    ), problems
    assert served_here(two.bo) == before
    two.depot.with_name("away").rename(two.depot)
    assert not reconcile(two.bo).problems and served_here(two.bo) != before


def test_nobody_goes_forward_while_the_depot_cannot_be_written(two: Two) -> None:
    two.add(1)
    shutil.rmtree(two.depot)
    two.depot.write_text("in the way")
    folder = two.scratch / "docs"
    (folder / "page2.md").write_text("# Page 2\n\nMore.\n")
    apply(two.ana, index.build(two.ana, "handbook", folder, embedder="lexical"), "the next")
    tip = two.ana.store.tip()
    with pytest.raises(MachineryError, match="cannot be"):
        stage_all(two.ana, "index/handbook")
    assert two.ana.store.tip() == tip


def test_a_rollback_asks_no_depot(two: Two) -> None:
    two.add(1)
    two.add(2)
    shutil.rmtree(two.depot)
    two.depot.write_text("in the way")
    apply_again(two.ana, rollback.plan(two.ana, "production", ("index",)), "bad answers")
    assert two.ana.store.at().environment("production").stable == "r1"


def test_damage_in_the_depot_is_never_served(two: Two) -> None:
    two.add(1)
    for blob in (two.depot / "blobs").rglob("*.zst"):
        blob.chmod(0o600)
        blob.write_bytes(blob.read_bytes()[:-3] + b"abc")
    problems = sync(two.bo).problems
    assert any("is damaged" in one and "push" in one for one in problems), problems
    assert not two.sealed(two.bo, V1).exists() and published_document(two.bo, "production") is None
    assert not list((two.bo.indexes / "handbook/tmp").glob("*/")), "nothing half-made is left"


def test_a_manifest_that_points_outside_writes_nothing(two: Two) -> None:
    two.add(1)
    text = write_toml(two.ana.store.at().index(V1)).decode()
    for path in ("../../evil", "/etc/evil", "a/../../b", "a//b", "a\\\\b", ""):
        evil = text.replace('path = "vectors.f32"', f'path = "{path}"')
        with pytest.raises(InputError, match="no path inside a sealed folder"):
            read_toml(IndexManifest, evil.encode(), "x")


def later(two: Two, days: int) -> None:
    for workspace in (two.ana, two.bo):
        clock = workspace.clock
        assert isinstance(clock, FixedClock)
        clock.at += timedelta(days=days)


def test_the_depot_lets_go_of_what_is_archived_a_week_after(two: Two) -> None:
    for number in (1, 2, 3):
        two.add(number)
    later(two, 30)
    apply(two.ana, archive.plan(two.ana, "handbook@v1"), "room")
    settled(two.ana, "handbook@v1")
    blobs = set((two.depot / "blobs").rglob("*.zst"))

    def litter() -> list[str]:
        return [one.what for one in gc(two.ana, dry_run=True) if "depot" in one.what]

    assert litter() == [], "its archive is not there yet"
    send_all(two.ana)
    assert litter() == [], "somebody may be about to send a version that shares a file with it"
    later(two, 8)
    assert litter() == ["the bytes of index/handbook@v1 in the depot"]
    gc(two.ana)
    gone = blobs - set((two.depot / "blobs").rglob("*.zst"))
    assert gone and litter() == []
    sync(two.bo)
    for version in ("v2", "v3"):
        assert pulled(two.bo, f"handbook@{version}")[0].version == version
    later(two, 1)
    apply(two.bo, restore.plan(two.bo, "handbook@v1"), "needed tonight")
    restore.finish(two.bo, "handbook@v1")
    verify(two.bo.indexes, "handbook", two.bo.store.at().index(V1), full=True)
    assert send_all(two.bo).versions == [str(V1)], "what is ready again is in the depot again"


def test_an_archive_travels_too(two: Two) -> None:
    two.add(1)
    sync(two.bo)
    two.add(2)
    two.add(3)
    later(two, 30)
    apply(two.ana, archive.plan(two.ana, "handbook@v1"), "room")
    settled(two.ana, "handbook@v1")
    assert send_all(two.ana).versions == ["index/handbook@v1"]
    sync(two.bo)
    shutil.rmtree(two.sealed(two.bo, V1))
    shutil.rmtree(two.depot / "blobs")
    assert not has_archive(two.bo.indexes, "handbook", two.bo.store.at().index(V1).digest)
    apply(two.bo, restore.plan(two.bo, "handbook@v1"), "needed tonight")
    restore.finish(two.bo, "handbook@v1")
    verify(two.bo.indexes, "handbook", two.bo.store.at().index(V1), full=True)


def test_a_controller_sends_what_was_only_added(two: Two) -> None:
    folder = two.scratch / "docs"
    folder.mkdir()
    (folder / "page.md").write_text("# Page\n\nText.\n")
    apply(two.ana, index.build(two.ana, "handbook", folder, embedder="lexical"), "the first")
    assert not two.depot.exists()
    assert not visit(two.ana).problems
    digest = two.ana.store.at().index(V1).digest
    assert digest in Notes(two.ana, depot_of(two.ana).url).sealed
    assert send_all(two.ana).versions == [], "it is noted"
    shutil.rmtree(two.depot)
    assert send_all(two.ana).versions == [] and send_all(two.ana, again=True).versions == [str(V1)]
    sync(two.bo)
    assert pulled(two.bo, "handbook@v1") == (V1, True) and pulled(two.bo, "handbook") == (V1, False)


def test_what_was_built_again_is_not_sent_for_the_original(two: Two) -> None:
    two.add(1)
    sync(two.bo)
    shutil.rmtree(two.bo.indexes / "handbook")
    folder = two.scratch / "docs"
    build(two.bo.indexes, "handbook", folder, embedder=embedder(two.bo, "lexical"), now=two.bo.clock.now())
    shutil.rmtree(two.depot)
    (two.bo.state / "depot.json").unlink(missing_ok=True)
    assert send_all(two.bo).versions == []
    with pytest.raises(MachineryError, match="is neither on this machine nor in file://"):
        fetch_version(two.bo, two.bo.store.at(), V1)
