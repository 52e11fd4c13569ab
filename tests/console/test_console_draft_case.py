"""From a bad answer to a test in one key: what is asked, what lands, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.operations.apply import StalePlan, apply
from console.operations.evals import drafting
from console.operations.evals.drafting import CaseDraft, id_for, told, understood
from evals.case import Case
from evals.suite import Suite, parse_suite
from store.bounded import validate
from store.errors import InputError
from store.records.component import Component, Kind
from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Console, Opener, shared
from tests.console.evaluated import open_evaluated, seed_evaluated
from tests.console.hostile import NASTY

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")
SUITE = Component(Kind.EVALS, "support")


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)


@pytest.fixture(scope="session")
def evaluated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "evaluated", seed_evaluated)


@pytest.fixture
def acme(evaluated_root: Path, tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    shutil.copytree(evaluated_root, tmp_path / "evaluated")
    return open_evaluated(tmp_path / "evaluated")


def newest(workspace: Workspace) -> tuple[str, Suite]:
    snapshot = workspace.store.at()
    pin = snapshot.newest(SUITE)
    return pin.version, parse_suite(snapshot.files(pin), str(pin))


def draft(**values: object) -> CaseDraft:
    known: dict[str, object] = {
        "suite": "evals/support",
        "id": "refund",
        "input": "How long?",
        "category": "relevance",
        "expects": "contains 30 days",
        "about": "an answer of r2",
    }
    return CaseDraft(**{**known, **values})  # type: ignore[arg-type]


async def picture(it: Console, album: Album, name: str, *keys: str) -> None:
    it.app.clear_notifications()
    await it.press(*keys)
    album.take(it, name)


@SIZES
async def test_pictures_of_a_draft(size: tuple[int, int], console: Opener, acme: Workspace) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size, on=acme) as it:
        await picture(it, album, "draft-case", "6", "enter", "c")
        await it.erase(len("contains days"))
        await picture(it, album, "draft-case-empty", "enter")
        await picture(it, album, "draft-case-plan", "type:refusal", "enter")
    album.settle()


async def test_a_flip_becomes_a_test_by_one_key_and_two_enters(console: Opener, acme: Workspace) -> None:
    before = acme.store.at().commit
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "enter", "c", "escape")
        await it.press("c", "enter", "escape")
        assert acme.store.at().commit == before, "nothing is there before it was confirmed"
        await it.press("c", "enter", "enter")
        assert "evals/support@v2" in it.text or "Done" in it.text
    version, suite = newest(acme)
    case = suite.cases[-1]
    assert version == "v2" and len(suite.cases) == 57
    assert (case.id, case.category, case.must_pass, case.tags) == (
        "relevance-1-2",
        "relevance",
        True,
        (drafting.TAG,),
    )
    assert case.input == suite.cases[1].input and told(case.expect) == "contains days"
    assert acme.store.at().files(acme.store.at().pin("evals/support@v1")), "the version before stays"


async def test_what_cannot_be_read_keeps_the_form_open(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await it.press("6", "enter", "c", "type: and more", "shift+tab", "type:x", "enter")
        assert "the suite has no category 'relevancex'" in it.text
        await it.erase(1)
        await it.press("tab")
        await it.erase(len("contains days and more"))
        await it.press("type:says nothing", "enter")
        assert "'says' is no grader that takes a text" in it.text
        await it.erase(len("says nothing"))
        await it.press('type:[{"grader"', "enter")
        assert "is not valid JSON" in it.text
        await it.press("escape")
    assert newest(acme)[0] == "v1"


async def test_read_only_makes_no_tests(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme, readonly=True) as it:
        await it.press("6", "enter", "c")
        assert "make test" not in it.text and "A test for" not in it.text


def test_what_landed_meanwhile_stays(acme: Workspace) -> None:
    mine = drafting.plan(acme, draft())
    apply(acme, drafting.plan(acme, draft(id="other", input="Other?")), "somebody else")
    with pytest.raises(StalePlan) as stale:
        apply(acme, mine, "mine")
    apply(acme, stale.value.plan, "mine")
    version, suite = newest(acme)
    assert version == "v3" and [case.id for case in suite.cases[-2:]] == ["other", "refund"]


@pytest.mark.parametrize(
    ("values", "says"),
    (
        ({"id": "relevance-1"}, "has a case 'relevance-1' already"),
        ({"id": "no spaces"}, "cannot be added: id"),
        ({"id": ""}, "cannot be added: id"),
        ({"category": "other"}, "is not in suite.toml"),
        ({"expects": ""}, "it is empty"),
        ({"expects": "contains"}, "wants a text after it"),
        ({"expects": "regex ("}, "cannot be added"),
        ({"expects": '{"grader": "nope"}'}, "there is no grader 'nope'"),
        ({"expects": "[1]"}, "no list of graders"),
        ({"expects": '[{"grader": "equals"}]'}, "value"),
        ({"suite": "evals/none"}, "none"),
    ),
)
def test_a_draft_that_is_no_case_is_refused_in_one_sentence(
    acme: Workspace, values: dict[str, object], says: str
) -> None:
    before = acme.store.at().commit
    with pytest.raises(InputError, match=says.replace("(", r"\(")) as refused:
        drafting.plan(acme, draft(**values))
    assert "\n" not in refused.value.message and "line " not in refused.value.message
    assert acme.store.at().commit == before


def test_the_same_case_by_another_name_is_refused(acme: Workspace) -> None:
    apply(acme, drafting.plan(acme, draft()), "first")
    with pytest.raises(InputError, match="this very case already"):
        drafting.plan(acme, draft(id="another-name"))


def test_messages_variables_and_hostile_words_land_as_they_are(acme: Workspace) -> None:
    turns = [{"role": "user", "content": NASTY}, {"role": "assistant", "content": "x"}]
    case = validate(
        Case,
        {"id": "x", "input": turns, "expect": [{"grader": "refusal"}], "category": "safety"},
        "the case",
    )
    apply(acme, drafting.plan(acme, draft(input=case.input, id="turns")), "turns")
    variables = {"question": NASTY, "days": 30, "vip": True}
    apply(acme, drafting.plan(acme, draft(input=variables, id="variables", expects=f"judge {NASTY}")), "v")
    _, suite = newest(acme)
    assert [one.input for one in suite.cases[-2:]] == [case.input, variables]
    snapshot = acme.store.at()
    lines = snapshot.files(snapshot.newest(SUITE))["cases.jsonl"].decode().splitlines()
    assert "\x1b" not in lines[-1] and json.loads(lines[-1])["input"] == variables


words = st.text("abc é漢\x1b\u202e[]", min_size=1, max_size=30).filter(str.strip)


@given(st.sampled_from(("contains", "not_contains", "equals", "fuzzy", "judge")), words)
def test_an_expectation_in_words_is_read_again(grader: str, text: str) -> None:
    entries = understood(f"{grader} {text}")
    case = validate(Case, {"id": "x", "input": "y", "expect": entries, "category": "z"}, "the case")
    again = validate(
        Case, {"id": "x", "input": "y", "expect": understood(told(case.expect)), "category": "z"}, "the case"
    )
    assert again.content_hash == case.content_hash
    assert not any(ord(character) < 32 for character in told(case.expect))


@given(st.text(max_size=80), st.sets(st.sampled_from(("case", "how-long", "how-long-2"))))
def test_an_id_is_one_and_not_taken(question: str, taken: set[str]) -> None:
    made = id_for(question, taken)
    assert made not in taken
    validate(
        Case,
        {"id": made, "input": "y", "expect": [{"grader": "refusal"}], "category": "z"},
        "the case",
    )
