"""What auditors ask, from History; approvals and reviews, from Overview."""

from __future__ import annotations

import json

import pytest

from console.operations import promote
from console.operations.apply import apply
from console.operations.conditions import BreakGlass
from console.operations.policy import plan as policy_plan
from store.records.base import Person
from store.records.policy import ApprovalPolicy
from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Opener
from tests.console.test_console_retrieval import SIZES, Size


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks."""
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)


@SIZES
async def test_questions_and_answers(size: Size, console: Opener) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size) as it:
        await it.press("5", "v")
        album.take(it, "questions")
        await it.press("type:rollbacks", "enter")
        assert "answers got vague" in it.text or "rollback" in it.text
        album.take(it, "answer-rollbacks")
        await it.press("enter")
        album.take(it, "answer-row")
        await it.press("escape", "escape", "v", "type:uses", "enter", "type:prompt/support@v1", "enter")
        album.take(it, "answer-uses")
        await it.press("e", "type:prod", "enter")
        assert "production" in it.text and "all environments" not in it.text
        await it.press("slash", "type:nothing like it", "enter")
        assert "nothing matches" in it.text
        await it.press("escape")
        assert "nothing matches" not in it.text
        await it.press("escape", "v", "type:had a right", "enter")
        album.take(it, "answer-rights")
        await it.press("type:promote", "enter")
        assert "everybody" in it.text
    album.settle()


async def test_a_period_an_export_and_the_command(console: Opener, workspace: Workspace) -> None:
    async with console(size=(140, 45)) as it:
        await it.press("5", "v", "type:population", "escape")
        await it.press("v", "type:every change", "enter")
        total = len(workspace.store.history(workspace.store.tip()))
        assert f"{total} changes in {total} commits" in it.text
        await it.press("t", "type:2026-03-05 2026-03-06", "enter")
        assert "since 2026-03-05 00:00" in it.text and f"{total} changes" not in it.text
        await it.press("e", "type:production", "enter")
        await it.press("o")
        assert "lockgate audit changes --env production --since 2026-03-05T00:00 --until" in it.text
        await it.press("escape", "t", "type:-", "enter", "x")
        for _ in range(30):
            await it.press("backspace")
        await it.press("type:found.jsonl", "enter")
        rows = [json.loads(line) for line in (workspace.root / "found.jsonl").read_text().splitlines()]
        assert rows and all("production" in str(row) for row in rows)
        await it.press("t", "type:tomorrow", "enter")
        assert "is no time" in it.text


async def test_a_question_about_all_times_takes_no_period(console: Opener) -> None:
    async with console(size=(140, 45)) as it:
        await it.press("5", "v", "type:had a right", "enter", "type:promote", "enter", "t")
        assert "This question is about all times." in it.text


async def test_a_release_is_approved_and_an_emergency_reviewed(console: Opener, workspace: Workspace) -> None:
    bo = Person(name="bo", email="bo@example.org")
    policy = workspace.store.at().policy
    staging, production = policy.environments
    wanting = production.model_copy(update={"approvals": ApprovalPolicy(signed=False)})
    changed = policy.model_copy(update={"environments": (staging, wanting)})
    apply(workspace, policy_plan(workspace, changed), "two pairs of eyes")
    async with console(size=(140, 45)) as it:
        await it.press("left", "v")
        assert "staging wants no approvals" in it.text
        it.app.clear_notifications()
        await it.press("right", "w")
        assert "Nothing in production is to be reviewed." in it.text
        it.app.clear_notifications()
        await it.press("v")
        assert "somebody else has to approve it" in it.text
        await it.press("escape", "p")
        assert "1 more approval wanted" in it.text and "break the glass" in it.text
        await it.press("type:the shop is down", "enter")
        assert "production/r4" in it.text
        await it.press("type:INC-9", "enter", "type:production/r4", "enter")
        assert workspace.store.at().environment("production").stable == "r4"
        (waiting,) = workspace.store.at().environment("production").reviews
        assert waiting.reason == "the shop is down"
        it.app.clear_notifications()
        await it.settle()
        assert "broke the glass" in it.text and "the shop is down" in it.text
        await it.press("w")
        assert "else has to review it" in it.text
        await it.press("escape")
        workspace.__dict__["person"] = bo
        await it.press("w", "type:it was right", "enter")
        assert workspace.store.at().environment("production").reviews == ()


def test_broken_glass_is_told_to_who_promotes(workspace: Workspace) -> None:
    plan = promote.plan(workspace, "r4", "production", override=BreakGlass("down"))
    assert plan.command == "lockgate promote r4 --to production --break-glass down"
