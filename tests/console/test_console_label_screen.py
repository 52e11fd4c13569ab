"""Labelling answers for the judge: one key each, kept at once, landed together, blind to the judge."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from console.operations.apply import StalePlan, apply
from console.operations.evals import labelling
from console.operations.evals.to_label import ToLabel
from evals.judge.labels import Label
from evals.suite import parse_suite
from store.errors import InputError
from store.records.component import Component, Kind
from store.workspace import Workspace
from tests.console import evaluated
from tests.console.album import Album
from tests.console.conftest import Console, Opener, shared
from tests.console.evaluated import open_evaluated, seed_evaluated
from tests.console.hostile import NASTY
from tests.console.seeded import seeding

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")
SUITE = Component(Kind.EVALS, "support")


@pytest.fixture(autouse=True)
def _author(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)


@pytest.fixture(scope="session")
def evaluated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "evaluated", seed_evaluated)


@pytest.fixture
def acme(evaluated_root: Path, tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    shutil.copytree(evaluated_root, tmp_path / "evaluated")
    return open_evaluated(tmp_path / "evaluated")


def truly(one: ToLabel) -> bool:
    """What the scripted judge's own rule says."""
    return "please" in one.answer


def label_all(workspace: Workspace, count: int, wrong: int = 0) -> labelling.Desk:
    """Labels the first `count` answers as the judge would, but the first `wrong` of them."""
    desk = labelling.desk(workspace, SUITE)
    for place, one in enumerate(desk.queue[:count]):
        desk = labelling.say(workspace, desk, one, truly(one) != (place < wrong))
    return desk


async def picture(it: Console, album: Album, name: str, *keys: str) -> None:
    it.app.clear_notifications()
    await it.press(*keys)
    album.take(it, name)


@SIZES
async def test_pictures_of_labelling(size: tuple[int, int], console: Opener, acme: Workspace) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size, on=acme) as it:
        await picture(it, album, "label", "6", "m")
        await picture(it, album, "label-said", "y", "n", "y")
        await picture(it, album, "label-land-plan", "s")
    album.settle()


async def test_the_judge_speaks_only_after_the_person(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "m")
        assert "30 of 30 cases still to be labelled before it may block" in it.text
        for _ in range(4):
            answer = it.text.partition("answer    ")[2].splitlines()[0]
            before = it.text.partition("not known yet")[2]
            assert "the judge said" not in before and "by the rubric" not in it.text
            assert "r1 " not in it.text and "r2 " not in it.text, "whose answer it is would tell too"
            await it.press("y")
            said = "the judge too" if "please" in answer else "the judge said no"
            assert f"you said yes, {said}" in it.text
        assert "26 of 30 cases still" in it.text and "4 labels not landed" in it.text
        await it.press("b")
        assert "you said yes" in it.text.partition("answer 4 of")[2].splitlines()[0]
        await it.press("n")
        assert "4 labels not landed" in it.text, "a label that was changed is no second one"
    kept = labelling.drafts_of(acme, SUITE).read()
    assert len(kept) == 5 and [one.label for one in kept][-1] is False
    assert {one.by for one in kept} == {"ana"} and all(one.about for one in kept)


async def test_walking_begins_where_nothing_was_said(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "m", "y", "y")
        await it.press("escape", "m", "f", "b")
        assert "answer 1 of 68" in it.text and "you said" not in it.text
        await it.press("b", "3")
        assert "This is the first answer." in it.text and "This rubric wants y n." in it.text
        assert "2 labels not landed" in it.text


async def test_labels_land_in_the_next_version_where_agreement_is_measured(
    console: Opener, acme: Workspace
) -> None:
    desk = label_all(acme, 33, wrong=1)
    (tally,) = desk.tallies()
    assert (tally.cases, tally.missing, tally.compared) == (33, 0, 33) and tally.kappa
    assert 0.9 < tally.kappa < 1
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "m")
        assert "33 cases labelled, enough to block" in it.text and ", enough on 33" in it.text
        await it.press("s")
        assert "33 labels by ana" in it.text and "labels.jsonl has 33 labels then" in it.text
        await it.press("type:calibration", "enter")
        assert "evals/support@v2" in it.text and "not landed" not in it.text
        await it.press("s")
        assert "No label waits to be landed." in it.text
    snapshot = acme.store.at()
    suite = parse_suite(snapshot.files(snapshot.newest(SUITE)), "evals/support@v2")
    assert len(suite.labels) == 33 and len(suite.cases) == 56
    assert any("counts in a run that finds it to agree" in one for one in suite.coverage())
    with pytest.raises(InputError, match="no label"):
        labelling.plan(acme, SUITE)


async def test_a_judge_whose_labels_landed_may_block(acme: Workspace) -> None:
    label_all(acme, 33)
    apply(acme, labelling.plan(acme, SUITE), "calibrated")
    found = await evaluated.run(acme, newest=True)
    tone = next(one for one in found.categories if one.name == "tone")
    assert tone.outcome == "block" and not tone.only_warns


def test_what_landed_meanwhile_stays_and_a_plan_is_looked_at_again(acme: Workspace) -> None:
    label_all(acme, 2)
    mine = labelling.plan(acme, SUITE)
    label_all(acme, 3)
    apply(acme, labelling.plan(acme, SUITE), "somebody else")
    with pytest.raises((StalePlan, InputError)):
        apply(acme, mine, "too late")
    snapshot = acme.store.at()
    assert snapshot.newest(SUITE).version == "v2"
    assert len(parse_suite(snapshot.files(snapshot.newest(SUITE)), "x").labels) == 5


def test_the_last_word_counts_and_what_landed_waits_no_more(acme: Workspace) -> None:
    desk = labelling.desk(acme, SUITE)
    one, other = desk.queue[:2]
    desk = labelling.say(acme, labelling.say(acme, desk, one, True), one, False)
    assert [label.label for label in desk.waiting] == [False]
    apply(acme, labelling.plan(acme, SUITE), "first")
    desk = labelling.desk(acme, SUITE)
    assert (desk.waiting, desk.mine(one), len(desk.labels)) == ((), False, 1)
    labelling.say(acme, desk, other, True)
    assert len(labelling.drafts_of(acme, SUITE).read()) == 1, "what landed is not kept twice"
    apply(acme, labelling.plan(acme, SUITE), "second")
    snapshot = acme.store.at()
    labels = parse_suite(snapshot.files(snapshot.newest(SUITE)), "x").labels
    assert [label.label for label in labels] == [False, True]


def test_a_label_does_not_outlive_its_rubric(acme: Workspace, tmp_path: Path) -> None:
    from console.operations.add import evals

    label_all(acme, 2)
    folder = evaluated.suite_files(tmp_path / "other")
    cases = (folder / "cases.jsonl").read_text()
    (folder / "cases.jsonl").write_text(cases.replace("says 'please'", "is kind"))
    apply(acme, evals.plan(acme, "support", folder), "another rubric")
    desk = labelling.desk(acme, SUITE)
    assert (len(desk.labels), desk.outdated, desk.queue) == (0, 2, ())
    with pytest.raises(InputError, match="no label"):
        labelling.plan(acme, SUITE)


async def test_what_cannot_be_kept_is_said_and_may_be_tried_again(
    console: Opener, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "m")
        with monkeypatch.context() as broken:
            broken.setattr("evals.judge.drafts.os.fsync", _full)
            await it.press("y")
            assert "The label was not kept" in it.text and "No space left" in it.text
        await it.press("escape")
        assert "answer 1 of 68" in it.text
        await it.press("y")
        assert "1 label not landed" in it.text


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")


async def test_read_only_labels_nothing(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme, readonly=True) as it:
        await it.press("6", "m")
        assert "[6 Evals]" in it.text and "m label" not in it.text


async def test_an_answer_of_points_is_labelled_by_its_digit(
    console: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = evaluated.suite_files

    def on_scale(*args: object, **more: object) -> Path:
        folder = original(*args, **more)  # type: ignore[arg-type]
        cases = (folder / "cases.jsonl").read_text()
        (folder / "cases.jsonl").write_text(cases.replace('"votes": 1', '"votes": 1, "scale": "1-5"'))
        return folder

    monkeypatch.setattr(evaluated, "suite_files", on_scale)
    await asyncio.to_thread(seed_evaluated, tmp_path / "points", tmp_path / "scratch")
    acme = open_evaluated(tmp_path / "points")
    async with console(size=(80, 24), on=acme) as it:
        await it.press("6", "m")
        assert "1 – 5 points" in it.text and "1 to 5" in it.text
        await it.press("y")
        assert "This rubric wants 1 – 5." in it.text
        await it.press("4", "b")
        assert "you said 4 of 5" in it.text
    (kept,) = labelling.drafts_of(acme, SUITE).read()
    assert isinstance(kept, Label) and kept.label == 4


@SIZES
async def test_pictures_with_hostile_words(
    size: tuple[int, int], console: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {**evaluated.BEFORE._words, "tone": "{n} " + NASTY.replace("{", "{{").replace("}", "}}")}
    monkeypatch.setattr(evaluated, "BEFORE", evaluated.Script(words))
    with seeding():
        workspace = evaluated.prepared(tmp_path / "nasty", tmp_path / "scratch", words=f" {NASTY}")
        await evaluated.run(workspace)
    album = Album(f"hostile-{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size, on=workspace) as it:
        await picture(it, album, "label", "6", "m")
        await picture(it, album, "label-said", "n", "y")
    album.settle()
