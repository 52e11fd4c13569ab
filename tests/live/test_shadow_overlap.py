"""How alike two lists of passages are, and two answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.live.alike import similarity
from evals.live.overlap import overlap_at, rank_biased_overlap
from indexes.embedders.lexical import Lexical

IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def slowly(first: list[str], second: list[str], p: float, depth: int) -> float:
    """Rank-biased overlap as it is defined, to `depth`: (1 - p) Σ p^(d-1) agreement at d."""
    total = 0.0
    for d in range(1, depth + 1):
        total += p ** (d - 1) * len(set(first[:d]) & set(second[:d])) / d
    return (1 - p) * total


@pytest.mark.parametrize(
    ("first", "second", "at_3", "ranked"),
    [
        ("abc", "abc", 1.0, 1.0),
        ("abc", "xyz", 0.0, 0.0),
        ("abc", "cba", 1.0, None),
        ("abc", "a", 1 / 3, None),
        ("", "", 1.0, 1.0),
        ("abc", "", 0.0, 0.0),
    ],
)
def test_lists_that_agree_are_alike(first: str, second: str, at_3: float, ranked: float | None) -> None:
    assert overlap_at(3, first, second) == pytest.approx(at_3)
    found = rank_biased_overlap(first, second)
    assert found == pytest.approx(ranked) if ranked is not None else 0 < found < 1


@given(IDS, IDS)
def test_it_is_symmetric_bounded_and_one_for_itself(first: list[str], second: list[str]) -> None:
    found = rank_biased_overlap(first, second)
    assert 0 <= found <= 1 and found == pytest.approx(rank_biased_overlap(second, first))
    assert rank_biased_overlap(first, first) == pytest.approx(1)
    assert overlap_at(8, first, second) == overlap_at(8, second, first)
    assert (found > 0) == bool(set(first) & set(second)) or not (first or second)


@given(st.permutations("abcdefgh"), st.permutations("abcdefgh"))
def test_for_whole_permutations_it_is_the_definition_with_its_tail(
    first: list[str], second: list[str]
) -> None:
    # Beyond the end both lists hold the same, so the agreement there is 1 for ever.
    wanted = slowly(first, second, 0.9, 8) + 0.9**8
    assert rank_biased_overlap(first, second) == pytest.approx(wanted)


def test_the_top_counts_most() -> None:
    assert rank_biased_overlap("abcx", "abcy") > rank_biased_overlap("xabc", "yabc")


def test_answers_are_as_alike_as_their_embeddings() -> None:
    embed = Lexical().embed
    near = similarity(embed, "Within 30 days.", "You have 30 days.")
    far = similarity(embed, "Within 30 days.", "Roses are red.")
    assert near is not None and far is not None and 1 > near > far >= 0
    assert similarity(None, "same", "same") == 1 and similarity(None, "one", "other") is None
    assert similarity(embed, "", "words") == 0
    assert similarity(lambda _: [[0.0, 0.0]] * 2, "a", "b") is None
    assert similarity(lambda _: [[1.0, 0.0], [-1.0, 0.0]], "a", "b") == 0
