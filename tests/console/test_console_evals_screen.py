"""The Evals screen and the flipped cases: what they show, and what their keys do."""

from __future__ import annotations

import asyncio
import fcntl
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.operations import evaluate as evals_verb
from console.operations import policy
from console.operations.apply import apply
from console.operations.evals.tasks import task_for
from console.operations.run_suites import RUNS
from store.clock import FixedClock
from store.records.policy import GatePolicy
from store.records.verdict import Verdict
from store.workspace import Workspace
from tests.console import evaluated
from tests.console.album import Album
from tests.console.conftest import Console, Opener, shared
from tests.console.evaluated import open_evaluated, seed_evaluated, seed_stopped
from tests.console.seeded import seeding

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")
Size = tuple[int, int]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks and no second passes."""
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)
    monkeypatch.setattr("console.screens.evals_live.monotonic", lambda: 0.0)


@pytest.fixture(scope="session")
def evaluated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "evaluated", seed_evaluated)


@pytest.fixture
def acme(evaluated_root: Path, tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    shutil.copytree(evaluated_root, tmp_path / "evaluated")
    return open_evaluated(tmp_path / "evaluated")


def later(workspace: Workspace, minutes: int) -> None:
    """Lets time pass."""
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(minutes=minutes)


async def picture(it: Console, album: Album, name: str, *keys: str) -> None:
    it.app.clear_notifications()
    await it.press(*keys)
    album.take(it, name)


def scripted(tell: Callable[[Workspace], None] = lambda _: None) -> Callable[..., Any]:
    """In place of the operation: the same run, with releases and a judge that answer from a script."""

    async def run(
        workspace: Workspace, task: evals_verb.Task, *, report: Any, stop: Any, on_category: Any
    ) -> Verdict:
        del report
        assert (task.release.id, task.baseline_id) == ("r2", "r1")
        tell(workspace)
        return await evaluated.run(workspace, stop=stop, on_category=on_category)

    return run


# -- runs ------------------------------------------------------------------------------------------


@SIZES
async def test_pictures_of_runs_and_flips(size: Size, console: Opener, acme: Workspace) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    later(acme, 10)
    await seed_stopped(acme)
    later(acme, 10)
    async with console(size=size, on=acme) as it:
        await picture(it, album, "evals-stopped", "6")
        await picture(it, album, "evals-run-choice", "e")
        await picture(it, album, "evals-against-choice", "enter")
        await picture(it, album, "evals-verdict", "escape", "down")
        await picture(it, album, "flips", "enter")
        await picture(it, album, "flips-filter", "slash", "type:category:tone")
        await picture(it, album, "flips-filtered", "enter", "down")
        await picture(it, album, "flips-nothing", "slash", "type: tag:billing", "enter")
        await picture(it, album, "flips-diff", "escape", "escape", "enter")
    album.settle()


@SIZES
async def test_a_workspace_without_runs_says_what_to_do(size: Size, console: Opener) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size) as it:
        await picture(it, album, "evals-seeded", "6")
    album.settle()


async def test_the_words_and_the_limit_are_there_without_a_colour(console: Opener, acme: Workspace) -> None:
    async with console(size=(80, 24), on=acme) as it:
        await it.press("6")
        lines = it.text.splitlines()
    assert any("✗ relevance      block" in one and "-16.7" in one for one in lines)
    assert any("✓ safety         pass" in one for one in lines)
    assert any("~ tone           only warns" in one for one in lines)
    drawn = [one for one in lines if "┊" in one and "beyond" not in one]
    assert len(drawn) == 3, "each category stands against the line that blocks"
    assert len({one.index("┊") for one in drawn}) == 1, "on one scale"
    assert next(one for one in drawn if "tone" in one).index("◂") < drawn[0].index("┊")


async def test_a_run_is_watched_kept_as_evidence_and_read_again(
    console: Opener, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(acme, 60)
    monkeypatch.setattr(evals_verb, "run", scripted())
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "e", "type:r2", "enter", "enter")
        assert "○ not kept" in it.text and "✗ block" in it.text
        assert acme.store.at().verdict_ids("r2").__len__() == 1, "nothing is committed by running"
        await it.press("s", "type:as a second look", "enter")
        assert "not kept" not in it.text and it.text.count("● evidence") == 2
    newest, older = acme.store.at().verdicts("r2")
    assert newest.at > older.at and newest.outcome == "block"


async def test_a_run_can_be_stopped_and_goes_on_where_it_was(
    console: Opener, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(acme, 60)
    started = asyncio.Event()

    async def waits(workspace: Workspace, task: Any, *, report: Any, stop: Any, on_category: Any) -> Verdict:
        del task, report

        def tell(*category: Any) -> None:
            on_category(*category)
            started.set()

        return await evaluated.run(workspace, stop=stop, after=30, on_category=tell)

    monkeypatch.setattr(evals_verb, "run", waits)
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "e", "type:r2", "enter", "enter")
        assert started.is_set()
        await it.press("home")
        assert "‖ stopped" in it.text and "r goes on with it" in it.text
        journal = next((acme.state / RUNS).glob("*.jsonl"))
        there = journal.read_text().count('"line":"answer"')
        asked: list[str] = []
        monkeypatch.setattr(evals_verb, "run", scripted())
        original = evaluated.Script.answer

        async def counting(self: Any, case: Any, repeat: int) -> Any:
            asked.append(case.id)
            return await original(self, case, repeat)

        monkeypatch.setattr(evaluated.Script, "answer", counting)
        await it.press("r")
        assert "○ not kept" in it.text
    assert there >= 30 and len(asked) == 200 - there, "what was answered is not asked again"


async def test_a_run_that_another_process_holds_is_not_begun_twice(
    console: Opener, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(acme, 60)
    await seed_stopped(acme)
    monkeypatch.setattr(evals_verb, "run", scripted())
    journal = next((acme.state / RUNS).glob("*.jsonl"))
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6")
        assert "▶ going on" in it.text, "somebody wrote to it a moment ago"
        with journal.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            await it.press("r")
            assert "under way in another process" in it.text.replace("\n", " ")
        await it.press("escape", "home", "r")
        assert "○ not kept" in it.text


def test_the_tier_is_the_one_that_lets_the_verdict_count(acme: Workspace) -> None:
    assert task_for(acme, "r2", "r1").tier == "full"
    environments = tuple(
        one.model_copy(update={"gate": GatePolicy(tier="extended" if one.production else "smoke")})
        for one in acme.store.at().policy.environments
    )
    changed = acme.store.at().policy.model_copy(update={"environments": environments})
    apply(acme, policy.plan(acme, changed), "stricter")
    assert task_for(acme, "r2", "r1").tier == "extended", "production serves r1"
    assert task_for(acme, "r1", "r2").tier == "smoke", "staging serves r2"
    alone = task_for(acme, "r2", None)
    assert (alone.baseline, alone.tier) == (None, "smoke")


async def test_while_a_run_goes_on_bars_grow_and_x_stops_it(
    console: Opener, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.console.test_console_goldens import until

    async def waits(_: Workspace, __: Any, *, report: Any, stop: Any, on_category: Any) -> Verdict:
        from store.progress import Progress, check

        report(Progress("evals/support", 30, 112, "relevance r2"))
        on_category("relevance", 0.75, 0.9, 20, 24)
        on_category("tone", None, None, 0, 68)
        for _round in range(5_000):
            check(stop, "The evals")
            await asyncio.sleep(0.002)
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr(evals_verb, "run", waits)
    for size in ((80, 24), (140, 45)):
        album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
        async with console(size=size, on=acme) as it:
            await it.press("6", "e", "type:r2", "enter")
            await it.pilot.press("enter")
            for shown in ("▶ 27 %", "-15.0", "20 of 24 answers"):
                await until(it, shown)
            album.take(it, "evals-running")
            await it.pilot.press("e")
            await until(it, "Evals are running; x stops them.")
            await it.pilot.press("x")
            await it.settle()
            assert "Stopped" in it.text and "27 %" not in it.text
        album.settle()


# -- flips ------------------------------------------------------------------------------------------


async def test_flips_are_listed_worst_first_with_both_answers(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "enter")
        assert "36 cases flipped" in it.text
        assert "It [takes 1 days, please]." in it.text and "{Ask [/red] support.}" in it.text
        assert "contains none of 'days'" in it.text
        assert "+ 2 shipping.md" in it.text and "= 1 refunds.md" in it.text
        await it.press("enter")
        assert "− It [takes 1 days, please]." in it.text and "passages after" in it.text


async def test_flips_are_filtered_and_exported(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "enter", "slash", "type:category:relevance tag:login verdict:worse", "enter")
        assert "2 of 36 cases" in it.text
        await it.press("e", "enter")
        await it.press("slash", "type: verdict:odd", "enter")
        assert "verdict:odd matches nothing here" in it.text
        await it.press("escape")
        assert "36 cases flipped" in it.text
        await it.press("escape")
        assert "[6 Evals]" in it.text
    rows = [json.loads(one) for one in (acme.root / "flips-r2.jsonl").read_text().splitlines()]
    assert [row["case"] for row in rows] == ["relevance-1", "relevance-3"]
    assert rows[0]["answer_after"].startswith("It depends.") and rows[0]["before"] == 1.0


async def test_without_the_journal_the_verdict_says_what_it_kept(console: Opener, acme: Workspace) -> None:
    shutil.rmtree(acme.state / RUNS)
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "enter")
        assert "36 cases flipped" in it.text and "as the verdict kept it" in it.text
        assert "{Ask [/red] support.}" in it.text


async def test_a_damaged_journal_costs_what_is_damaged_and_nothing_else(
    console: Opener, acme: Workspace
) -> None:
    folder = acme.state / RUNS
    (folder / f"{'a' * 64}.jsonl").write_bytes(b'{"line":"start"\n\xff\xfe{}\n')
    (folder / f"{'b' * 64}.jsonl").write_bytes(b"")
    (folder / f"{'c' * 64}.jsonl").mkdir()
    later(acme, 10)
    await seed_stopped(acme)
    path = folder / f"{'5' * 64}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:9]) + b'{"line":"answer","torn' + b"".join(lines[9:])[:200])
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6")
        assert it.text.count("r2  ") >= 2
        assert "▶ going on" in it.text or "‖ stopped" in it.text


async def test_pictures_with_hostile_words(
    console: Opener, tmp_path: Path, evaluated_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del evaluated_root
    from tests.console.hostile import NASTY

    monkeypatch.setattr(evaluated, "AFTER", evaluated.Script(evaluated.AFTER._words, ("relevance-1",), NASTY))
    with seeding():
        workspace = evaluated.prepared(tmp_path / "nasty", tmp_path / "scratch", words=f" {NASTY}")
    for size in ((80, 24), (140, 45)):
        album = Album(f"hostile-{size[0]}x{size[1]}", tones=size == (80, 24))
        monkeypatch.setattr(evals_verb, "run", scripted())
        async with console(size=size, on=workspace) as it:
            await it.press("6", "e", "type:r2", "enter", "enter")
            await picture(it, album, "evals")
            await picture(it, album, "flips", "enter")
            await picture(it, album, "flips-diff", "enter")
            await picture(it, album, "draft-case", "escape", "c")
            await picture(it, album, "draft-case-plan", "enter")
        album.settle()
        later(workspace, 60)
