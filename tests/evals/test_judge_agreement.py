"""Cohen's kappa against values worked out by hand, and when agreement is enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.judge.agreement import Agreement, kappa


def table(both: int, first: int, second: int, neither: int) -> list[tuple[int, int]]:
    """Pairs of yes and no: both say yes, only the first, only the second, neither."""
    return [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        (table(20, 5, 10, 15), 0.4),  # p_o .7; p_e .5·.6 + .5·.4 = .5
        (table(45, 15, 25, 15), 6 / 46),  # p_o .6; p_e .6·.7 + .4·.3 = .54
        (table(25, 35, 5, 35), 14 / 54),  # p_o .6; p_e .6·.3 + .4·.7 = .46
        (table(15, 0, 0, 15), 1.0),
        (table(0, 15, 15, 0), -1.0),
        (table(10, 10, 10, 10), 0.0),
        (table(18, 2, 2, 18), 0.8),  # p_o .9; p_e .5
        (table(29, 0, 1, 0), 0.0),  # p_o 29/30; p_e the same: one of them never says no
        # three labels: p_o .7; p_e .4·.4 + .3·.3 + .3·.3 = .34
        ([(1, 1)] * 3 + [(2, 2)] * 2 + [(3, 3)] * 2 + [(1, 2), (2, 3), (3, 1)], 0.36 / 0.66),
    ],
)
def test_kappa(pairs: list[tuple[int, int]], value: float) -> None:
    assert kappa(pairs) == pytest.approx(value, abs=1e-12)


def test_where_kappa_says_nothing_there_is_none() -> None:
    assert kappa([]) is None
    assert kappa(table(40, 0, 0, 0)) is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=60))
def test_kappa_is_the_same_for_either_rater_whatever_the_labels_are_called(
    pairs: list[tuple[int, int]],
) -> None:
    found = kappa(pairs)
    turned = kappa([(other, one) for one, other in pairs])
    named = kappa([(f"label {one}", f"label {other}") for one, other in pairs])
    assert found == turned == named == kappa(pairs * 3)
    if found is not None:
        assert -1 <= found <= 1
        assert (found == 1) == all(one == other for one, other in pairs)


@pytest.mark.parametrize(
    ("found", "enough"),
    [
        (Agreement(30, 40, kappa=0.8), True),
        (Agreement(30, 40, kappa=kappa(table(18, 2, 2, 18))), True),
        (Agreement(30, 40, kappa=0.7999), False),
        (Agreement(29, 400, kappa=1.0), False),
        (Agreement(300, 400, kappa=None), False),
        (Agreement(300, 400, kappa=float("nan")), False),
    ],
)
def test_enough_cases_and_enough_agreement_are_both_needed(found: Agreement, enough: bool) -> None:
    assert found.suffices is enough
    assert found.sentence
