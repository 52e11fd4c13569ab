"""On which of the last days each version of a component served somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from store.records.component import Component, Kind
from store.records.environment import Environment, Served
from store.records.release import Release
from store.rules.served_days import served_days
from tests.support.workspaces import add_basics, made, promote_to, stage_all, tick

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
SUPPORT = Component(Kind.PROMPT, "support")


def releases(tmp_path: Path) -> dict[str, Release]:
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage_all(workspace, "prompt/support", "model/chat")
    return {"r1": workspace.store.at().release("r1")}


def test_a_version_serves_on_the_days_between(tmp_path: Path) -> None:
    known = releases(tmp_path)

    def stretch(since: float, until: float | None, release: str = "r1") -> Served:
        end = None if until is None else NOW - timedelta(days=until)
        return Served(release=release, since=NOW - timedelta(days=since), until=end)

    def of(*stretches: Served) -> set[int]:
        pointer = Environment(name="production", served=stretches)
        return served_days(SUPPORT, [pointer], known, NOW, 14).get("v1", set())

    assert of(stretch(0.5, None)) == {0}
    assert of(stretch(3.5, 2.5)) == {2, 3}
    assert of(stretch(40, None)) == set(range(14))
    assert of(stretch(40, 20)) == set(), "too long ago"
    assert of(stretch(-1, None)) == set(), "a clock ran ahead"
    assert of(stretch(2.5, None, "r9")) == set(), "its release cannot be read"
    assert of(stretch(5.5, 5.4), stretch(1.5, 1.4)) == {1, 5}


def test_promoting_shows_on_the_day(tmp_path: Path) -> None:
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage_all(workspace, "prompt/support", "model/chat")
    promote_to(workspace, "r1")
    tick(workspace, workspace.clock.now() + timedelta(days=3, hours=1))
    snapshot = workspace.store.at()
    known = {"r1": snapshot.release("r1")}
    found = served_days(SUPPORT, snapshot.pointers().read, known, workspace.clock.now(), 14)
    assert found == {"v1": {0, 1, 2, 3}}
