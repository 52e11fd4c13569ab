"""Verifying an index version: every probe with its answer, stopped at any step, nothing left behind."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from console.operations import index_look
from console.operations.index_look import GoldenQuery, Verified
from console.views.line import text_of
from console.views.probes import probe_lines, verified_lines
from indexes import probe as probing
from store.errors import Cancelled, MachineryError
from store.progress import Progress
from store.records.component import Pin
from store.workspace import Workspace
from tests.console.conftest import Opener

PIN = Pin.parse("index/handbook@v2")


def around(workspace: Workspace) -> set[str]:
    """What lies in the index's folder beside the sealed versions."""
    home = workspace.indexes / "handbook"
    return {path.relative_to(home).as_posix() for name in ("live", "tmp") for path in (home / name).glob("*")}


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that probe."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **named))
        return started[-1]

    monkeypatch.setattr(probing.subprocess, "Popen", start)
    return started


@pytest.mark.parametrize("stage", ("verifying", "recomputing the digest", "copying", "probing"))
def test_a_verify_stops_at_every_step_and_leaves_nothing(
    stage: str, workspace: Workspace, processes: list[subprocess.Popen[bytes]]
) -> None:
    before, seen = around(workspace), []

    with pytest.raises(Cancelled, match="The verification was cancelled; nothing was changed"):
        index_look.verify(
            workspace,
            "handbook@v2",
            full=True,
            report=lambda step: seen.append(step.stage),
            stop=lambda: seen[-1:] == [stage],
        )
    assert seen[-1] == stage
    assert around(workspace) == before
    assert all(one.poll() is not None for one in processes)
    assert bool(processes) == (stage == "probing")


def test_hashing_stops_within_a_large_file(tmp_path: Path) -> None:
    from indexes.disk import copy_hashed, copy_plain, sha256_of

    large = tmp_path / "large"
    large.write_bytes(bytes(5 << 20))
    for work in (sha256_of, lambda path, stop: copy_hashed(path, tmp_path / "a", stop)):
        looks = iter([False, False, True])
        with pytest.raises(Cancelled):
            work(large, lambda looks=looks: next(looks))
    with pytest.raises(Cancelled):
        copy_plain(large, tmp_path / "b", lambda: True)


def test_a_verify_tells_every_probe_and_keeps_one_good_copy_only(workspace: Workspace) -> None:
    before = around(workspace)
    done = index_look.verify(workspace, "handbook@v2")
    assert around(workspace) == before, "a good copy was there: the one that was probed is thrown away"
    asked = index_look.probes(workspace, "handbook@v2")
    assert [one.id for one in done.queries] == [one.id for one in asked]
    assert all(one.right and one.found == len(one.nearest) for one in done.queries)
    assert all(one.right is None for one in asked)
    shutil.rmtree(workspace.indexes / "handbook" / "live")
    index_look.verify(workspace, "handbook@v2")
    assert len([name for name in around(workspace) if name.endswith(".json")]) == 1


def test_probes_of_a_version_that_is_not_here_say_so(workspace: Workspace) -> None:
    shutil.rmtree(workspace.indexes / "handbook" / "sealed")
    with pytest.raises(MachineryError, match="archived or never on this machine"):
        index_look.probes(workspace, "handbook@v2")


def test_wrong_probes_stand_first_and_say_how_wrong() -> None:
    ids = ("a.md#1", "b.md#2")
    queries = (
        GoldenQuery("a.md#1", "How long?\x1b[2J [/red]", ids, right=True, found=2),
        GoldenQuery("b.md#2", "less", ids, right=True, found=1),
        GoldenQuery("c.md#3", "wrong", ids, right=False, found=0),
    )
    shown = [text_of(one) for one in verified_lines(Verified(PIN, 8, 3, queries))]
    assert "2 of 3 probes right" in shown[1]
    answers = [text for text in shown if text.startswith(("✓ right", "✗"))]
    assert answers[0] == "✗ less found, 1 of 2  less"
    assert answers[1] == "✗ wrong first, 0 of 2  wrong"
    assert answers[2] == "✓ right, 2 of 2  How long?␛[2J [/red]"


def test_many_probes_with_long_words_are_bounded() -> None:
    queries = tuple(GoldenQuery(f"row{n}", "word " * 10_000, ("id" * 5_000,) * 100) for n in range(10_000))
    shown = [text_of(one) for one in probe_lines(queries)]
    assert len(shown) < 1_000
    assert max(map(len, shown)) < 1_000
    assert shown[-1] == "and 9,800 more"


async def test_documents_and_probes_are_tabs_of_one_panel(console: Opener) -> None:
    async with console(size=(80, 24)) as it:
        await it.press("4", "p")
        assert "[Probes]" in it.text
        assert "Refunds take 30 days." in it.text
        await it.press("tab")
        assert "[Documents]" in it.text
        assert "warranty.md" in it.text
        await it.press("left")
        assert "[Probes]" in it.text
        await it.press("y")
        assert it.app.clipboard == "index/handbook@v2"
        await it.press("escape", "v", "escape", "p")
        assert "✓ right, 3 of 3" in it.text, "what a verify found is still there"


async def test_escape_stops_a_verify(console: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    real = index_look.verify

    def slow(*arguments: Any, report: Any, stop: Any) -> Verified:
        report(Progress("verifying", 1, 3))
        while not stop():
            sleep(0.001)  # lets the screen go on
        return real(*arguments, report=report, stop=stop)

    monkeypatch.setattr(index_look, "verify", slow)
    async with console(size=(80, 24)) as it:
        await it.press("4")
        await it.pilot.press("v")
        while "1 of 3" not in it.text:
            await it.pilot.pause()
        assert "Esc stop" in it.text
        await it.pilot.press("escape")
        await it.settle()
        assert "The verification was cancelled" in it.text
        assert not it.app.screen.is_modal
