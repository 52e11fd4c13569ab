"""Reading a store that people clone and edit: what is odd beside the rest never stops the rest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.operations.init import init
from store.bounded import write_toml
from store.clock import FixedClock
from store.errors import InputError
from store.index_readiness import index_statuses
from store.records.component import Component, Kind
from store.records.environment import Environment
from store.rules import serving
from store.snapshot import Snapshot
from store.workspace import Workspace
from tests.store.test_commit_path import ANA, AT
from tests.store.test_rules import R1, R2, category, verdict

CHAT = Component(Kind.MODEL, "chat")
WEEK = timedelta(days=7)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return init(tmp_path / "acme", clock=FixedClock(AT))


def edited(workspace: Workspace, files: dict[str, bytes]) -> Snapshot:
    """The store after somebody committed `files` by hand."""
    with workspace.store.writing() as writer:
        writer.commit(workspace.store.tip(), files, "By hand\n", ANA, AT)
    return workspace.store.at()


def test_what_is_no_component_or_version_is_left_alone(workspace: Workspace) -> None:
    snapshot = edited(
        workspace,
        {
            "models/README.md": b"# Ours\n",
            "models/.gitkeep": b"",
            "models/.github/x.toml": b"",
            "models/notes.txt": b"",
            "models/Chat Bot/v1.toml": b"",
            "models/\x1b[2J/v1.toml": b"",
            "models/chat/v1.toml": b"",
            "models/chat/v01.toml": b"",
            "models/chat/v2/x.toml": b"",
            "models/chat/.keep": b"",
            "models/chat/NOTES.md": b"",
            "prompts/support/v1/system.md": b"",
            "prompts/support/v2.toml": b"",
        },
    )
    assert [str(one) for one in snapshot.components()] == ["prompt/support", "model/chat"]
    assert snapshot.versions(CHAT) == ("v1",)
    assert snapshot.versions(Component(Kind.PROMPT, "support")) == ("v1",)


def test_numbers_that_are_used_up_are_refused_not_written_over(workspace: Workspace) -> None:
    snapshot = edited(
        workspace,
        {"models/chat/v999999998.toml": b"", "releases/r999999999.toml": b"", "models/x/v7.toml": b""},
    )
    assert snapshot.next_version(CHAT) == "v999999999"
    assert snapshot.next_version(Component(Kind.MODEL, "x")) == "v8"
    with pytest.raises(InputError, match="releases has reached r999999999"):
        snapshot.next_release_id()
    snapshot = edited(workspace, {"models/chat/v999999999.toml": b""})
    with pytest.raises(InputError, match="model/chat has reached v999999999"):
        snapshot.next_version(CHAT)


def with_indexes(workspace: Workspace) -> Snapshot:
    """r1 and r2 with index/handbook v1 and v2; staging serves r2 after r1, production serves r1."""
    staging = serving.serve(Environment(name="staging"), "r1", "0" * 26, AT, WEEK)
    staging = serving.serve(staging, "r2", "0" * 26, AT + WEEK, WEEK)
    production = serving.serve(Environment(name="production"), "r1", "0" * 26, AT + WEEK, WEEK)
    return edited(
        workspace,
        {
            "environments/staging.toml": write_toml(staging),
            "environments/production.toml": write_toml(production),
            "releases/r1.toml": write_toml(R1),
            "releases/r2.toml": write_toml(R2),
            **{f"indexes/handbook/v{n}.toml": b"" for n in (1, 2, 3)},
        },
    )


def words(snapshot: Snapshot) -> list[str]:
    found = index_statuses(snapshot, "handbook", AT + 3 * WEEK)
    return [found[version].status for version in ("v1", "v2", "v3")]


def test_the_status_of_an_index_is_read_from_the_pointers(workspace: Workspace) -> None:
    assert words(with_indexes(workspace)) == ["production", "production", "built"]


@pytest.mark.parametrize("torn", [b"stable = ", b'name = "staging"\n', b"\xff"])
def test_a_malformed_pointer_stops_only_its_own_environment(workspace: Workspace, torn: bytes) -> None:
    with_indexes(workspace)
    snapshot = edited(workspace, {"environments/production.toml": torn})
    pointers = snapshot.pointers()
    assert [one.name for one in pointers.read] == ["staging"] and pointers.unreadable == ("production",)
    assert words(snapshot) == ["unknown", "production", "unknown"]
    assert index_statuses(snapshot, "handbook", AT)["v1"].unreadable == ("production",)
    assert snapshot.environment("staging").stable == "r2"
    for asked in (lambda: snapshot.environment("production"), snapshot.environments):
        with pytest.raises(InputError, match=r"environments/production\.toml"):
            asked()


def test_a_malformed_or_missing_release_that_serves_makes_statuses_unknown(workspace: Workspace) -> None:
    with_indexes(workspace)
    snapshot = edited(workspace, {"releases/r1.toml": b"id = 1"})
    assert words(snapshot) == ["unknown", "production", "unknown"]
    staging = serving.serve(Environment(name="staging"), "r9", "0" * 26, AT + 3 * WEEK, WEEK)
    snapshot = edited(
        workspace, {"releases/r1.toml": write_toml(R1), "environments/staging.toml": write_toml(staging)}
    )
    assert words(snapshot) == ["production", "unknown", "unknown"]


def test_the_newest_verdict_is_first_and_a_bent_one_is_refused(workspace: Workspace) -> None:
    first, second = (verdict(R2, R1, id=f"01J0000000000000000000000{n}") for n in (1, 2))
    files = {f"verdicts/r2/{one.id}.toml": write_toml(one) for one in (first, second)}
    snapshot = edited(workspace, {**files, "verdicts/r2/README.toml": b"x"})
    assert snapshot.verdicts("r2") == (second, first)
    assert snapshot.verdict_ids("r2") == (second.id, first.id)

    blocked = second.model_copy(update={"outcome": "pass", "categories": (category("block"),)})
    snapshot = edited(workspace, {f"verdicts/r2/{second.id}.toml": write_toml(blocked)})
    with pytest.raises(InputError, match="says pass, but relevance of evals/support says block"):
        snapshot.verdicts("r2")
    assert snapshot.verdicts("r1") == ()

    snapshot = edited(workspace, {f"verdicts/r2/{second.id}.toml": write_toml(first)})
    with pytest.raises(InputError, match="must agree"):
        snapshot.verdicts("r2")


def test_a_record_is_parsed_once_for_equal_bytes(workspace: Workspace) -> None:
    snapshot = with_indexes(workspace)
    again = edited(workspace, {"models/chat/v1.toml": b""})
    assert again.release("r1") is snapshot.release("r1")
