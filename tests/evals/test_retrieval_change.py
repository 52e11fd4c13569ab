"""What two versions of an index find: overlap, rank-biased overlap, first passages, recall, worst first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.answer import Retrieved
from evals.retrieval_change import Question, refound, retrieval_change

ASKED = Question("q", "How long?")


def passages(ids: str, text: str = "words") -> list[Retrieved]:
    """One passage a letter, of the document `<letter>.md`."""
    return [Retrieved(id, f"{id}.md", text, 0.1) for id in ids]


LISTS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8).map("".join)
SIZES = st.integers(1, 8)


@given(LISTS, LISTS, SIZES)
def test_it_is_bounded_and_the_same_from_both_ends(first: str, second: str, k: int) -> None:
    there = refound(ASKED, passages(first), passages(second), k)
    back = refound(ASKED, passages(second), passages(first), k)
    assert 0 <= there.overlap <= 1 and 0 <= there.ranked <= 1
    assert (there.overlap, there.has_new_top) == (back.overlap, back.has_new_top)
    assert there.ranked == pytest.approx(back.ranked)
    assert max(len(there.before), len(there.after)) <= k
    assert there.has_new_top == (first[:1] != second[:1])
    assert there.is_same == (first[:k] == second[:k]) == (there.ranked == pytest.approx(1.0))


@given(LISTS, SIZES)
def test_an_equal_answer_is_wholly_alike(ids: str, k: int) -> None:
    same = refound(ASKED, passages(ids), passages(ids), k)
    assert (same.overlap, same.has_new_top) == (1.0, False) and same.ranked == pytest.approx(1.0)


@given(LISTS, st.sets(st.sampled_from("abcdefgh"), min_size=1), SIZES)
def test_recall_is_the_share_of_what_is_wanted_by_row_or_document(ids: str, wanted: set[str], k: int) -> None:
    question = Question("q", "How long?", tuple(f"{id}.md" if id < "e" else id for id in sorted(wanted)))
    one = refound(question, passages(ids), [], k)
    assert one.recall_before == pytest.approx(len(wanted & set(ids[:k])) / len(wanted))
    assert one.recall_after == 0 and one.recall_change == -(one.recall_before or 0.0)


def test_other_words_under_a_kept_id_are_another_passage() -> None:
    one = refound(ASKED, passages("ab", "thirty days"), passages("ab", "ten days"), 2)
    assert (one.overlap, one.ranked, one.has_new_top) == (0.0, 0.0, True)


def test_the_worst_come_first_and_unknown_recall_does_not_count() -> None:
    wants = Question("wants", "?", ("a",))
    lost = refound(wants, passages("abc"), passages("bcd"), 3)
    gained = refound(wants, passages("bcd"), passages("abc"), 3)
    other, alike = (refound(ASKED, passages("abc"), passages(after), 3) for after in ("xyz", "abc"))
    found = retrieval_change([alike, gained, other, lost], 3)
    assert found.questions == (lost, other, alike, gained)
    assert found.judged == 2 and (found.recall_before, found.recall_after) == (0.5, 0.5)
    assert found.new_tops == (lost, other, gained)
    assert found.overlap == pytest.approx((2 / 3 + 2 / 3 + 0 + 1) / 4)
    nothing = retrieval_change([], 3)
    assert (nothing.overlap, nothing.ranked, nothing.recall_after, nothing.judged) == (None, None, None, 0)
