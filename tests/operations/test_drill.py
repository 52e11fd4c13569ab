"""Drill: every rollback is rehearsed as it would be done, nothing moves, and what would not hold is named."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.operations import rollback
from console.operations.add import index, model
from console.operations.apply import apply, apply_again
from console.operations.check import check
from console.operations.drill import drill
from console.operations.drill.last import last_drill
from console.operations.init import init
from console.operations.status import status
from console.views.overview import DRILL, grid, needs
from console.views.world import look
from indexes.sealed import sealed_path
from store.clock import FixedClock
from store.errors import Blocked, Cancelled, InputError
from store.records.component import Pin
from store.settings import Settings
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.evals.server import FaultServer
from tests.support.workspaces import NOON, OPEN_POLICY, add_prompt, promote_to, stage_all

MODEL = "test-model-2026-01-01"


@pytest.fixture
def acme(tmp_path: Path, model_server: FaultServer) -> Iterator[Workspace]:
    """Two releases that differ in prompt, model and index; the second serves production."""
    workspace = init(tmp_path / "acme", OPEN_POLICY, FixedClock(NOON))
    workspace.__dict__["settings"] = Settings(embedder="lexical")
    with seeding():
        for number in (1, 2):
            folder = tmp_path / "docs"
            folder.mkdir(exist_ok=True)
            (folder / f"page{number}.md").write_text(f"# Page {number}\n\nRefunds take {number}0 days.\n")
            add_prompt(workspace, tmp_path / "p", f"Answer in {number} words.\n\n{{{{context}}}}\n", what="x")
            parameters = {"temperature": 0.0, "seed": number}
            apply(
                workspace,
                model.plan(
                    workspace, "chat", "openai", MODEL, base_url=model_server.url(), parameters=parameters
                ),
                "pin",
            )
            apply(workspace, index.build(workspace, "handbook", folder, embedder="lexical"), "the next")
            promote_to(workspace, stage_all(workspace, "prompt/support", "model/chat", "index/handbook"))
        yield workspace


@pytest.fixture
def model_server() -> Iterator[FaultServer]:
    server = FaultServer()
    server.__enter__()
    yield server
    with contextlib.suppress(RuntimeError):  # a test may have ended it
        server.__exit__()


def test_all_promises_are_tried_and_nothing_moves(acme: Workspace, model_server: FaultServer) -> None:
    before = acme.store.tip()
    found = drill.rehearse(acme, "production")
    assert acme.store.tip() == before
    tried = {one.what: one.target for one in found.rehearsed}
    assert tried == {
        "everything": ("prompt/support@v1", "model/chat@v1", "index/handbook@v1"),
        "prompt/support": ("prompt/support@v1",),
        "model/chat": ("model/chat@v1",),
        "index/handbook": ("index/handbook@v1",),
    }
    assert all(one.holds and not one.said for one in found.rehearsed) and not found.broken
    assert len(model_server.requests) == 1, "each version is tried once"
    for only in ((), ("prompt",), ("model",), ("index",)):  # the same targets as the real thing
        plan = rollback.plan(acme, "production", only)
        assert {f"{one.component}@{one.after}" for one in plan.changes} <= set(tried["everything"])


def test_the_record_says_it_and_grows_old(acme: Workspace) -> None:
    assert all(row.key != DRILL for row in grid(look(acme)).rows), "nothing is said before the first one"
    applied = apply_again(acme, drill.plan(acme, drill.rehearse(acme, "production")), "before the weekend")
    assert applied.record.summary == "Rehearsed 4 rollbacks of production: all would hold"
    kept = last_drill(acme.store.at(), "production")
    assert kept is not None and kept.holds and kept.release == "r2"
    assert check(acme.store).count == 0
    (row,) = [row for row in grid(look(acme)).rows if row.key == DRILL]
    assert ["".join(part.text for part in cell) for cell in row.cells] == [
        "rehearsed",
        "never",
        "✓ all hold · 0 s",
    ]
    assert not [one for one in status(acme).attention if "rehearsed" in one]
    clock = acme.clock
    assert isinstance(clock, FixedClock)
    clock.at = clock.at.replace(month=5)
    assert (
        "production: its rollbacks were rehearsed 60 days ago; `lockgate drill` does it"
        in status(acme).attention
    )


def test_what_would_not_hold_is_named_with_the_reason(acme: Workspace, model_server: FaultServer) -> None:
    manifest = acme.store.at().index(Pin.parse("index/handbook@v1"))
    shutil.rmtree(acme.indexes / "handbook" / "live")
    shutil.rmtree(sealed_path(acme.indexes, "handbook", manifest.digest))
    model_server.__exit__()
    found = drill.rehearse(acme, "production")
    said = {one.what: one.said for one in found.broken}
    assert set(said) == {"everything", "model/chat", "index/handbook"}
    assert "index/handbook@v1 is not on this machine" in said["index/handbook"]
    assert "model/chat@v1: " in said["model/chat"] and said["model/chat"] in said["everything"]
    apply_again(acme, drill.plan(acme, found), "")
    (need,) = [one for one in needs(look(acme)) if one.key == "drill/production"]
    assert "could not go back (everything)" in "".join(part.text for part in need.text)
    assert any("going back (index/handbook) would not have held" in one for one in status(acme).attention)


def test_a_changed_prompt_or_a_stop_is_told(acme: Workspace) -> None:
    stops = iter((False, False, True, *[True] * 50))
    with pytest.raises(Cancelled):
        drill.rehearse(acme, "production", stop=lambda: next(stops))
    assert drill.environments(acme) == ("staging", "production")
    with pytest.raises(InputError):
        drill.environments(acme, "moon")


def test_where_nothing_served_before_there_is_no_promise(tmp_path: Path) -> None:
    empty = init(tmp_path / "fresh", OPEN_POLICY, FixedClock(NOON))
    with pytest.raises(InputError, match="nothing to go back from"):
        drill.environments(empty)
    add_prompt(empty, tmp_path / "p", "Answer.\n\n{{context}}\n")
    promote_to(empty, stage_all(empty, "prompt/support"))
    with pytest.raises(Blocked, match="production promises no rollback yet: everything: "):
        drill.rehearse(empty, "production")
