"""The read model of the history: each commit once, each record where it was made, readable by anybody."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from console.operations.init import init
from store.bounded import write_toml
from store.clock import FixedClock
from store.git import tree
from store.git.repository import MAIN, Store
from store.history import reading, table
from store.history.entry import Entry
from store.history.newest import newest
from store.history.reading import Filter, History
from store.records.operation import Operation
from store.snapshot import record_path
from store.stamping import next_record
from store.workspace import Workspace
from tests.store.test_commit_path import ANA, AT


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return init(tmp_path / "acme", clock=FixedClock(AT))


@pytest.fixture
def history(workspace: Workspace) -> Iterator[History]:
    opened = History(workspace)
    yield opened
    opened.close()


def record(store: Store, summary: str, parent: str | None = None) -> tuple[str, str]:
    """Commits a record on `parent` (the tip, which it then moves); returns its id and the commit."""
    made = next_record(store.at(parent), AT)
    operation = Operation(id=made.id, kind="policy", at=made.at, by=ANA, summary=summary)
    files = {record_path(made.id): write_toml(operation)}
    message = f"{summary}\n\nLockgate-Op: {made.id}\n"
    if parent is None:
        with store.writing() as writer:
            return made.id, writer.commit(store.tip(), files, message, ANA, made.at)
    return made.id, by_hand(store, message, [parent], files)


def by_hand(
    store: Store,
    message: str,
    parents: list[str],
    files: dict[str, bytes] | None = None,
    of: str | None = None,
    encoding: str = "utf-8",
    at: int = 1_700_000_000,
) -> str:
    """A commit as git makes it; nothing moves."""
    base = store.repo[of or parents[0]].peel(pygit2.Tree)
    id = tree.with_files(store.repo, base, files or {}) if files else base.id
    head = "".join(f"parent {one}\n" for one in parents)
    body = (
        f"tree {id}\n{head}author \xe4 <a@b> {at} +0000\ncommitter b <b@c> {at} +0000\n"
        f"encoding {encoding}\n\n{message}"
    )
    return str(store.repo.odb.write(pygit2.enums.ObjectType.COMMIT, body.encode("latin-1")))


def move(store: Store, commit: str) -> None:
    store.repo.references[MAIN].set_target(commit)


def with_merges(store: Store, sides: int) -> None:
    """`sides` branches of two records each, merged one after the other."""
    for number in range(sides):
        start = store.tip()
        _, ours = record(store, f"ours {number}")
        _, theirs = record(store, f"theirs {number}", start)
        _, last = record(store, f"theirs {number}, again", theirs)
        merged = store.repo.merge_commits(ours, last)
        tree_id = merged.write_tree(store.repo)
        who = pygit2.Signature("m", "m@m", 1_700_000_000)
        move(store, str(store.repo.create_commit(None, who, who, f"Merge {number}\n", tree_id, [ours, last])))


@pytest.mark.parametrize("slices", range(7))
def test_an_interrupted_build_beside_a_merge_doubles_nothing(
    workspace: Workspace, history: History, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    with_merges(workspace.store, 3)
    monkeypatch.setattr(reading, "_SLICE", 2)
    commits = [str(one.id) for one in workspace.store.commits()]
    assert len(commits) == 13
    left = iter(range(slices))
    add = table.add

    def torn(connection: sqlite3.Connection, entries: list[Entry], tip: str) -> int:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return add(connection, entries, tip)

    with monkeypatch.context() as patch:
        patch.setattr(table, "add", torn)
        with pytest.raises(KeyboardInterrupt):
            history.refresh()
    history.refresh()
    assert sorted(one.commit for one in history.page(limit=1000)) == sorted(commits)
    assert history.count(Filter(text="theirs")) == 6


def test_new_commits_beside_a_merge_come_once(workspace: Workspace, history: History) -> None:
    for number in range(3):
        history.refresh()
        with_merges(workspace.store, 1)
        assert history.refresh() == 4, number
    assert history.count() == len(list(workspace.store.commits())) == 13
    places = {entry.commit: entry.position for entry in history.page(limit=100)}
    for commit in workspace.store.commits():
        assert all(places[str(parent)] < places[str(commit.id)] for parent in commit.parent_ids)


def test_a_copied_trailer_makes_no_second_operation(workspace: Workspace, history: History) -> None:
    store = workspace.store
    id, made = record(store, "the one")
    copied = by_hand(store, f"Reword it\n\nLockgate-Op: {id}\n", [made], {"models/chat/v1.toml": b"x"})
    beside = by_hand(store, "Beside\n", [str(store.commit(made).parent_ids[0])])
    merge = by_hand(store, f"Merge\n\nLockgate-Op: {id}\n", [beside, copied], of=copied)
    squash = by_hand(store, f"Undo\n\nLockgate-Op: {id}\n", [merge], {"models/chat/v2.toml": b"y"})
    move(store, squash)
    history.refresh()
    for entries in (history.page(limit=50), newest(store)):
        assert [one.commit for one in entries if one.id == id] == [made]
        told = {one.commit: (one.kind, one.summary) for one in entries}
        assert told[copied] == ("commit", "Reword it") and told[merge] == ("commit", "Merge")
        assert told[squash] == ("commit", "Undo")


def test_a_record_that_comes_with_a_squash_is_shown(workspace: Workspace, history: History) -> None:
    store = workspace.store
    start = store.tip()
    id, made = record(store, "on a branch", start)
    squash = by_hand(store, f"Squashed\n\nLockgate-Op: {id}\n", [start], of=made)
    move(store, squash)
    history.refresh()
    assert (history.page()[0].id, history.page()[0].summary) == (id, "on a branch")


def test_odd_commits_are_listed_all_the_same(workspace: Workspace, history: History) -> None:
    store = workspace.store
    for encoding, at in (("bogus", 1), ("utf-8", 99_999_999_999_999), ("latin-1", 0)):
        move(store, by_hand(store, "caf\xe9\n", [store.tip()], {f"x{at}": b""}, encoding=encoding, at=at))
    history.refresh()
    assert [one.at.year for one in history.page(limit=3)] == [1970, 9999, 1970]
    assert history.page(limit=3)[0].summary == "café" and history.page(limit=1)[0].author == "ä"
    assert len(newest(store)) == history.count() == 4


def test_who_may_not_write_reads_the_history_from_git(workspace: Workspace) -> None:
    """The state folder is a file: as unwritable as a read-only mount, for root too."""
    record(workspace.store, "the one")
    for path in workspace.state.iterdir():
        path.unlink()
    workspace.state.rmdir()
    (workspace.root / "state").write_text("")
    history = History(workspace)
    assert not history.is_kept
    assert history.refresh() == 2 and history.refresh() == 0
    assert [one.summary for one in history.page(Filter(text="the one"))] == ["the one"]
    record(workspace.store, "another")
    assert history.refresh() == 1 and history.count() == 3
    history.close()
    assert (workspace.root / "state").read_text() == ""


@pytest.mark.parametrize("refuses", ["the lock", "opening", "writing", "removing"])
def test_a_state_folder_that_refuses_is_done_without(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    record(workspace.store, "the one")
    kept = History(workspace)
    kept.refresh()
    kept.close()
    file = workspace.state / "history.sqlite"
    connect, os_open, unlink = sqlite3.connect, os.open, Path.unlink

    def no_connect(path: object, **options: object) -> sqlite3.Connection:
        if path:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(path, **options)  # type: ignore[call-overload, no-any-return]

    def no_lock(path: object, *args: int) -> int:
        if str(path).endswith("history.lock"):
            raise OSError(errno.EROFS, "Read-only file system")
        return os_open(path, *args)  # type: ignore[arg-type]

    def no_unlink(self: Path, missing_ok: bool = False) -> None:
        if self.parent == workspace.state:
            raise OSError(errno.EROFS, "Read-only file system")
        unlink(self, missing_ok)

    is_made = table.is_made

    def read_only(connection: sqlite3.Connection) -> bool:
        if connection.execute("pragma database_list").fetchone()[2]:  # the path of its file
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return is_made(connection)

    match refuses:
        case "the lock":
            monkeypatch.setattr(os, "open", no_lock)
        case "opening":
            monkeypatch.setattr(sqlite3, "connect", no_connect)
        case "writing":
            monkeypatch.setattr(table, "is_made", read_only)
        case _:
            file.write_bytes(b"not a database, but longer than a header would be" * 50)
            monkeypatch.setattr(Path, "unlink", no_unlink)
    history = History(workspace)
    assert history.refresh() == 2 and not history.is_kept
    assert history.page(limit=1)[0].summary == "the one"
    history.close()


def test_a_writable_state_folder_is_used(workspace: Workspace, history: History) -> None:
    record(workspace.store, "the one")
    assert history.refresh() == 2 and history.is_kept
    again = History(workspace)
    assert again.refresh() == 0 and again.count() == 2
    again.close()


def test_a_read_model_of_an_older_version_is_made_anew(workspace: Workspace, history: History) -> None:
    record(workspace.store, "the one")
    history.refresh()
    history._open().conn.execute("pragma user_version=1")
    history._open().conn.commit()
    history.close()
    assert history.refresh() == 2


def test_two_threads_share_one_history(workspace: Workspace, history: History) -> None:
    with_merges(workspace.store, 2)
    added: list[int] = []
    threads = [threading.Thread(target=lambda: added.append(history.refresh())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [0, 0, 0, 9] and history.count() == 9


def test_a_shallow_clone_has_the_history_that_it_has(workspace: Workspace, tmp_path: Path) -> None:
    for number in range(3):
        record(workspace.store, f"number {number}")
    clone = tmp_path / "clone" / "store.git"
    source = f"file://{workspace.store.path}"
    subprocess.run(["git", "clone", "-q", "--bare", "--depth=2", source, str(clone)], check=True)
    shallow = Workspace(clone.parent)
    read = History(shallow)
    read.refresh()
    assert [one.summary for one in read.page()] == ["number 2", "number 1"]
    assert [one.id for one in newest(shallow.store)] == [one.id for one in read.page()]
    read.close()
