"""Replaying: per path, by ids, and never by text."""

from __future__ import annotations

from collections.abc import Iterator

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.git import replay
from store.git.tree import FILE, with_files

WHO = pygit2.Signature("Ana", "ana@example.org", 1_770_000_000, 60)
Tree = dict[str, bytes]

sides = st.one_of(st.none(), st.integers(0, 3))


@given(base=sides, ours=sides, theirs=sides)
def test_one_path(base: int | None, ours: int | None, theirs: int | None) -> None:
    outcome = replay.settled(base, ours, theirs)
    stands = {"ours": ours, "theirs": theirs}.get(outcome)
    if ours == base:
        assert outcome == "theirs", "what is only here did not touch it"
    elif theirs == base:
        assert outcome == "ours" and stands == ours, "only we touched it"
    elif ours == theirs:
        assert outcome == "theirs" and stands == ours, "both did the same"
    else:
        assert outcome == "conflict" == replay.settled(base, theirs, ours), "whoever is asked first"


paths = st.sampled_from(["a", "b/c", "b/d", "b/e/f", "g/h", "x", "x/y"])
trees = st.dictionaries(paths, st.sampled_from([b"1", b"2", b"3"]), max_size=7).map(
    lambda one: {path: data for path, data in one.items() if not (path == "x" and "x/y" in one)}
)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pygit2.Repository]:
    yield pygit2.init_repository(str(tmp_path_factory.mktemp("replay") / "r.git"), bare=True)


def committed(repo: pygit2.Repository, files: Tree, parents: list[str], message: str = "m\n") -> str:
    return str(repo.create_commit(None, WHO, WHO, message, with_files(repo, None, files), parents))


def held(repo: pygit2.Repository, commit: str) -> Tree:
    found: Tree = {}

    def walk(tree: pygit2.Tree, place: str) -> None:
        for one in tree:
            if one.filemode == FILE:
                found[place + one.name] = one.data
            else:
                walk(one, f"{place}{one.name}/")

    walk(repo[commit].peel(pygit2.Tree), "")
    return found


def occupied(path: str, tree: Tree) -> object:
    """What is at `path`: its bytes, a mark for a folder, or None."""
    if path in tree:
        return tree[path]
    return "folder" if any(other.startswith(f"{path}/") for other in tree) else None


@settings(max_examples=150, deadline=None)
@given(base=trees, ours=trees, theirs=trees)
def test_whole_trees(repo: pygit2.Repository, base: Tree, ours: Tree, theirs: Tree) -> None:
    start = committed(repo, base, [])
    mine, other = committed(repo, ours, [start]), committed(repo, theirs, [start])
    step = replay.step(repo, mine, other)
    touched = {path for path in base.keys() | ours.keys() if base.get(path) != ours.get(path)}
    clashes = {path for path in touched if occupied(path, theirs) not in (base.get(path), ours.get(path))}
    assert set(step.conflicts) == clashes
    assert set(step.taken) == {path for path in touched - clashes if occupied(path, theirs) != ours.get(path)}
    if clashes:
        return
    wanted = {path: data for path, data in theirs.items() if path not in touched}
    wanted |= {path: ours[path] for path in touched if path in ours}
    blocked = any(other.startswith(f"{path}/") for path in wanted for other in wanted)
    if blocked:  # a file of ours where they have a folder, or the other way round, further down
        return
    landed = replay.land(repo, mine, other, step.taken)
    if wanted:
        assert held(repo, landed) == wanted
    assert (landed == other) == (wanted == theirs or not wanted)
    assert replay.land(repo, mine, other, step.taken) == landed, "the same each time"


def test_author_times_and_message_stay(repo: pygit2.Repository) -> None:
    start = committed(repo, {"a": b"1"}, [])
    mine = committed(repo, {"a": b"1", "b/c": b"2"}, [start], "why\n\nLockgate-Op: X\n")
    other = committed(repo, {"a": b"2"}, [start])
    landed = repo[replay.land(repo, mine, other, replay.step(repo, mine, other).taken)]
    source = repo[mine]
    assert (landed.message, landed.commit_time) == (source.message, source.commit_time)
    assert landed.author == source.author and landed.committer == source.committer
    assert [str(id) for id in landed.parent_ids] == [other]
    assert held(repo, str(landed.id)) == {"a": b"2", "b/c": b"2"}


def test_text_is_never_merged(repo: pygit2.Repository) -> None:
    """git would merge these two."""
    lines = [b"%d\n" % number for number in range(40)]
    start = committed(repo, {"a": b"".join(lines)}, [])
    mine = committed(repo, {"a": b"".join([b"ours\n", *lines[1:]])}, [start])
    other = committed(repo, {"a": b"".join([*lines[:-1], b"theirs\n"])}, [start])
    assert replay.step(repo, mine, other).conflicts == ("a",)
