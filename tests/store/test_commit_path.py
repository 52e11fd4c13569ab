"""The one commit path: nothing is lost to a race, nothing stays stuck after a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest

from console.operations.init import init
from store.errors import InputError, MachineryError, StaleTip
from store.git import durability, recovery
from store.git.repository import Store
from store.records.base import Person
from store.workspace import Workspace

ANA = Person(name="Ana", email="ana@example.org")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return init(tmp_path / "acme")


def land(store: Store, name: str, data: bytes = b"x = 1\n") -> str:
    with store.writing() as writer:
        return writer.commit(store.tip(), {f"apps/a/{name}.toml": data}, f"Add {name}\n", ANA, AT)


def test_a_commit_moves_main_and_keeps_what_was_there(workspace: Workspace) -> None:
    store = workspace.store
    before = store.tip()
    first, second = land(store, "v1"), land(store, "v2")
    assert store.tip() == second
    assert store.at(second).names("apps/a") == ("v1.toml", "v2.toml")
    assert store.is_ancestor(before, first) and store.is_ancestor(first, second)
    assert not store.is_ancestor(second, first) and not store.is_ancestor("0" * 40, first)
    assert store.since(before, second) == (second, first) and store.since(second, first) is None
    assert store.at().bytes_at("lockgate.toml") == store.at(before).bytes_at("lockgate.toml")


def test_a_change_that_changes_nothing_is_refused(workspace: Workspace) -> None:
    land(workspace.store, "v1")
    tip = workspace.store.tip()
    with pytest.raises(InputError, match="change nothing"):
        land(workspace.store, "v1")
    assert workspace.store.tip() == tip


def test_a_writer_on_an_old_tip_loses_cleanly(workspace: Workspace) -> None:
    store = workspace.store
    old = store.tip()
    new = land(store, "v1")
    with store.writing() as writer, pytest.raises(StaleTip):
        writer.commit(old, {"apps/a/v9.toml": b"x = 9\n"}, "late\n", ANA, AT)
    assert store.tip() == new


def test_a_writer_that_takes_no_lock_of_ours_is_noticed(workspace: Workspace) -> None:
    """Plain git moves the ref between our reading it and our writing it."""
    store = workspace.store
    with store.writing() as writer:
        tip = store.tip()
        foreign = store.repo.create_commit(
            None,
            pygit2.Signature("git", "git@x", 1),
            pygit2.Signature("git", "git@x", 1),
            "by hand",
            store.repo[tip].peel(pygit2.Tree).id,
            [tip],
        )
        subprocess.run(
            ["git", "-C", str(store.path), "update-ref", "refs/heads/main", str(foreign)], check=True
        )
        with pytest.raises(StaleTip):
            writer.commit(tip, {"apps/a/v1.toml": b"x = 1\n"}, "ours\n", ANA, AT)
    assert store.tip() == str(foreign)


OURS = "0123456789" * 4


@pytest.mark.parametrize(
    ("intent", "content"),
    [(OURS, ""), (OURS, OURS + "\n"), (OURS, OURS[:17]), ("", OURS), (OURS[:17], OURS), ("", "")],
    ids=["empty lock", "whole", "torn lock", "empty intent", "torn intent", "both empty"],
)
def test_the_lock_of_a_killed_writer_is_cleared_by_the_next(
    workspace: Workspace, intent: str, content: str
) -> None:
    """A kill or a power cut can leave either file torn."""
    store = workspace.store
    lock = store.path / "refs/heads/main.lock"
    left = recovery.announce(store.path, intent)
    lock.write_text(content)
    land(store, "v1")
    assert not lock.exists() and not left.exists()


def test_the_lock_of_another_commit_is_not_ours(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.git.repository._TRIES", 2)
    lock = workspace.store.path / "refs/heads/main.lock"
    recovery.announce(workspace.store.path, OURS)
    lock.write_text(OURS[::-1])
    with pytest.raises(MachineryError, match=r"main\.lock"):
        land(workspace.store, "v1")
    assert lock.read_text() == OURS[::-1]


def test_the_intent_is_on_disk_before_the_ref_is_locked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    sync, gitdir = durability.sync_objects, workspace.store.path

    def watched(folder: Path, *others: Path) -> None:
        seen.append((gitdir / "lockgate.intent").read_text())
        assert others == (gitdir / "lockgate.intent",)
        assert not (gitdir / "refs/heads/main.lock").exists()
        sync(folder, *others)

    monkeypatch.setattr(durability, "sync_objects", watched)
    commit = land(workspace.store, "v1")
    assert seen == [commit]
    assert not (gitdir / "lockgate.intent").exists()


def test_where_the_file_system_cannot_sync_at_once_the_intent_is_synced_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durability, "_libc", None)
    monkeypatch.setattr(durability, "fsync_file", synced.append)
    durability.sync_objects(tmp_path, tmp_path / "intent")
    assert synced == [tmp_path / "intent"]


def test_somebody_elses_lock_is_left_alone_and_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.git.repository._TRIES", 3)
    store = workspace.store
    lock = store.path / "refs/heads/main.lock"
    lock.write_bytes(b"")
    tip = store.tip()
    with pytest.raises(MachineryError, match=r"main\.lock"):
        land(store, "v1")
    assert lock.exists() and store.tip() == tip
    lock.unlink()
    land(store, "v1")


def test_threads_of_one_process_take_turns(workspace: Workspace) -> None:
    def work(number: int) -> None:
        store = Store(workspace.root / "store.git")
        for step in range(5):
            land(store, f"v{number * 10 + step + 1}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(workspace.store.at().names("apps/a")) == 20


def test_a_full_disk_ends_in_one_sentence_and_no_change(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    tip = workspace.store.tip()
    monkeypatch.setattr("store.git.durability.sync_objects", full)
    with pytest.raises(MachineryError, match=r"is full \([\d,]+ KiB free\)"):
        land(workspace.store, "v1")
    monkeypatch.undo()
    assert workspace.store.tip() == tip
    land(workspace.store, "v1")


def test_git_itself_finds_nothing_wrong(workspace: Workspace) -> None:
    for number in range(1, 4):
        land(workspace.store, f"v{number}")
    done = subprocess.run(
        ["git", "-C", str(workspace.store.path), "fsck", "--strict", "--full"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_link_in_the_tree_is_refused(workspace: Workspace) -> None:
    repo = workspace.store.repo
    builder = repo.TreeBuilder(repo[workspace.store.tip()].peel(pygit2.Tree))
    builder.insert("environments", repo.create_blob(b"/etc"), pygit2.enums.FileMode.LINK)
    sign = pygit2.Signature("x", "x@x", 1)
    oid = repo.create_commit(None, sign, sign, "x", builder.write(), [workspace.store.tip()])
    with pytest.raises(MachineryError, match="not a plain file"):
        workspace.store.at(str(oid)).names("environments")


_PROCESS = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from tests.store.test_commit_path import land
from store.git.repository import Store
store = Store(Path({store!r}))
for number in range({count}):
    name = f"v{{int(sys.argv[1]) * 1000 + number + 1}}"
    print(name, land(store, name), flush=True)
"""


def test_processes_racing_lose_no_commit(workspace: Workspace) -> None:
    here = str(Path(__file__).parents[2])
    code = _PROCESS.format(here=here, store=str(workspace.store.path), count=15)
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    acknowledged = [line.split() for process in running for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in running] == [0] * 4
    log = [str(commit.id) for commit in workspace.store.commits()]
    assert len(acknowledged) == 60
    assert all(log.count(commit) == 1 for _, commit in acknowledged)
    assert len(workspace.store.at().names("apps/a")) == 60
