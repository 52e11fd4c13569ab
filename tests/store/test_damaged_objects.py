"""A damaged object ends in one sentence: never in a wait without end, never as an absent file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.operations.init import init
from store.errors import InputError, LockgateError, MachineryError
from store.git import log, objects
from store.git.files import Files
from store.git.repository import Store
from store.history.reading import History
from store.records.component import Pin
from store.workspace import Workspace
from tests.store.test_commit_path import ANA, AT, land

ROOT = Path(__file__).parents[2]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "a header": lambda data: data[: len(data) // 3],
    "half": lambda data: data[: len(data) // 2],
    "all but a bit": lambda data: data[:-6],
    "flipped": flipped,
    "garbage": lambda _: b"garbage" * 20,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = init(tmp_path / "acme")
    text = "".join(f"line {number} of a prompt, {number * 7919 % 1009}\n" for number in range(400))
    with workspace.store.writing() as writer:
        files = {"prompts/support/v1/system.md": text.encode()}
        writer.commit(workspace.store.tip(), files, "Add a prompt\n", ANA, AT)
    return workspace


def loose(store: Store, id: object) -> Path:
    return store.path / "objects" / str(id)[:2] / str(id)[2:]


def damaged_and_read(root: str, object: str) -> None:
    """Tells what each reader says of each damage: for a process of its own, which can be ended."""
    path = Path(object)
    good = path.read_bytes()
    for name, damage in DAMAGES.items():
        path.write_bytes(damage(good))
        for reader in READERS:
            try:
                reader(Workspace(Path(root)))
            except LockgateError as error:
                print(f"{name}: {type(error).__name__}: {error.message}")
            else:
                print(f"{name}: read")


def read_history(workspace: Workspace) -> None:
    history = History(workspace)
    try:
        history.refresh()
    finally:
        history.close()


def add_a_version(workspace: Workspace) -> None:
    with workspace.store.writing() as writer:
        tip = workspace.store.tip()
        writer.commit(tip, {"prompts/support/v1/other.md": tip.encode()}, "Add another\n", ANA, AT)


READERS: list[Callable[[Workspace], object]] = [
    lambda workspace: workspace.store.at().bytes_at("prompts/support/v1/system.md"),
    lambda workspace: workspace.store.at(workspace.store.tip()[:10]).files(Pin.parse("prompt/support@v1")),
    lambda workspace: list(workspace.store.commits(lazy=True)),
    read_history,
    add_a_version,
]


@pytest.mark.parametrize(
    ("what", "readers"), [("the file", 2), ("a folder", 3), ("the root folder", 3), ("the commit", 5)]
)
def test_no_damage_hangs_or_passes_for_an_absent_file(workspace: Workspace, what: str, readers: int) -> None:
    commit = workspace.store.commit(workspace.store.tip())
    found = {
        "the file": commit.tree["prompts/support/v1/system.md"].id,
        "a folder": commit.tree["prompts"].id,
        "the root folder": commit.tree_id,
        "the commit": commit.id,
    }
    path = loose(workspace.store, found[what])
    path.chmod(0o644)
    code = (
        "import sys; from tests.store.test_damaged_objects import damaged_and_read; "
        "damaged_and_read(*sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace.root), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if not line.endswith(": read")]
    assert len(done.stdout.splitlines()) == len(READERS) * len(DAMAGES)
    assert len(told) == readers * len(DAMAGES), told
    name = path.parent.name + path.name
    assert told and all(f"MachineryError: the store's object {name}" in line for line in told), told
    assert all("git fsck" in line and "clone" in line for line in told)
    path.unlink()
    with pytest.raises(MachineryError, match="is missing"):
        Store(workspace.store.path).at().bytes_at("prompts/support/v1/system.md")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "prompts/support/v1/system.md"
    for _ in ("loose", "packed"):
        store = Store(workspace.store.path)
        root = store.commit(store.tip()).tree
        with monkeypatch.context() as patch:
            patch.setattr(objects, "_read", lambda *_: pytest.fail("it was read"))
            with pytest.raises(InputError, match=r"system\.md has [\d,]+ bytes; at most 100 are read"):
                objects.blob(store.repo, root[path].id, path, limit=100)
        assert Files(store.repo, root.id).read(path)
        subprocess.run(["git", "-C", str(store.path), "gc", "-q"], check=True)


def test_a_version_with_too_many_folders_or_files_is_refused(workspace: Workspace) -> None:
    store = workspace.store
    with store.writing() as writer:
        files = {"prompts/deep/v1/a/b/c/d.md": b"x", **{f"prompts/wide/v1/{n}.md": b"x" for n in range(1001)}}
        writer.commit(store.tip(), files, "x\n", ANA, AT)
    files_of = Files(store.repo, store.commit(store.tip()).tree_id)
    with pytest.raises(InputError, match="prompts/deep/v1 has more than 3 folders"):
        files_of.below("prompts/deep/v1")
    with pytest.raises(InputError, match="prompts/wide/v1 has over"):
        files_of.below("prompts/wide/v1")


def test_a_change_does_not_build_on_what_a_power_cut_left_torn(workspace: Workspace) -> None:
    store = workspace.store
    torn = store.repo.create_blob(b"x = 1\n")
    path = loose(store, torn)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:10])
    land(store, "v1", b"x = 1\n")
    assert Store(store.path).at().bytes_at("apps/a/v1.toml") == b"x = 1\n"


def test_a_file_in_the_place_of_a_folder_is_not_written_over(workspace: Workspace) -> None:
    store = workspace.store
    with store.writing() as writer:
        writer.commit(store.tip(), {"models": b"mine\n"}, "x\n", ANA, AT)
        with pytest.raises(MachineryError, match="models is a file where a folder belongs"):
            writer.commit(store.tip(), {"models/chat/v1.toml": b"x = 1\n"}, "x\n", ANA, AT)
    assert store.at().bytes_at("models") == b"mine\n"


@given(st.sampled_from([0, 1, 2**20 - 20, 2**20 - 10, 2**20, 3 * 2**20]), st.integers(0, 30), st.booleans())
@settings(max_examples=30, deadline=None)
def test_every_whole_object_is_found_whole(
    tmp_path_factory: pytest.TempPathFactory, size: int, more: int, dull: bool
) -> None:
    repo = pygit2.init_repository(str(tmp_path_factory.mktemp("r")), bare=True)
    data = b"\0" * (size + more) if dull else os.urandom(size + more)
    assert objects.blob(repo, repo.create_blob(data), "x") == data


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 30), max_size=2), st.integers(-3, 3)), min_size=1, max_size=25
    ),
    st.integers(0, 24),
)
@settings(max_examples=40, deadline=None)
def test_the_log_is_the_one_git_knows(
    tmp_path_factory: pytest.TempPathFactory, shape: list[tuple[list[int], int]], hide: int
) -> None:
    """Any shape of history, clocks that jump: parents after children, nothing twice, nothing missing."""
    repo = pygit2.init_repository(str(tmp_path_factory.mktemp("r")), bare=True)
    empty = repo.TreeBuilder().write()
    made: list[str] = []
    for number, (picks, jump) in enumerate(shape):
        parents = list(dict.fromkeys(made[pick % len(made)] for pick in (*picks, -1) if made))
        who = pygit2.Signature("a", "a@b", 1_000_000 + number * 10 + jump * 1000)
        made.append(str(repo.create_commit(None, who, who, str(number), empty, parents)))
    order = log.Since(repo, made[-1]).newest_first()
    known = {str(one.id) for one in repo.walk(made[-1])}
    assert set(order) == known and len(order) == len(known)
    place = {id: number for number, id in enumerate(order)}
    assert all(place[id] < place[str(parent)] for id in order for parent in repo[id].parent_ids)
    assert {str(one.id) for one in log.lazily(repo, made[-1])} == known

    older = made[hide % len(made)]
    since = log.Since(repo, made[-1], older)
    walk = repo.walk(made[-1])
    walk.hide(older)
    missing = {str(one.id) for one in walk} - set(since.newest_first())
    assert not missing and older not in since.newest_first()
    assert since.stands_on_hidden == (older == made[-1] or repo.descendant_of(made[-1], older))
