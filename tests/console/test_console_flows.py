"""What people come for, with keys, on a seeded workspace."""

from __future__ import annotations

import json

import pytest

from console.operations import note, promote, stage
from console.operations.apply import apply
from console.screens.dialog import GUARD_SECONDS
from console.screens.history import HistoryScreen
from console.screens.message import MessagePanel
from console.screens.plan_dialog import PlanDialog
from console.widgets.frame import KeyLine
from console.widgets.table import TableView
from store.history.newest import newest
from store.records.component import Component, Kind
from store.workspace import Workspace
from tests.console.conftest import Opener
from tests.console.seeded import judged

HANDBOOK = Component(Kind.INDEX, "handbook")


def serves(workspace: Workspace, environment: str, component: str) -> str | None:
    snapshot = workspace.store.at()
    release = snapshot.release(str(snapshot.environment(environment).stable))
    return release.version_of(Component.parse(component))


async def test_an_index_is_switched_back_from_launch_in_six_keys_and_a_note(
    workspace: Workspace, console: Opener
) -> None:
    async with console(size=(80, 24)) as it:
        await it.press("4", "s", "enter")
        dialog = it.app.screen
        assert isinstance(dialog, PlanDialog)
        assert dialog.plan.confirm is None, (
            "a version that served before is no forward change: Enter is enough"
        )
        await it.type("old pages are wrong")
        await it.press("enter")
        assert it.pressed <= 6
    assert serves(workspace, "production", "index/handbook") == "v2"
    assert newest(workspace.store, 1)[0].why == "old pages are wrong"
    live = json.loads(workspace.live("production").read_text())
    assert live["stable"]["components"]["index/handbook"]["version"] == "v2"


async def test_rolling_back_everything_needs_no_note(workspace: Workspace, console: Opener) -> None:
    async with console() as it:
        await it.press("r", "enter")
        assert "Roll back everything in production" in it.text
        await it.press("enter")
    assert workspace.store.at().environment("production").stable == "r2"
    assert workspace.store.at().environment("production").holds


async def test_rolling_back_one_component_starts_at_the_row_under_the_cursor(
    workspace: Workspace, console: Opener
) -> None:
    async with console() as it:
        it.app.screen.query_one("#grid", TableView).select("index/handbook")
        await it.press("r")
        assert "▸ index/handbook" in it.text
        await it.press("enter", "enter")
    assert serves(workspace, "production", "index/handbook") == "v2"
    assert serves(workspace, "production", "prompt/support") == "v1"


async def staged(workspace: Workspace, *sets: str) -> str:
    composition = stage.compose(workspace, sets)
    done = apply(workspace, stage.plan(workspace, composition, judged(workspace, composition, "pass")), "why")
    return str(done.record.release)


async def test_promotion_to_production_wants_a_note_and_its_name_typed(
    workspace: Workspace, console: Opener
) -> None:
    release = await staged(workspace, "prompt/support=v3", "model/chat=v1")
    async with console() as it:
        await it.press("p")
        assert f"Promote {release} to production" in it.text
        await it.press("enter")
        assert "production wants a note" in it.text
        await it.type("fuller answers")
        await it.press("enter")
        assert "Type production to go ahead." in it.text
        await it.type("staging")
        await it.press("enter")
        assert isinstance(it.app.screen, PlanDialog), "the wrong name goes nowhere"
        await it.erase(len("staging"))
        await it.type("production")
        await it.press("enter")
    assert workspace.store.at().environment("production").stable == release


async def test_a_rejected_release_is_not_promoted_without_a_reason_and_a_dangerous_name(
    workspace: Workspace, console: Opener
) -> None:
    async with console() as it:
        await it.press("p")
        assert "r4 was rolled back in production" in it.text
        await it.press("enter")
        assert isinstance(it.app.screen, PlanDialog)
        await it.type("checked by hand")
        await it.press("enter")
        assert "overridden (checked by hand)" in it.text
        assert "type production/r4" in it.text
        await it.type("incident is over")
        await it.press("enter")
        await it.type("production/r4")
        await it.press("enter")
    assert workspace.store.at().environment("production").stable == "r4"
    record = workspace.store.at().operation(newest(workspace.store, 1)[0].id)
    assert record is not None
    assert [one.reason for one in record.overrides] == ["checked by hand"]


async def test_keys_typed_before_a_dialog_listens_do_not_answer_it(
    workspace: Workspace, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.screens.dialog.GUARD_SECONDS", 30.0)
    before = workspace.store.tip()
    async with console() as it:
        await it.pilot.press("r")
        while not it.app.screen.is_modal:
            await it.pilot.pause()
        for _ in range(5):
            await it.pilot.press("enter")
            await it.pilot.pause()
        assert it.app.screen.is_modal
        await it.pilot.press("escape")
    assert workspace.store.tip() == before
    assert GUARD_SECONDS > 0


async def test_when_main_moves_under_an_open_dialog_the_new_plan_is_shown(
    workspace: Workspace, console: Opener
) -> None:
    async with console() as it:
        await it.press("r", "enter")
        apply(workspace, promote.plan(workspace, "r4", "production", override="meanwhile"), "meanwhile")
        await it.press("enter")
        assert "The store changed meanwhile" in it.text
        assert workspace.store.at().environment("production").stable == "r4"
        await it.press("enter")
    assert workspace.store.at().environment("production").stable != "r4"


async def test_a_note_lands_on_the_record_under_the_cursor(workspace: Workspace, console: Opener) -> None:
    async with console() as it:
        await it.press("5", "down", "n")
        await it.type("customers noticed")
        await it.press("enter")
        entry = newest(workspace.store, 3)[2]
        notes = workspace.store.at().notes(entry.id)
        assert any("customers noticed" in one for one in notes)
        await it.press("5", "enter")
        assert "customers noticed" in it.text


async def test_history_is_filtered_by_tokens_and_words(console: Opener) -> None:
    async with console() as it:
        await it.press("5", "slash")
        await it.type("env:production kind:promote")
        await it.press("enter")
        assert "4 operations" in it.text
        assert "rollback" not in it.text.split("4 operations")[1].split("─")[0]
        await it.press("slash")
        await it.type(" warranty")
        await it.press("enter")
        assert "2 operations" in it.text
        await it.press("escape")
        assert "23 operations" in it.text


async def test_a_filter_that_is_none_says_so_and_stays(console: Opener) -> None:
    async with console() as it:
        await it.press("5", "slash")
        await it.type("who:ana")
        await it.press("enter")
        assert "who: is no filter" in it.text


async def test_what_is_listed_is_exported_safely(workspace: Workspace, console: Opener) -> None:
    record = newest(workspace.store, 2)[1].id
    apply(workspace, note.plan(workspace, record, "=HYPERLINK(1)"))
    async with console() as it:
        await it.press("5", "x")
        await it.erase(len("history.jsonl"))
        await it.type("all.csv")
        await it.press("enter")
        await it.press("x")
        await it.erase(len("history.jsonl"))
        await it.type("all.csv")
        await it.press("enter")
        assert "Export to all.csv: not done" in it.text, "nothing is overwritten"
    lines = (workspace.root / "all.csv").read_text().splitlines()
    assert len(lines) == 1 + 24
    assert not any(cell.startswith("=") for line in lines for cell in line.split(","))


async def test_history_opens_at_the_record_that_the_overview_points_to(console: Opener) -> None:
    async with console() as it:
        it.app.screen.query_one("#needs", TableView).focus()
        await it.press("enter")
        assert isinstance(it.app.screen, HistoryScreen)
        assert "▸ 07 Mar 15:20" in it.text


async def test_views_follow_main_and_keep_the_cursor(workspace: Workspace, console: Opener) -> None:
    async with console() as it:
        await it.press("5", "down", "down")
        key = it.app.screen.query_one("#operations", TableView).key
        apply(workspace, promote.plan(workspace, "r4", "production", override="elsewhere"), "elsewhere")
        it.app.look_again()
        await it.settle()
        table = it.app.screen.query_one("#operations", TableView)
        assert (table.key, table.cursor) == (key, 3)
        await it.press("1")
        released = next(text for text in it.text.splitlines() if "release  " in text)
        assert released.count("r4 · ") == 2


async def test_read_only_has_no_operations(workspace: Workspace, console: Opener) -> None:
    before = workspace.store.tip()
    async with console(readonly=True) as it:
        assert "read-only" in it.text
        keys = [hint.label for hint in it.app.screen.query_one(KeyLine).hints]
        assert keys == ["versions"]
        for key in ("s", "r", "p", "n", "c"):
            await it.press(key)
            assert not it.app.screen.is_modal
        await it.press("4", "s")
        assert not it.app.screen.is_modal
    assert workspace.store.tip() == before


async def test_what_cannot_be_done_now_says_why(console: Opener) -> None:
    async with console() as it:
        await it.press("left", "p")
        assert "Releases come into staging by staging them" in it.text


async def test_a_component_s_versions_and_their_difference(console: Opener) -> None:
    async with console() as it:
        it.app.screen.query_one("#grid", TableView).select("prompt/support")
        await it.press("enter")
        assert "fuller answers" in it.text
        await it.press("d")
        assert "{, in whole sentences}" in it.text
        await it.press("escape", "escape")
        assert "Needs you" in it.text


async def test_an_index_version_is_verified_and_its_documents_are_listed(console: Opener) -> None:
    async with console() as it:
        await it.press("4", "enter")
        assert "refunds.md" in it.text
        await it.press("escape", "d")
        assert "1 document added" in it.text
        await it.press("escape", "v")
        assert "index/handbook@v2 is whole" in it.text


async def test_a_damaged_index_is_named_and_the_message_stays(workspace: Workspace, console: Opener) -> None:
    manifest = workspace.store.at().index(workspace.store.at().pin("index/handbook@v2"))
    sealed = next(workspace.indexes.rglob(f"*{manifest.digest.removeprefix('sha256:')[:12]}*"))
    victim = sealed / manifest.files[0].path
    victim.chmod(0o600)
    data = victim.read_bytes()
    victim.write_bytes(bytes([data[0] ^ 0xFF]) + data[1:])
    async with console() as it:
        await it.press("4", "v")
        assert isinstance(it.app.screen, MessagePanel)
        assert "not done" in it.text
        await it.press("escape")
        assert "not done" not in it.text


async def test_help_is_made_from_the_registry(console: Opener) -> None:
    async with console(size=(100, 60)) as it:
        await it.press("4", "question_mark")
        assert "verify: read every byte" in it.text
        assert "roll back: go back to what served before" in it.text


async def test_the_palette_runs_an_action_on_its_screen(console: Opener) -> None:
    async with console() as it:
        await it.press("ctrl+p")
        await it.type("verify")
        await it.press("down", "enter")
        await it.settle()
        assert "index/handbook@v2 is whole" in it.text


async def test_the_shell_s_words_are_shown(console: Opener) -> None:
    async with console() as it:
        await it.press("4", "o")
        assert "lockgate switch index/handbook@v2 --env ENV -m WHY" in it.text


async def test_quitting_asks_while_something_runs(console: Opener) -> None:
    async with console() as it:
        with it.app.session.doing("Evals of r7"):
            await it.press("q")
            assert "Evals of r7" in it.text
            await it.press("escape")
            assert it.app.is_running
        await it.pilot.press("q")
    assert it.app.return_code == 0
