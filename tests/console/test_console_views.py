"""View models: what is decided without any screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.actions import ACTIONS, MODES, of
from console.operations.plan import Check, Plan, Risk
from console.screens.compare import CompareScreen
from console.screens.evals_keys import EvalsKeys
from console.screens.flips import FlipsScreen
from console.screens.help import help_lines
from console.screens.history import HistoryScreen
from console.screens.indexes import IndexesScreen
from console.screens.label import LabelScreen
from console.screens.overview_keys import OverviewKeys
from console.screens.place import PlaceScreen
from console.screens.quality import QualityScreen
from console.screens.retrieval import RetrievalScreen
from console.screens.stage import StageScreen
from console.screens.versions import VersionsDialog
from console.views.ages import age, span, stamp
from console.views.line import HANG, Part, line, text_of
from console.views.overview import difference
from console.views.plan import can_override, missing, plan_lines
from console.views.progress import bar, progress_lines
from console.views.query import parse_query
from console.views.table import GAP, Column, Row, layout
from console.widgets.content import fitted, flat, literal, paragraphs
from store.errors import InputError
from store.progress import Progress

NOW = datetime(2026, 3, 9, 14, tzinfo=UTC)


def test_a_filter_is_read_from_tokens_and_words() -> None:
    query = parse_query('env:production kind:rollback by:ana since:2026-03 "too vague" tone', NOW)
    assert query.filter.environment == "production"
    assert query.filter.kind == "rollback"
    assert query.filter.author == "ana"
    assert query.filter.since == datetime(2026, 3, 1, tzinfo=UTC)
    assert query.filter.text == "too vague tone"


def test_ages_and_open_quotes_are_understood() -> None:
    assert parse_query("since:3d", NOW).filter.since == NOW - timedelta(days=3)
    assert parse_query("it's \"open", NOW).filter.text


@pytest.mark.parametrize("text", ("who:ana", "since:yesterday", "until:2026-99"))
def test_what_is_no_filter_is_named(text: str) -> None:
    with pytest.raises(InputError, match=text.partition(":")[0] + "|" + text.partition(":")[2]):
        parse_query(text, NOW)


@given(st.text(max_size=200))
def test_any_filter_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        parse_query(text, NOW)
    except InputError as error:
        assert "\n" not in error.message


columns = st.lists(
    st.builds(
        Column,
        title=st.text("abc", max_size=12),
        grow=st.integers(0, 3),
        least=st.integers(1, 10),
        drop=st.integers(0, 4),
    ),
    min_size=1,
    max_size=7,
)


@given(columns, st.lists(st.lists(st.text(max_size=40), max_size=7), max_size=5), st.integers(1, 200))
def test_columns_fit_wherever_something_can_give(
    columns: list[Column], cells: list[list[str]], available: int
) -> None:
    rows = tuple(Row(str(n), tuple(line(text) for text in row)) for n, row in enumerate(cells))
    widths = layout(columns, rows, available)
    assert len(widths) == len(columns)
    shown = [width for width in widths if width]
    taken = sum(shown) + GAP * max(0, len(shown) - 1)
    stubborn = all(not column.drop and not column.grow for column in columns)
    if all(column.drop or column.grow for column in columns) and any(c.drop for c in columns):
        assert taken <= max(available, sum(c.least for c in columns if not c.drop) + GAP * len(columns) + 12)
    assert stubborn or taken >= 0


@given(st.text(max_size=300), st.integers(1, 60))
def test_fitted_text_has_exactly_its_width_and_nothing_that_acts(text: str, width: int) -> None:
    content = fitted((Part(text, "bad"),), width)
    assert content.cell_length == width == cell_len(content.plain)
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in content.plain)


@given(st.text(max_size=300))
def test_text_is_literal(text: str) -> None:
    assert not literal(text).spans
    assert "\x1b" not in literal(text).plain
    assert "\n" not in flat(line(text)).plain


def test_spans_and_stamps() -> None:
    said = [span(timedelta(seconds=s)) for s in (0, 59, 60, 3599, 3600, 47 * 3600, 48 * 3600)]
    assert said == ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 d"]
    assert age(NOW, NOW + timedelta(hours=1)) == "0 s"
    assert stamp(NOW, NOW.replace(hour=9)) == "09:00"
    assert stamp(NOW, NOW.replace(year=2025)) == "2025-03-09"


@given(st.floats(-1, 2), st.integers(1, 60))
def test_a_bar_has_its_width(share: float, width: int) -> None:
    assert len(bar(share, width)) == width


def test_progress_says_how_long_it_will_take() -> None:
    shown = [text_of(one) for one in progress_lines(Progress("embedding", 25, 100), 30)]
    assert "25 of 100" in shown[1]
    assert shown[2] == "30 s, about 1 min left"


@pytest.mark.parametrize(
    ("version", "before", "word"),
    (
        ("v2", "v2", ""),
        ("v3", "v2", "ahead"),
        ("v1", "v2", "behind"),
        (None, "v2", "not here"),
        ("v2", None, "only here"),
        ("v10", "v9", "ahead"),
    ),
)
def test_versions_are_compared_with_the_environment_before(
    version: str | None, before: str | None, word: str
) -> None:
    assert difference(version, before) == word


def plan(**values: object) -> Plan:
    return Plan(
        verb="promote", tip="0" * 40, title="Promote", summary="s", environment="production", **values
    )  # type: ignore[arg-type]


def test_what_is_missing_is_asked_for_one_after_the_other() -> None:
    wanted = plan(note_required=True, confirm="production", risk=Risk.FORWARD)
    assert missing(wanted, "", "").field == "why"  # type: ignore[union-attr]
    assert missing(wanted, "why", "Production").field == "confirm"  # type: ignore[union-attr]
    assert missing(wanted, " ", "production").field == "why"  # type: ignore[union-attr]
    assert missing(wanted, "why", "production") is None


def test_what_is_not_met_cannot_be_typed_away() -> None:
    blocked = plan(checks=(Check("gate", "unmet", "no", overridable=True), Check("index", "unmet", "gone")))
    assert missing(blocked, "why", "production").field is None  # type: ignore[union-attr]
    assert not can_override(blocked)
    assert can_override(plan(checks=(Check("gate", "undecided", "?", overridable=True),)))
    assert not can_override(plan())


def test_what_is_not_met_stands_first() -> None:
    checks = (Check("freeze", "ok", "none"), Check("gate", "unmet", "blocked"), Check("hold", "warn", "on"))
    shown = [text_of(one) for one in plan_lines(plan(checks=checks))]
    places = [next(i for i, text in enumerate(shown) if word in text) for word in ("gate", "hold", "freeze")]
    assert places == sorted(places)


def test_every_action_has_its_method_and_no_key_is_taken_twice() -> None:
    screens = {
        "overview": OverviewKeys,
        "stage": StageScreen,
        "indexes": IndexesScreen,
        "history": HistoryScreen,
        "versions": VersionsDialog,
        "evals": EvalsKeys,
        "flips": FlipsScreen,
        "retrieval": RetrievalScreen,
        "label": LabelScreen,
        "compare": CompareScreen,
        "quality": QualityScreen,
    }
    for place, screen in screens.items():
        actions = of(place)  # type: ignore[arg-type]
        assert len({one.key for one in actions}) == len(actions)
        assert sum(one.footer for one in actions) <= 6
        for one in actions:
            owners = (screen, PlaceScreen)
            assert any(hasattr(it, f"do_{one.id}") or hasattr(it, f"action_{one.id}") for it in owners), (
                one.id
            )
    assert not {mode.key for mode in MODES} & {one.key for one in ACTIONS}


def test_help_needs_no_second_line_at_80_columns() -> None:
    for place in ("overview", "stage", "indexes", "history", "evals"):
        assert max(cell_len(text_of(one)) for one in help_lines(place, False)) <= 75  # type: ignore[arg-type]


@given(st.text("ab漢", max_size=12), st.text("ab 漢\u0301", min_size=1, max_size=200), st.integers(40, 60))
def test_a_wrapped_line_goes_on_below_its_text(mark: str, words: str, width: int) -> None:
    prose = paragraphs([line(mark, HANG, words)])
    first, *others = prose._at(width).plain.split("\n")
    indent = cell_len(mark)
    assert first.startswith(mark)
    assert all(one.startswith(" " * indent) for one in others)
    if others and indent:
        assert all(cell_len(one.rstrip()) <= width for one in (first, *others))
    assert "".join("".join([first, *others]).split()) == "".join(f"{mark}{words}".split())


def test_read_only_help_has_nothing_that_changes() -> None:
    words = "\n".join(text_of(one) for one in help_lines("overview", True))
    assert "roll back:" not in words
    assert "read-only" in words
