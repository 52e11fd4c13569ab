"""What a rollback would bring back stands ready: a probed copy that only has to be opened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from console.controller.retention import Retention
from console.operations import rollback, switch
from console.operations.add import index
from console.operations.apply import apply, apply_again
from console.operations.index.gc import gc
from console.operations.index.standby import copy_of, stand_by, targets
from indexes import opened
from indexes.sealed import sealed_path
from store.records.component import Pin
from store.settings import Settings
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.support.workspaces import made, promote_to, stage_all

V1, V2, V3 = (Pin.parse(f"index/handbook@v{n}") for n in (1, 2, 3))


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Workspace]:
    """Three real index versions; v3 serves production, which can go back to v2."""
    workspace = made(tmp_path / "acme")
    workspace.__dict__["settings"] = Settings(embedder="lexical")
    with seeding():
        for number in (1, 2, 3):
            folder = tmp_path / "docs"
            folder.mkdir(exist_ok=True)
            (folder / f"page{number}.md").write_text(f"# Page {number}\n\nRefunds take {number}0 days.\n")
            apply(workspace, index.build(workspace, "handbook", folder, embedder="lexical"), "the next")
            promote_to(workspace, stage_all(workspace, "index/handbook"))
        yield workspace


def forget_copies(workspace: Workspace) -> None:
    """As after a restart of the machine."""
    for path in (workspace.indexes / "handbook/live").glob("*.json"):
        path.unlink()


def test_what_stands_ready_is_what_rollbacks_would_serve(acme: Workspace) -> None:
    snapshot = acme.store.at()
    assert targets(snapshot) == {V2: "staging"}
    plans = [rollback.plan(acme, "production", only) for only in ((), ("index",))]
    after = {f"{one.component}@{one.after}" for plan in plans for one in plan.changes}
    assert after == {str(V2)}


def test_a_missing_copy_is_made_once_and_a_rollback_only_opens_it(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_copies(acme)
    assert stand_by(acme).made == (V2,) and stand_by(acme).made == ()
    ready = copy_of(acme, acme.store.at(), V2)
    assert ready is not None and copy_of(acme, acme.store.at(), V1) is None

    def copied(*_: object, **__: object) -> Path:
        raise AssertionError("a copy was made at night")

    apply(acme, switch.plan(acme, str(V2), "staging"), "try it")  # v3's own copy was forgotten too
    monkeypatch.setattr(opened, "open_copy", copied)
    apply_again(acme, rollback.plan(acme, "production", ("index",)), "bad answers")
    assert copy_of(acme, acme.store.at(), V2) == ready


def test_going_back_does_not_wait_for_sealed_files_of_what_is_open(acme: Workspace) -> None:
    stand_by(acme)
    shutil.rmtree(acme.indexes / "handbook/sealed")
    plan = rollback.plan(acme, "production", ("index",))
    assert [check.text for check in plan.checks if check.name == "index"] == [
        f"{V2} is open here, but its sealed folder is gone; fetch a copy"
    ]
    done = apply_again(acme, plan, "bad answers")
    assert done.problems == () and done.record.changes[0].after == "v2"


def test_gc_takes_old_copies_but_not_those_that_stand_ready(acme: Workspace) -> None:
    snapshot = acme.store.at()
    before = {pin: copy_of(acme, snapshot, pin) for pin in (V1, V2, V3)}
    assert all(before.values()), "each was served, so each was opened"
    taken = [one.what for one in gc(acme) if "opened" in one.what]
    assert taken == ["1 opened copy of handbook"]
    assert copy_of(acme, snapshot, V1) is None
    assert {pin: copy_of(acme, snapshot, pin) for pin in (V2, V3)} == {V2: before[V2], V3: before[V3]}

    acme.__dict__["settings"] = Settings(embedder="lexical", standby=False)
    gc(acme)
    assert copy_of(acme, snapshot, V2) is None and stand_by(acme).made == ()


def test_what_could_not_be_gone_back_to_is_told_before_the_night(acme: Workspace) -> None:
    manifest = acme.store.at().index(V2)
    sealed = sealed_path(acme.indexes, "handbook", manifest.digest)
    vectors = sealed / "vectors.f32"
    forget_copies(acme)
    vectors.chmod(0o600)
    vectors.write_bytes(bytes(vectors.stat().st_size))
    (problem,) = stand_by(acme).problems
    assert problem.startswith(f"staging could not go back to {V2}: ") and "vectors.f32 is damaged" in problem
    shutil.rmtree(sealed)
    (problem,) = stand_by(acme).problems
    assert "is missing" in problem


def test_a_controller_keeps_it_ready(acme: Workspace) -> None:
    forget_copies(acme)
    told: list[str] = []
    retention = Retention(acme, Event())
    for _ in range(3):
        told.extend(retention.go_on())
        retention.finish(30)
    assert copy_of(acme, acme.store.at(), V2) is not None and not told
