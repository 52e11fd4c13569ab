"""What two index versions find for the same questions: from the Indexes screen, side by side."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from console.operations.index import retrieval
from console.views.line import text_of
from console.views.retrieval import change_head, found_lines, questions_table, whole_lines
from evals.answer import Retrieved
from evals.retrieval_change import Question, refound, retrieval_change
from store.progress import Progress, check
from store.records.component import Pin
from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Console, Opener
from tests.console.hostile import ACTING, LONG, NASTY
from tests.console.seeded import NOW, open_seeded
from tests.console.test_console_goldens import until

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")
Size = tuple[int, int]
QUERIES: tuple[dict[str, Any], ...] = (
    {"query": "How long is the warranty?", "id": "warranty", "context_ids": ["warranty.md"]},
    {"query": "Do you wrap gifts?", "id": "gifts", "context_ids": ["gifts.md"]},
    {"query": "How many days do refunds take?", "id": "refunds", "context_ids": ["refunds.md"]},
    {"query": "When do you ship?", "id": "shipping"},
)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks and no second passes."""
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)
    monkeypatch.setattr("console.screens.progress.monotonic", lambda: 0.0)


@pytest.fixture
def queries(workspace: Workspace) -> Path:
    """A file of questions in the workspace's folder."""
    path = workspace.root / "queries.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in QUERIES))
    return path


async def asked(it: Console, of: str = "type:file", name: str = "type:queries.jsonl") -> None:
    """From the overview to what v3 of the handbook and v2 find."""
    await it.press("4", "home", "c", of, "enter", *((name, "enter") if name else ()))


def said(it: Console) -> str:
    """What the screen says, without frames and the ends of lines."""
    return " ".join(re.sub("[│▌]", " ", it.text).split())


@SIZES
async def test_pictures(size: Size, console: Opener, queries: Path) -> None:
    del queries
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size) as it:

        async def picture(name: str, *keys: str) -> None:
            it.app.clear_notifications()
            await it.press(*keys)
            album.take(it, name)

        await picture("retrieval-choice", "4", "home", "c")
        await picture("retrieval-file", "type:file", "enter")
        await picture("retrieval", "type:queries.jsonl", "enter")
        await picture("retrieval-second", "down")
        await picture("retrieval-whole", "enter")
        await picture("retrieval-filtered", "escape", "slash", "type:wrap", "enter")
    album.settle()


async def test_the_questions_are_filtered_and_exported(
    console: Opener, workspace: Workspace, queries: Path
) -> None:
    del queries
    async with console(size=(120, 40)) as it:
        await asked(it)
        rows = [line for line in it.text.splitlines() if "→" in line and ("≠" in line or "= same" in line)]
        assert len(rows) == 3, "one of the four has nobody who said what is wanted"
        await it.press("slash", "type:nothing like this", "enter")
        assert "no question matches" in it.text
        await it.press("e")
        assert "There is nothing to export." in it.text
        await it.press("escape", "slash", "type:SHIP when", "enter")
        assert "When do you ship?" in it.text and "Do you wrap gifts?" not in it.text
        await it.press("escape", "e")
        await it.press("enter")
        assert "4 lines in" in it.text or "5 lines in" in it.text
        await it.press("o")
        assert "lockgate diff index/handbook@v2 index/handbook@v3 --queries" in it.text
        await it.press("escape", "escape")
        assert "what changed" in it.text, "back on the Indexes screen"
    exported = list(csv.DictReader((workspace.root / "retrieval-handbook-v2-v3.csv").open()))
    assert {row["id"] for row in exported} == {str(one["id"]) for one in QUERIES}


async def test_a_suite_is_asked_and_the_first_version_has_nothing_before_it(console: Opener) -> None:
    async with console(size=(120, 40)) as it:
        await asked(it, "type:evals", "")
        assert "60 questions of evals/support, 5 passages each" in it.text
        await it.press("escape", "end", "c")
        assert "index/handbook@v1 is the first version; there is nothing before it." in said(it)


@pytest.mark.parametrize(
    ("name", "words"), [("missing.txt", "cannot be read"), ("settings.toml.jsonl", "cannot be read")]
)
async def test_a_file_that_cannot_be_read_says_so(console: Opener, name: str, words: str) -> None:
    async with console(size=(120, 40)) as it:
        await asked(it, name=f"type:{name}")
        assert "not done" in said(it) and words in said(it)


async def test_it_can_be_stopped(console: Opener, queries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del queries

    def slow(*_: Any, report: Any, stop: Any) -> None:
        report(Progress("asking both", 32, 96, "Do you wrap gifts?"))
        while True:
            check(stop, "The comparison")
            sleep(0.001)

    monkeypatch.setattr(retrieval, "compare_retrieval", slow)
    async with console(size=(120, 40)) as it:
        await it.press("4", "home", "c", "type:file", "enter", "type:queries.jsonl")
        await it.pilot.press("enter")
        await until(it, "asking both")
        await it.pilot.press("escape")
        await it.settle()
        assert "The comparison was cancelled; nothing was changed." in said(it)


@SIZES
async def test_hostile_words_do_nothing(size: Size, console: Opener, hostile_root: Path) -> None:
    hostile = open_seeded(hostile_root, NOW)
    async with console(size=size, on=hostile) as it:
        await asked(it, "type:evals", "")
        assert "60 questions" in it.text
        assert not ACTING.search(it.text.replace("\n", ""))


def test_everything_is_told_of_nasty_words() -> None:
    passages = (Retrieved(NASTY, NASTY, LONG, 0.25), Retrieved("b", "b.md", NASTY, 0.5))
    one = refound(Question(NASTY, NASTY, ("b.md", "gone.md")), passages, passages[1:], 5)
    first, second = Pin.parse("index/a@v1"), Pin.parse("index/b@v2")
    change = retrieval_change([one], 5)
    head = " ".join(map(text_of, change_head(first, second, NASTY, change)))
    assert "index/a@v1 → index/b@v2" in head and "recall@5 0.50 → 0.50 of 1" in head
    before, after = ("\n".join(map(text_of, found_lines(one, first, "v1"))) for first in (True, False))
    assert "+ 1 " in before and "= 2 b.md ✓ wanted  0.500  1 there" in before
    assert "= 1 b.md ✓ wanted  0.500  2 there" in after and "✗ not found: gone.md" in after
    assert len(before) < 2_000 < len("\n".join(map(text_of, whole_lines(one, ("v1", "v2")))))
    assert len(questions_table([one], False).rows) == 1 and not questions_table([], True).rows
    empty = refound(Question("q", "?"), (), (), 5)
    assert "nothing was found" in "\n".join(map(text_of, found_lines(empty, True, "v1")))
