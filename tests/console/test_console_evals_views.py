"""The forest of differences and the filter of flipped cases, by themselves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.operations.evals.flips import Arm, Flipped
from console.views.flips_query import FlipsQuery, parse_flips_query
from console.views.forest import LEAST_CELLS, Tree, axis_line, scale_of, tree_line
from console.views.line import text_of
from evals.judge.scale import Scale, bounds, in_words, read_words
from store.errors import InputError
from store.records.verdict import ONLY_WARNS, CategoryVerdict, Outcome

share = st.floats(-1, 1)
trees = st.builds(
    lambda difference, spread, margin, known: Tree(
        difference, difference - spread if known else None, difference + spread if known else None, margin
    ),
    share,
    st.floats(0, 2),
    st.floats(0, 0.5),
    st.booleans(),
)


@given(st.lists(trees, min_size=1, max_size=8), st.integers(1, 100))
def test_every_row_has_the_same_width_and_shows_the_limit(rows: list[Tree], width: int) -> None:
    scale = scale_of(rows)
    cells = max(LEAST_CELLS, width)
    assert len(text_of(axis_line(scale, width))) == cells
    for row in rows:
        drawn = text_of(tree_line(row, scale, width))
        assert len(drawn) == cells
        limit = scale.cell(-row.margin, cells)
        assert drawn[limit] in "┊●◂▸"
        assert scale.first <= -row.margin + 1e-9, "the limit is never off the scale"


@given(st.lists(trees, min_size=1, max_size=8))
def test_what_is_beyond_the_limit_is_drawn_left_of_it(rows: list[Tree]) -> None:
    scale = scale_of(rows)
    for row in rows:
        if row.difference is None:
            continue
        estimate, limit = scale.cell(row.difference, 1_000), scale.cell(-row.margin, 1_000)
        assert (estimate <= limit) if row.difference < -row.margin else (estimate >= limit)


def test_what_is_not_known_or_no_number_is_not_drawn() -> None:
    rows = (Tree(None, None, None, 0.02), Tree(math.nan, -math.inf, math.inf, 0.02))
    for row in rows:
        drawn = text_of(tree_line(row, scale_of(rows), 40))
        assert set(drawn) <= set(" ┊│")


def flipped(category: str = "tone", change: float = -1.0, **values: object) -> Flipped:
    before, after = (1.0, 1.0 + change) if change < 0 else (0.0, change)
    known: dict[str, object] = {
        "suite": "evals/support",
        "case": "c1",
        "category": category,
        "tags": ("login",),
        "word": "block",
        "question": "How long?",
        "baseline": Arm(before, (), "thirty Days", ()),
        "candidate": Arm(after, (), "no idea", ()),
        "content": None,
        "from_journal": True,
    }
    return Flipped(**{**known, **values})  # type: ignore[arg-type]


CASES = (
    flipped(),
    flipped("safety", 0.5, tags=("billing",), word="pass"),
    flipped("tone", 0.25, tags=(), word="only warns"),
)


@pytest.mark.parametrize(
    ("text", "places"),
    (
        ("", (0, 1, 2)),
        ("category:tone", (0, 2)),
        ("category:tone category:safety", (0, 1, 2)),
        ("verdict:worse", (0,)),
        ("verdict:better", (1, 2)),
        ("verdict:block verdict:pass", (0, 1)),
        ("verdict:warns", (2,)),
        ("tag:login", (0,)),
        ("tag:login tag:billing", (0, 1)),
        ("category:tone tag:billing", ()),
        ("suite:support days", (0, 1, 2)),
        ("suite:other", ()),
        ('"no idea" verdict:worse', (0,)),
        ("absent", ()),
    ),
)
def test_the_filter(text: str, places: tuple[int, ...]) -> None:
    query = parse_flips_query(text, CASES)
    assert tuple(place for place, one in enumerate(CASES) if query.lets(one)) == places


@pytest.mark.parametrize("text", ("verdict:odd", "category:none", "tag:x", "by:ana", "verdict:"))
def test_a_filter_that_is_none_says_what_there_is(text: str) -> None:
    with pytest.raises(InputError, match=r"there are|is no filter"):
        parse_flips_query(text, CASES)


@given(st.text(max_size=60))
def test_any_words_are_a_filter_or_one_sentence(text: str) -> None:
    try:
        assert isinstance(parse_flips_query(text, CASES), FlipsQuery)
    except InputError as error:
        assert "\n" not in error.message


@given(st.sampled_from(("boolean", "1-5")), st.integers(0, 5), st.text(max_size=20))
def test_a_judgement_is_read_as_it_was_told(scale: Scale, value: int, after: str) -> None:
    low, high = bounds(scale)
    if low <= value <= high:
        assert read_words(f"{in_words(value, scale)}, 3 of 3 votes: {after}", scale) == value
    assert read_words(f"because {in_words(1, scale)}", scale) is None


def test_only_warns_is_told_apart_from_a_pass() -> None:
    def category(reason: str, outcome: Outcome = "pass") -> CategoryVerdict:
        return CategoryVerdict(
            name="tone", suite="evals/s", outcome=outcome, cases=9, repeats=1, candidate=0.5, margin=0.02,
            reason=reason,
        )  # fmt: skip

    assert category(f"tone{ONLY_WARNS}no labels.").only_warns
    assert not category(f"tone rose 1.0 points; another{ONLY_WARNS}").only_warns
    assert not category(f"tone{ONLY_WARNS}no labels.", "block").only_warns
