"""Stage, promote, switch, roll back: what they promise, through the operations that everybody calls."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from console.operations import clear, note, promote, rollback, stage, switch
from console.operations.apply import StalePlan, apply, apply_again
from console.operations.reconcile import is_behind, reconcile
from store.bounded import write_toml
from store.errors import Blocked, InputError
from store.history.newest import newest
from store.history.reading import Filter, History
from store.records.component import Pin
from store.workspace import Workspace
from tests.support.workspaces import NOON, add_basics, add_prompt, made, promote_to, stage_all, tick


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two prompt versions, r1 and r2 of them, r1 in production, r2 in staging."""
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    promote_to(workspace, "r1")
    add_prompt(workspace, tmp_path / "p", "Answer kindly.\n\n{{context}}\n", what="changed tone")
    stage_all(workspace, "prompt/support")
    return workspace


def live(workspace: Workspace, environment: str) -> dict[str, object]:
    return json.loads(workspace.live(environment).read_text())


def test_promotion_moves_the_pointer_the_record_and_the_live_document_together(workspace: Workspace) -> None:
    applied = promote_to(workspace, "r2")
    snapshot = workspace.store.at()
    pointer = snapshot.environment("production")
    assert (pointer.stable, pointer.previous, pointer.record) == ("r2", "r1", applied.record.id)
    assert applied.record.summary == "Deployed prompt support v2 (changed tone) in production"
    assert applied.record.why == "promoted"
    assert snapshot.commit == applied.commit
    document = live(workspace, "production")
    assert document["stable"]["release"] == "r2"  # type: ignore[index]
    assert "Answer kindly" in document["stable"]["components"]["prompt/support"]["system"]  # type: ignore[index]


def test_production_wants_a_note(workspace: Workspace) -> None:
    tip = workspace.store.tip()
    with pytest.raises(InputError, match="wants a note: say why with -m"):
        apply(workspace, promote.plan(workspace, "r2", "production"), "  ")
    assert workspace.store.tip() == tip


def test_a_full_rollback_serves_what_served_before_and_rejects_what_it_took_away(
    workspace: Workspace,
) -> None:
    promote_to(workspace, "r2")
    applied = apply(workspace, rollback.plan(workspace, "production"))
    pointer = workspace.store.at().environment("production")
    assert pointer.stable == "r1" and applied.record.gate == "served before"
    assert [one.release for one in pointer.rejected] == ["r2"]
    assert [one.component for one in pointer.holds] == ["*"]
    assert live(workspace, "production")["stable"]["release"] == "r1"  # type: ignore[index]
    with pytest.raises(Blocked, match=r"r2 was rolled back in production.*lockgate clear r2"):
        promote_to(workspace, "r2")
    apply(workspace, clear.plan(workspace, "r2"), "it was the network")
    promote_to(workspace, "r2")
    assert workspace.store.at().environment("production").holds == ()


def test_rolling_back_one_component_keeps_the_others(workspace: Workspace, tmp_path: Path) -> None:
    add_prompt(workspace, tmp_path / "q", "Greet.\n", name="greeting")
    stage_all(workspace, "prompt/greeting")
    promote_to(workspace, "r3")
    apply(workspace, rollback.plan(workspace, "production", ["prompt/support"]))
    snapshot = workspace.store.at()
    pins = [str(pin) for pin in snapshot.release(str(snapshot.environment("production").stable)).pins()]
    assert "prompt/support@v1" in pins and "prompt/greeting@v1" in pins


def test_rolling_back_to_a_known_combination_reuses_its_release(workspace: Workspace) -> None:
    promote_to(workspace, "r2")
    apply(workspace, rollback.plan(workspace, "production", ["prompt"]))
    assert workspace.store.at().environment("production").stable == "r1"
    assert workspace.store.at().release_ids() == ("r1", "r2")


def test_rollbacks_in_a_row_go_further_back_and_never_forward(workspace: Workspace, tmp_path: Path) -> None:
    promote_to(workspace, "r2")
    add_prompt(workspace, tmp_path / "p", "Answer at length.\n\n{{context}}\n")
    stage_all(workspace, "prompt/support")
    promote_to(workspace, "r3")
    for expected in ("r2", "r1"):
        apply(workspace, rollback.plan(workspace, "production"))
        assert workspace.store.at().environment("production").stable == expected
    for only in ([], ["prompt"]):
        with pytest.raises(Blocked):
            rollback.plan(workspace, "production", only)


def test_a_document_of_another_release_is_behind_whatever_its_generation(workspace: Workspace) -> None:
    """A store that was restored from a clone counts its generations again."""
    promote_to(workspace, "r2")
    before = str(workspace.store.repo[workspace.store.tip()].parent_ids[0])
    git = ["git", "-C", str(workspace.store.path)]
    subprocess.run([*git, "update-ref", "refs/heads/main", before], check=True)
    pointer = workspace.store.at().environment("production")
    assert pointer.stable == "r1" and live(workspace, "production")["stable"]["release"] == "r2"  # type: ignore[index]
    assert is_behind(workspace, pointer)


def test_a_policy_without_override_lets_nothing_rejected_through(workspace: Workspace) -> None:
    promote_to(workspace, "r2")
    apply(workspace, rollback.plan(workspace, "production"))
    snapshot = workspace.store.at()
    strict = [
        one.model_copy(update={"gate": one.gate.model_copy(update={"allow_override": False})})
        for one in snapshot.policy.environments
    ]
    policy = snapshot.policy.model_copy(update={"environments": tuple(strict)})
    with workspace.store.writing() as writer:
        files = {"lockgate.toml": write_toml(policy)}
        writer.commit(workspace.store.tip(), files, "strict\n", workspace.person, NOON + timedelta(hours=1))
    plan = promote.plan(workspace, "r2", "production", override="I insist")
    assert [check.name for check in plan.unmet] == ["rejected"]


def test_two_people_staging_at_once_take_nothing_out_of_each_other(
    workspace: Workspace, tmp_path: Path
) -> None:
    add_prompt(workspace, tmp_path / "o", "Other.\n", name="other")
    mine = stage.plan(workspace, stage.compose(workspace, ["prompt/support=v1"]), ())
    stage_all(workspace, "prompt/other")
    apply_again(workspace, mine, "mine")
    snapshot = workspace.store.at()
    pins = [str(pin) for pin in snapshot.release(str(snapshot.environment("staging").stable)).pins()]
    assert "prompt/other@v1" in pins and "prompt/support@v1" in pins


def test_there_is_nothing_to_roll_back_to_at_first(workspace: Workspace) -> None:
    with pytest.raises(Blocked, match="served nothing before r1"):
        rollback.plan(workspace, "production")
    with pytest.raises(Blocked, match="no other version of model/chat"):
        rollback.plan(workspace, "production", ["model"])
    with pytest.raises(InputError, match="r1 has no index"):
        rollback.plan(workspace, "production", ["index"])


def test_a_switch_makes_a_release_in_which_one_component_differs(workspace: Workspace) -> None:
    plan = switch.plan(workspace, "prompt/support@v2", "production")
    assert plan.after == "r2" and plan.confirm == "production"
    apply(workspace, plan, "try the new tone")
    assert workspace.store.at().environment("production").stable == "r2"
    back = switch.plan(workspace, "prompt/support@v1", "production")
    assert any("served here until" in check.text for check in back.checks)


def test_a_plan_that_the_store_overtook_is_made_again_and_shown(workspace: Workspace) -> None:
    plan = promote.plan(workspace, "r2", "production")
    apply(workspace, switch.plan(workspace, "prompt/support@v2", "production"), "faster")
    with pytest.raises(StalePlan) as caught:
        apply(workspace, plan, "slower")
    assert "serves r2 already" in caught.value.plan.unmet[0].text
    with pytest.raises(InputError, match="serves r2 already"):
        apply_again(workspace, plan, "slower")


def test_a_plan_that_something_else_overtook_still_stands(workspace: Workspace, tmp_path: Path) -> None:
    plan = promote.plan(workspace, "r2", "production")
    add_prompt(workspace, tmp_path / "z", "Another.\n", name="other")
    apply(workspace, plan, "unaffected")
    assert workspace.store.at().environment("production").stable == "r2"


def test_unknown_things_are_named_with_the_way_out(workspace: Workspace) -> None:
    for call, words in (
        (lambda: promote.plan(workspace, "r9", "production"), "no release 'r9'; the newest is r2"),
        (lambda: promote.plan(workspace, "r2", "prod"), "staging, production"),
        (lambda: switch.plan(workspace, "prompt/support@v9", "staging"), "the newest is v2"),
        (
            lambda: switch.plan(workspace, "prompt/support@v1", "production"),
            "serves prompt/support@v1 already",
        ),
        (lambda: stage.compose(workspace, ["prompt/../x"]), "is not allowed"),
        (lambda: note.plan(workspace, "nothing", "x"), "no record"),
    ):
        with pytest.raises(InputError, match=words.replace("(", r"\(")):
            call()


def test_a_version_never_changes_and_an_equal_one_is_not_added(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exactly these files already"):
        add_prompt(workspace, tmp_path / "p", "Answer kindly.\n\n{{context}}\n", what="changed tone")
    before = workspace.store.at().digest(Pin.parse("prompt/support@v1"))
    add_prompt(workspace, tmp_path / "p", "Third.\n")
    assert workspace.store.at().digest(Pin.parse("prompt/support@v1")) == before


def test_notes_are_kept_beside_the_record(workspace: Workspace) -> None:
    record = newest(workspace.store)[0].id
    apply(workspace, note.plan(workspace, record, "looked at it: fine"))
    assert "looked at it: fine" in workspace.store.at().notes(record)[0]


def test_reconcile_is_idempotent_and_heals_a_torn_document(workspace: Workspace) -> None:
    assert reconcile(workspace).published == ()
    path = workspace.live("production")
    path.write_text(path.read_text()[:100])
    assert reconcile(workspace).published == ("production",)
    assert live(workspace, "production")["stable"]["release"] == "r1"  # type: ignore[index]


def test_history_lists_filters_and_searches(workspace: Workspace) -> None:
    tick(workspace, NOON + timedelta(days=30))
    promote_to(workspace, "r2")
    history = History(workspace)
    history.refresh()
    assert history.page()[0].kind == "promote"
    assert {one.environment for one in history.page(Filter(environment="production"))} == {"production"}
    assert [one.release for one in history.page(Filter(text="tone prod", kind="promote"))] == ["r2"]
    assert history.count(Filter(component="prompt")) == 6
    assert history.count(Filter(since=NOON + timedelta(days=1))) == 1
    assert history.page(Filter(text='tone" OR *:( NEAR')) == ()
    total = history.count()
    assert total == len(list(workspace.store.commits()))
    older = history.page(before=history.page(limit=3)[-1].position, limit=100)
    assert len(older) == total - 3


def test_history_survives_deletion_damage_and_a_rewritten_main(workspace: Workspace) -> None:
    history = History(workspace)
    history.refresh()
    before = history.page(limit=100)
    history.close()
    file = workspace.state / "history.sqlite"
    file.write_bytes(b"not a database, but longer than a header would be" * 50)
    again = History(workspace)
    again.refresh()
    assert again.page(limit=100) == before
    parent = str(workspace.store.repo[workspace.store.tip()].parent_ids[0])
    subprocess.run(
        ["git", "-C", str(workspace.store.path), "update-ref", "refs/heads/main", parent], check=True
    )
    again.refresh()
    assert again.page(limit=100) == tuple(before[1:])
