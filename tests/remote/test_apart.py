"""What two commits do not have in common, whatever the clocks said."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.git.apart import apart


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pygit2.Repository]:
    yield pygit2.init_repository(str(tmp_path_factory.mktemp("apart") / "r.git"), bare=True)


def commit(repo: pygit2.Repository, number: int, time: int, parents: list[str]) -> str:
    who = pygit2.Signature("x", "x@x", 1_770_000_000 + time)
    return str(
        repo.create_commit(
            None, who, who, f"{number}\n", repo.TreeBuilder().write(), list(dict.fromkeys(parents))
        )
    )


def below(repo: pygit2.Repository, id: str) -> set[str]:
    found, waiting = set[str](), [id]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(str(parent) for parent in repo[one].parent_ids)
    return found


times = st.integers(0, 5)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(times, min_size=1, max_size=6),
    st.lists(times, max_size=6),
    st.lists(times, max_size=6),
    st.booleans(),
)
def test_two_lines_with_any_times_are_told_apart_exactly(
    repo: pygit2.Repository, common: list[int], ours: list[int], theirs: list[int], strangers: bool
) -> None:
    number = 0
    tips: list[list[str]] = [[], []]
    shared: list[str] = []
    for time in common:
        shared = [commit(repo, number := number + 1, time, shared)]
    for side, line in enumerate((ours, theirs)):
        tip = [] if strangers and side else shared
        for time in line or ([0] if not tip else []):
            tip = [commit(repo, number := number + 1, time + 100 * side, tip)]
        tips[side] = tip
    mine, other = tips[0][0], tips[1][0]
    found = apart(repo, mine, other)
    a, b = below(repo, mine), below(repo, other)
    assert set(found.ours) == a - b and set(found.theirs) == b - a
    assert found.has_common == bool(a & b)
    assert len(found.ours) == len(set(found.ours))
    for line in (found.ours, found.theirs):
        for child, parent in pairwise(line):
            assert [str(id) for id in repo[child].parent_ids] == [parent]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=14), st.data())
def test_with_merges_where_clocks_were_right(
    repo: pygit2.Repository, shape: list[tuple[int, int]], data: st.DataObject
) -> None:
    made: list[str] = []
    for place, (first, second) in enumerate(shape):
        parents = [made[first % place], made[second % place]] if place else []
        made.append(commit(repo, place, place, parents))
    mine, other = data.draw(st.sampled_from(made)), data.draw(st.sampled_from(made))
    found = apart(repo, mine, other)
    a, b = below(repo, mine), below(repo, other)
    assert set(found.ours) == a - b and set(found.theirs) == b - a
