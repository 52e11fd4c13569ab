"""The Compare screen and the Shadow view, on real pipelines and a scripted model on loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.controller.work import work_once
from console.operations.apply import apply
from console.operations.shadow import start
from console.screens.compare import CompareScreen
from store.clock import FixedClock
from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Console, Opener
from tests.console.hostile import NASTY
from tests.console.rolling import ANA
from tests.console.seeded import seeding
from tests.evals.server import FaultServer
from tests.operations.shadows import App, another, answer_from_context, copied, later, made
from tests.support.workspaces import NOON

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(answer=answer_from_context) as running:
        yield running


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    """r1 serves production, r2 (another prompt) staging."""
    root = tmp_path_factory.mktemp("comparing")
    acme = made(root, server)
    another(acme, root / "scratch", "Answer kindly from these passages:\n\n{{context}}\n")
    return acme


@pytest.fixture
def comparing(template: Path, tmp_path: Path, server: FaultServer) -> Workspace:
    server.answer = answer_from_context
    workspace = Workspace(copied(template, tmp_path / "comparing"), FixedClock(NOON))
    workspace.__dict__["person"] = ANA
    return workspace


async def ask(it: Console, *keys: str) -> None:
    """Presses `keys` and waits for the answers."""
    await it.press(*keys)
    for _ in range(600):
        await it.pilot.pause(0.02)
        await it.settle()
        if "x stops" not in it.text:
            return
    raise AssertionError(f"the answers never came:\n{it.text}")


async def test_two_releases_answer_a_typed_question_side_by_side(
    console: Opener, comparing: Workspace
) -> None:
    async with console(size=(140, 45), on=comparing) as it:
        await it.press("7")
        assert "r1 (production)  beside  r2 (staging)" in it.text
        await ask(it, "a", "type:How many days do I have?", "enter")
        assert "? How many days do I have?" in it.text
        assert "r1 " in it.text and "r2 " in it.text and "tokens" in it.text
        assert "{kindly }" in it.text and "= 1 shipping.md" in it.text
        await it.press("e", "enter")
    kept = (comparing.root / "compared.jsonl").read_text()
    assert kept.count("\n") == 1 and '"release": "r2"' in kept


async def test_kept_requests_are_asked_anew_and_one_that_fails_says_so(
    console: Opener, comparing: Workspace, server: FaultServer
) -> None:
    app = App(comparing)
    apply(comparing, start.plan(comparing, "r2", "production", percent=100), "see")
    app.serve(3, answer=lambda _, question: f"About {question}", retrieved=lambda _: ())
    async with console(size=(140, 45), on=comparing) as it:
        await it.press("7", "i", "down")
        await ask(it, "enter")
        assert "r1 answered: About" in it.text
        await ask(it, "m")
        assert it.text.count("About") == 1 and "passages" in it.text

        server.answer = lambda _: None  # content null, as some servers answer when they mean an error
        await ask(it, "m")
        assert "✗ no answer" in it.text and "✗ none" in it.text


async def test_without_two_releases_it_says_what_is_missing(console: Opener) -> None:
    async with console(size=(80, 24)) as it:
        await it.press("7", "x")
        assert "Nothing is being asked." in it.text
        await it.press("i")
        assert "no request is stored here" in it.text


async def test_the_pair_can_be_chosen_and_swapped(console: Opener, comparing: Workspace) -> None:
    async with console(size=(140, 45), on=comparing) as it:
        await it.press("7", "u")
        assert "r2 (staging)  beside  r1 (production)" in it.text
        await it.press("f", "type:r1", "enter")
        assert "r1 (production)  beside  r1 (production)" in it.text


@SIZES
async def test_pictures_of_comparing(
    size: tuple[int, int], console: Opener, comparing: Workspace, server: FaultServer
) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    hostile = Album(f"hostile-{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size, on=comparing) as it:
        await it.press("7")
        album.take(it, "compare-empty")
        await it.press("o")
        album.take(it, "compare-shell")
        await it.press("escape")
        server.answer = lambda _: f"{NASTY} {NASTY}"
        await ask(it, "a", "type:[red]What?[/]", "enter")
        await timeless(it)
        hostile.take(it, "compare")
    album.settle()
    hostile.settle()


async def timeless(it: Console) -> None:
    """Latencies are of this machine; they are left out of the picture."""
    screen = it.app.screen
    assert isinstance(screen, CompareScreen)
    for one in screen._found:
        for side in (one.first, one.second):
            object.__setattr__(side.answer, "latency_ms", 0.0)
    screen._list()
    await it.settle()


@pytest.fixture
def shadowed(comparing: Workspace) -> Workspace:
    with seeding():
        apply(comparing, start.plan(comparing, "r2", "production", percent=100), "see")
        App(comparing).serve(6, answer=lambda _, question: f"About {question}", retrieved=lambda _: ())
        assert work_once(comparing).replayed == 6
        later(comparing, minutes=2)
    return comparing


async def test_a_shadow_is_looked_at_compared_and_ended(console: Opener, shadowed: Workspace) -> None:
    async with console(size=(140, 45), on=shadowed) as it:
        await it.press("3", "w")
        assert "r2 in the shadow of r1 in production" in it.text and "6 replayed" in it.text
        assert "differs most" in it.text and "failures" in it.text
        await ask(it, "enter")
        assert "[7 Compare]" in it.text and "r1 answered: About" in it.text
        await it.press("3", "w", "x", "enter")
        assert shadowed.store.at().environment("production").shadow is None
        assert "No shadow is on in production" in it.text
        await it.press("escape")
        assert "[3 Rollout]" in it.text


async def test_a_shadow_is_begun_from_the_screen(console: Opener, comparing: Workspace) -> None:
    async with console(size=(140, 45), on=comparing) as it:
        await it.press("3", "w", "s", "type:r2", "enter", "enter")
        assert "Shadow 10 % of production with r2" in it.text
        await it.press("enter", "type:a look", "enter")
        shadow = comparing.store.at().environment("production").shadow
        assert shadow is not None and (shadow.release, shadow.percent) == ("r2", 10)
        assert "no controller has looked" in it.text


@SIZES
async def test_pictures_of_a_shadow(size: tuple[int, int], console: Opener, comparing: Workspace) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    with seeding():
        async with console(size=size, on=comparing) as it:
            await it.press("3", "w")
            album.take(it, "shadow-none")
            apply(comparing, start.plan(comparing, "r2", "production", percent=100), "see")
            it.app.look_again()
            await it.settle()
            album.take(it, "shadow-begun")
    album.settle()
    shutil.rmtree(comparing.root, ignore_errors=True)


async def test_an_answer_becomes_a_test_of_the_suite(console: Opener, comparing: Workspace) -> None:
    async with console(size=(140, 45), on=comparing) as it:
        await it.press("7", "c")
        assert "Nothing is asked yet." in it.text
        await ask(it, "a", "type:How many days do I have?", "enter")
        await it.press("c")
        assert "A test for evals/support, from an answer of r2" in it.text
        await it.press("enter")
        assert "contains wants a text after it" in it.text
        await it.press("type:30 days", "enter", "enter")
    snapshot = comparing.store.at()
    pin = snapshot.pin("evals/support")
    last = json.loads(snapshot.files(pin)["cases.jsonl"].splitlines()[-1])
    assert pin.version == "v2" and last["id"] == "how-many-days-do-i-have"
    assert last["input"] == "How many days do I have?" and last["must_pass"] is True
    assert last["expect"] == [{"grader": "contains", "all": ["30 days"]}]
