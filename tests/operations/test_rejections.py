"""What was rolled back stays away, component by component, until somebody clears it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from console.operations import clear, promote, rollback, switch
from console.operations.apply import StalePlan, apply, apply_again
from store.bounded import write_toml
from store.errors import Blocked, LockgateError
from store.records.environment import Freeze
from store.workspace import Workspace
from tests.support.workspaces import NOON, add_prompt, made, promote_to, stage_all


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Prompts tone and style with three versions each; production served r1 (v1, v1), r2 (v2, v1) and
    serves r3 (v2, v2)."""
    workspace = made(tmp_path / "acme")
    for version in ("one", "two", "three"):
        for name in ("tone", "style"):
            add_prompt(workspace, tmp_path / "p", f"{name} {version}.\n", name=name)
    for tone, style in (("v1", "v1"), ("v2", "v1"), ("v2", "v2")):
        stage_all(workspace, f"prompt/tone={tone}", f"prompt/style={style}")
    for id in ("r1", "r2", "r3"):
        promote_to(workspace, id)
    return workspace


def roll_back(workspace: Workspace, *only: str) -> str:
    """Rolls production back; what it serves then, as "tone style"."""
    apply(workspace, rollback.plan(workspace, "production", only), "because")
    return serves(workspace)


def serves(workspace: Workspace) -> str:
    snapshot = workspace.store.at()
    release = snapshot.release(str(snapshot.environment("production").stable))
    return " ".join(release.components[name].version for name in ("prompt/tone", "prompt/style"))


def test_a_full_rollback_never_brings_back_the_version_that_a_partial_one_took_away(
    workspace: Workspace,
) -> None:
    assert roll_back(workspace, "prompt/tone") == "v1 v2"
    assert roll_back(workspace) == "v1 v1"  # not r2, which holds tone v2
    with pytest.raises(Blocked, match="nothing before"):
        rollback.plan(workspace, "production")


def test_a_release_with_a_version_that_was_rolled_back_is_not_promoted(
    workspace: Workspace,
) -> None:
    roll_back(workspace, "prompt/tone")
    with pytest.raises(
        Blocked, match=r"r2 holds prompt/tone@v2, rolled back in production with r3.*clear r3"
    ):
        promote_to(workspace, "r2")
    stage_all(workspace, "prompt/tone=v3")
    promote_to(workspace, "r5")  # the mended tone goes through
    with pytest.raises(Blocked, match="clear r3"):
        apply(workspace, switch.plan(workspace, "prompt/tone@v2", "production"), "once more")
    apply(workspace, clear.plan(workspace, "r3"), "it was the network")
    apply(workspace, switch.plan(workspace, "prompt/tone@v2", "production"), "once more")
    assert serves(workspace) == "v2 v2"


def test_what_served_beside_a_bad_version_is_not_blamed_for_it(workspace: Workspace) -> None:
    roll_back(workspace, "prompt/tone")
    stage_all(workspace, "prompt/tone=v1", "prompt/style=v3")
    promote_to(workspace, "r5")
    assert roll_back(workspace, "prompt/style") == "v1 v2"  # style v2 served in r3, taken away for its tone


def test_a_release_that_was_rolled_back_whole_rejects_its_changes_only_together(
    workspace: Workspace,
) -> None:
    stage_all(workspace, "prompt/tone=v3", "prompt/style=v3")
    promote_to(workspace, "r4")
    assert roll_back(workspace) == "v2 v2"
    stage_all(workspace, "prompt/tone=v3", "prompt/style=v2")
    promote_to(workspace, "r5")
    plan = switch.plan(workspace, "prompt/style@v3", "production")
    assert [check.text[:35] for check in plan.unmet if check.name == "rejected"] == [
        "r4 was rolled back in production (b"
    ]


def test_holds_add_up_and_each_move_lifts_only_its_own(workspace: Workspace) -> None:
    def holds() -> list[str]:
        return [one.component for one in workspace.store.at().environment("production").holds]

    roll_back(workspace, "prompt/tone")
    roll_back(workspace, "prompt/style")
    assert holds() == ["prompt/style", "prompt/tone"]
    plan = switch.plan(workspace, "prompt/style@v3", "production")
    told = next(check.text for check in plan.checks if check.name == "hold")
    assert "prompt/style is on since" in told and "this leaves it" in told
    apply(workspace, plan, "mended")
    assert holds() == ["prompt/tone"]
    stage_all(workspace, "prompt/tone=v3", "prompt/style=v3")
    promote_to(workspace, str(workspace.store.at().environment("staging").stable))
    assert holds() == []


def test_an_override_answers_for_nothing_that_appeared_since(workspace: Workspace) -> None:
    roll_back(workspace)
    plan = promote.plan(workspace, "r3", "production", override="we know")
    assert [one.condition for one in plan.overrides] == ["rejected"]
    snapshot = workspace.store.at()
    pointer = snapshot.environment("production")
    frozen = pointer.model_copy(
        update={"freezes": (Freeze(reason="audit", since=NOON, until=NOON.replace(year=2030)),)}
    )
    with workspace.store.writing() as writer:
        files = {"environments/production.toml": write_toml(frozen)}
        writer.commit(snapshot.commit, files, "freeze\n", workspace.person, NOON)
    with pytest.raises(StalePlan) as caught:
        apply_again(workspace, plan, "go")
    assert [one.condition for one in caught.value.plan.overrides] == ["rejected", "freeze"]
    assert serves(workspace) == "v2 v1"


@pytest.fixture(scope="module", autouse=True)
def _machine_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    RollingBack.folder = tmp_path_factory.mktemp("machine")


class RollingBack(RuleBasedStateMachine):
    """Any order of promotions, switches, rollbacks and clearings, through the real operations."""

    folder: Path
    number = 0

    @initialize()
    def begin(self) -> None:
        RollingBack.number += 1
        root = self.folder / str(RollingBack.number)
        self.workspace = made(root / "acme")
        for version in ("one", "two", "three"):
            for name in ("tone", "style"):
                add_prompt(self.workspace, root / "p", f"{name} {version}.\n", name=name)
        self.bad: dict[str, set[str]] = {}
        """By the release that was taken away: the pins that were taken away by name."""
        stage_all(self.workspace, "prompt/tone=v1", "prompt/style=v1")
        promote_to(self.workspace, "r1")

    @rule(tone=st.integers(1, 3), style=st.integers(1, 3))
    def go_forward(self, tone: int, style: int) -> None:
        try:
            id = stage_all(self.workspace, f"prompt/tone=v{tone}", f"prompt/style=v{style}")
            promote_to(self.workspace, id)
        except LockgateError:
            return
        self.holds_nothing_bad()

    @rule(name=st.sampled_from(["tone", "style"]), version=st.integers(1, 3))
    def switch_one(self, name: str, version: int) -> None:
        try:
            plan = switch.plan(self.workspace, f"prompt/{name}@v{version}", "production")
            apply(self.workspace, plan, "switched")
        except LockgateError:
            return
        self.holds_nothing_bad()

    @rule(only=st.sampled_from([(), ("prompt/tone",), ("prompt/style",), ("prompt",)]))
    def roll_back(self, only: tuple[str, ...]) -> None:
        snapshot = self.workspace.store.at()
        current = snapshot.release(str(snapshot.environment("production").stable))
        try:
            plan = rollback.plan(self.workspace, "production", only)
        except Blocked:
            return
        taken = {f"{one.component}@{one.before}" for one in plan.changes}
        apply(self.workspace, plan, "rolled back")
        self.bad.setdefault(current.id, set()).update(taken if only or len(taken) == 1 else ())
        self.holds_nothing_bad()

    @precondition(lambda self: self.bad)
    @rule(data=st.data())
    def clear_one(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.bad)))
        apply(self.workspace, clear.plan(self.workspace, id), "looked into it")
        del self.bad[id]

    def holds_nothing_bad(self) -> None:
        snapshot = self.workspace.store.at()
        release = snapshot.release(str(snapshot.environment("production").stable))
        assert release.id not in self.bad
        assert not {str(pin) for pin in release.pins()} & set().union(*self.bad.values())


RollingBack.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestRollingBack = RollingBack.TestCase
