"""However the file changes, the client sees it; however it is torn, the client keeps what it has."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from making_live import document

from lockgate_client import Client
from lockgate_client.document import parse
from store.live import encode

ONE = encode(document(1, stable="r1"))
TWO = encode(document(2, stable="r2"))
assert len(ONE) == len(TWO), "these tests want changes that leave the size alone"


def rename(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(TWO)
    new.replace(path)


def in_place(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(TWO)


def in_place_with_the_old_time(path: Path) -> None:
    before = path.stat()
    in_place(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def delete_and_create(path: Path) -> None:
    path.unlink()
    path.write_bytes(TWO)


def symlink_swap(path: Path) -> None:
    target = path.with_name("target-2")
    target.write_bytes(TWO)
    link = path.with_name("link-2")
    link.symlink_to(target)
    link.replace(path)


def folder_symlink_swap(path: Path) -> None:
    folder = path.parents[1] / "release-2"
    folder.mkdir()
    (folder / path.name).write_bytes(TWO)
    link = path.parents[1] / "next"
    link.symlink_to(folder)
    link.replace(path.parent)


def let_the_file_systems_clock_tick(path: Path) -> None:
    probe = path.with_name("probe")
    probe.touch()
    while probe.stat().st_ctime_ns <= path.stat().st_ctime_ns:
        probe.touch()


CHANGES = [rename, in_place, in_place_with_the_old_time, delete_and_create, symlink_swap, folder_symlink_swap]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "release-1").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "release-1")
    (tmp_path / "current" / "production.json").write_bytes(ONE)
    return tmp_path / "current" / "production.json"


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("linked", [False, True], ids=["file", "link"])
def test_every_kind_of_change_is_noticed(path: Path, change: Callable[[Path], None], linked: bool) -> None:
    if linked:
        path.rename(path.with_name("target-1"))
        path.symlink_to("target-1")
    client = Client(path, check_seconds=0)
    assert client.resolve("user-1").release == "r1"
    change(path)
    assert client.resolve("user-1").release == "r2"


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_every_kind_of_change_is_noticed_long_after_the_first_look(
    path: Path, change: Callable[[Path], None]
) -> None:
    an_hour_later = path.stat().st_ctime + 3600
    client = Client(path, check_seconds=0, wall=lambda: an_hour_later)
    assert client.resolve("user-1").release == "r1"
    let_the_file_systems_clock_tick(path)
    change(path)
    assert client.resolve("user-1").release == "r2"


def test_writes_that_carry_one_timestamp_are_all_noticed_while_it_is_young(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockgate_client.files._signature", lambda _: (1,))  # as a coarse clock leaves it
    client = Client(path, check_seconds=0)
    for generation in range(10, 20):
        path.write_bytes(encode(document(generation)))
        assert client.resolve("user-1").generation == generation


def test_a_deleted_file_leaves_the_last_document(path: Path) -> None:
    client = Client(path, check_seconds=0)
    path.unlink()
    assert client.resolve("user-1").release == "r1"
    assert "it is not there" in str(client.last_error)
    path.write_bytes(ONE)
    assert client.resolve("user-1").release == "r1"
    assert client.last_error is None


def test_what_is_no_file_leaves_the_last_document_and_does_not_hang(path: Path) -> None:
    client = Client(path, check_seconds=0)
    path.unlink()
    os.mkfifo(path)
    assert client.resolve("user-1").release == "r1"
    assert "not a regular file" in str(client.last_error)
    path.unlink()
    path.mkdir()
    assert client.resolve("user-1").release == "r1"
    path.rmdir()
    path.symlink_to(path.name)
    assert client.resolve("user-1").release == "r1"


def test_a_write_torn_at_any_byte_keeps_the_last_document(path: Path) -> None:
    client = Client(path, check_seconds=0)
    body = TWO.rstrip()
    with path.open("wb", buffering=0) as stream:
        for number in range(len(body)):
            assert client.resolve("user-1").release == "r1", f"served from the first {number} bytes"
            assert client.last_error is not None
            stream.write(body[number : number + 1])
    assert client.resolve("user-1").release == "r2"


def test_a_block_torn_in_the_middle_keeps_the_last_document(path: Path) -> None:
    client = Client(path, check_seconds=0)
    for cut in range(1, len(ONE) - 1):
        path.write_bytes(TWO[:cut] + ONE[cut:])
        served = client.resolve("user-1")
        if TWO[:cut] + ONE[cut:] not in (ONE, TWO):
            assert served.release == "r1"


@pytest.mark.skipif(sys.platform != "linux", reason="forks with threads")
def test_a_child_forked_while_another_thread_looks_goes_on_looking(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(path, check_seconds=0)
    looking, go_on = threading.Event(), threading.Event()

    def parse_slowly(data: bytes) -> object:
        if threading.current_thread() is not threading.main_thread():
            looking.set()
            go_on.wait(10)
        return parse(data)

    monkeypatch.setattr("lockgate_client.client.parse", parse_slowly)
    rename(path)
    thread = threading.Thread(target=client.resolve)
    thread.start()
    assert looking.wait(10), "the other thread has read the new file and not yet taken it"
    child = os.fork()
    if child == 0:
        os._exit(0 if client.resolve("user-1").release == "r2" else 1)
    _, status = os.waitpid(child, 0)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_look_that_is_interrupted_is_done_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: bytes) -> object:
        raise KeyboardInterrupt

    client = Client(path, check_seconds=0)
    rename(path)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("lockgate_client.client.parse", interrupted)
        client.resolve("user-1")
    assert client.resolve("user-1").release == "r2"
