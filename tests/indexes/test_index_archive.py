"""Archives: what went in comes out byte for byte, from itself and at most a keyframe; hostile ones do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from making_indexes import NAME, Built, build_here, left_in_tmp, numbered_rows, write_folder, write_rows
from pydantic import ValidationError

from indexes import archive_frames, disk
from indexes.archive import (
    archive,
    archive_path,
    check_archive,
    dependents,
    has_archive,
    keyframes,
    remove_archive,
    restore,
    shelf,
)
from indexes.archive_format import PIECE, Contents, Piece, Section, check_path, read_contents, write_contents
from indexes.archive_frames import Against, pack, unpack
from indexes.collection import collection_name
from indexes.leases import unused, used
from indexes.opened import open_copy, probe
from indexes.probes import read_probes
from indexes.publishing import drop_aside, set_aside
from indexes.seal import read_seal
from indexes.sealed import verify
from store.errors import Cancelled, MachineryError
from store.records.versions import SealedFile


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def pair_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Built]:
    """v1 archived and v2, one of sixty documents apart, archived against it; built once."""
    folder = tmp_path_factory.mktemp("pair")
    home = folder / "indexes"
    made = [build_here(home, write_folder(folder / str(documents), documents)) for documents in (60, 61)]
    for one in made:
        archive(home, NAME, one)
    return Built(home, made[0]), Built(home, made[1])


@pytest.fixture
def pair(pair_template: tuple[Built, Built], tmp_path: Path) -> tuple[Built, Built]:
    """The same, to be harmed."""
    home = tmp_path / "pair"
    shutil.copytree(pair_template[0].home, home)
    return Built(home, pair_template[0].manifest), Built(home, pair_template[1].manifest)


def test_an_archive_comes_back_byte_for_byte_and_answers_as_before(pair: tuple[Built, Built]) -> None:
    before = [tree(one.sealed) for one in pair]
    for one in pair:
        shutil.rmtree(one.sealed)
        restore(one.home, NAME, one.manifest)
        verify(one.home, NAME, one.manifest, full=True)
        assert left_in_tmp(one.home) == []
    assert [tree(one.sealed) for one in pair] == before
    second = pair[1]
    copy = open_copy(second.home, NAME, second.manifest)
    found = probe(copy, collection_name(NAME), second.manifest, read_probes(second.sealed))
    assert (found.top1, found.overlap) == (1.0, 1.0)


def test_one_hop_and_the_keyframe_stays_while_anything_hangs_on_it(pair: tuple[Built, Built]) -> None:
    first, second = pair
    home, digests = first.home, [one.manifest.digest for one in pair]
    assert [one.keyframe for one in shelf(home, NAME)] == [None, digests[0]]
    assert [one.digest for one in keyframes(home, NAME)] == digests[:1]
    assert dependents(home, NAME, digests[0]) == (digests[1],)
    sizes = [one.size for one in shelf(home, NAME)]
    assert sizes[1] < sizes[0] * 0.5
    assert not remove_archive(home, NAME, digests[0]) and has_archive(home, NAME, digests[0])
    shutil.rmtree(first.sealed)  # the keyframe's own sealed folder is not needed
    check_archive(home, NAME, second.manifest)
    assert remove_archive(home, NAME, digests[1]) and remove_archive(home, NAME, digests[0])
    assert shelf(home, NAME) == ()


def test_what_shares_little_with_the_keyframe_becomes_one(built: Built, tmp_path: Path) -> None:
    archive(built.home, NAME, built.manifest)
    rows = write_rows(tmp_path / "rows.jsonl", numbered_rows(400, "quite other words"))
    other = build_here(built.home, rows)
    assert archive(built.home, NAME, other).keyframe is None
    assert [one.digest for one in keyframes(built.home, NAME)] == [other.digest, built.manifest.digest]


def test_a_lost_keyframe_is_named(pair: tuple[Built, Built]) -> None:
    first, second = pair
    archive_path(first.home, NAME, first.manifest.digest).unlink()
    with pytest.raises(MachineryError, match=r"the keyframe .* is missing"):
        check_archive(second.home, NAME, second.manifest)


@pytest.mark.parametrize("per_mille", [1, 150, 400, 700, 930, 980, 999])
def test_one_flipped_bit_is_found_and_packed_again(
    pair: tuple[Built, Built], change_bytes: Callable[[Path, int], None], per_mille: int
) -> None:
    second = pair[1]
    path = archive_path(second.home, NAME, second.manifest.digest)
    before = tree(second.sealed)
    change_bytes(path, per_mille)
    with pytest.raises(MachineryError):
        restore(second.home, NAME, second.manifest)
    assert tree(second.sealed) == before and left_in_tmp(second.home) == []
    archive(second.home, NAME, second.manifest)
    check_archive(second.home, NAME, second.manifest)


@pytest.mark.parametrize("keep", [0, 10, 90, 1000])
def test_a_cut_archive_is_refused(pair: tuple[Built, Built], keep: int) -> None:
    path = archive_path(pair[1].home, NAME, pair[1].manifest.digest)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(MachineryError, match="is damaged"):
        check_archive(pair[1].home, NAME, pair[1].manifest)


def test_cancelling_leaves_nothing(built: Built) -> None:
    with pytest.raises(Cancelled):
        archive(built.home, NAME, built.manifest, stop=lambda: True)
    assert not has_archive(built.home, NAME, built.manifest.digest) and left_in_tmp(built.home) == []


def test_a_full_disk_is_one_sentence(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("indexes.archive_packing.write_contents", full)
    with pytest.raises(MachineryError, match=r"the disk under .* is full"):
        archive(built.home, NAME, built.manifest)
    assert not has_archive(built.home, NAME, built.manifest.digest) and left_in_tmp(built.home) == []


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a/b/c/d", "a\0b", "manifest.json", ".ssh/x"],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        check_path(path)


def rewritten(one: Built, change: Callable[[dict[str, object]], object]) -> None:
    """The archive of `one` with another table of contents, and check sums that fit."""
    path = archive_path(one.home, NAME, one.manifest.digest)
    contents = read_contents(path)
    table = json.loads(contents.to_bytes())
    change(table)
    forged = Contents.model_construct()
    object.__setattr__(forged, "to_bytes", lambda: json.dumps(table).encode())
    frames = sum(piece.stored for section in contents.sections for piece in section.pieces)
    data = path.read_bytes()[:frames]
    with path.open("wb") as stream:
        stream.write(data)
        write_contents(stream, forged)


def _rename(table: dict[str, object]) -> None:
    table["sections"][0]["file"]["path"] = "../../escaped"  # type: ignore[index]


def _twice(table: dict[str, object]) -> None:
    table["sections"][1]["file"]["path"] = table["sections"][0]["file"]["path"].upper()  # type: ignore[index]


def _bomb(table: dict[str, object]) -> None:
    table["sections"][0]["pieces"][0]["size"] = 1 << 40  # type: ignore[index]


def _other_size(table: dict[str, object]) -> None:
    section = table["sections"][0]  # type: ignore[index]
    section["pieces"][0]["size"] += 1
    section["file"]["size"] += 1


def _itself(table: dict[str, object]) -> None:
    table["sections"][0]["beside"] = table["sections"][-1]["file"]["path"]  # type: ignore[index]


def _chain(table: dict[str, object]) -> None:
    table["keyframe"] = table["seal"]["digest"]  # type: ignore[index]


@pytest.mark.parametrize("change", [_rename, _twice, _bomb, _other_size, _itself, _chain])
def test_a_hostile_table_is_refused(
    built: Built, tmp_path: Path, change: Callable[[dict[str, object]], object]
) -> None:
    archive(built.home, NAME, built.manifest)
    rewritten(built, change)
    shutil.rmtree(built.sealed)
    outside = set(tmp_path.iterdir())
    with pytest.raises(MachineryError):
        restore(built.home, NAME, built.manifest)
    assert not built.sealed.exists() and set(tmp_path.iterdir()) == outside
    assert left_in_tmp(built.home) == []


def test_a_frame_that_grows_is_not_unpacked(tmp_path: Path) -> None:
    frame = zstandard.ZstdCompressor().compress(bytes(8 << 20))
    packed = tmp_path / "frame"
    packed.write_bytes(frame)
    piece = Piece(size=100, stored=len(frame))
    section = Section(file=SealedFile(path="x", size=100, sha256="0" * 64), pieces=(piece,))
    with packed.open("rb") as stream, pytest.raises(MachineryError, match="another size"):
        unpack(section, Against(), stream, tmp_path / "out")
    with pytest.raises(ValidationError):
        Piece(size=PIECE + 1, stored=10)


@given(
    data=st.binary(max_size=600),
    near=st.none() | st.binary(max_size=600),
    beside=st.none() | st.binary(max_size=600),
    piece=st.integers(50, 300),
    limits=st.tuples(st.integers(8, 200), st.integers(8, 200)),
)
def test_any_file_comes_back_in_pieces_and_windows(
    data: bytes, near: bytes | None, beside: bytes | None, piece: int, limits: tuple[int, int]
) -> None:
    import hashlib
    import tempfile

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_frames, "PIECE", piece)
        patch.setattr(archive_frames, "_NEAR", limits[0])
        patch.setattr(archive_frames, "_BESIDE", limits[1])
        folder = Path(name)
        paths = []
        for label, content in (("near", near), ("beside", beside)):
            if content is not None:
                (folder / label).write_bytes(content)
            paths.append(folder / label if content is not None else None)
        source, frames = folder / "source", folder / "frames"
        source.write_bytes(data)
        with frames.open("wb") as stream:
            pieces = tuple(pack(source, Against(*paths), stream))
        file = SealedFile(path="source", size=len(data), sha256=hashlib.sha256(data).hexdigest())
        with frames.open("rb") as stream:
            unpack(Section(file=file, pieces=pieces), Against(*paths), stream, folder / "back")
        assert (folder / "back").read_bytes() == data


def test_nobody_takes_a_folder_that_is_read(built: Built) -> None:
    digest = built.manifest.digest
    with used(built.sealed), used(built.sealed):
        assert not set_aside(built.home, NAME, digest) and built.sealed.is_dir()
    with unused(built.sealed) as free:
        assert free
    assert set_aside(built.home, NAME, digest) and not built.sealed.exists()
    assert drop_aside(built.home, NAME) == 1 and not set_aside(built.home, NAME, digest)


def test_equal_files_share_blocks_where_the_disk_can_and_are_copies_elsewhere(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = max(read_seal(built.sealed).files, key=lambda one: one.size)
    twin, other = built.sealed / file.path, tmp_path / "other"
    shutil.copy(twin, other)
    inode = other.stat().st_ino
    disk.share(twin, other, file.sha256)
    assert other.read_bytes() == twin.read_bytes() and other.stat().st_nlink == 1

    def cloned(reading: object, writing: object) -> bool:
        writing.write(reading.read())  # type: ignore[attr-defined]
        return True

    monkeypatch.setattr(disk, "_shared", cloned)
    assert disk.share(twin, other, file.sha256) and other.stat().st_ino != inode
    assert not disk.share(twin, other, "0" * 64), "what is not equal is not shared"
    assert other.read_bytes() == twin.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("other*")) == ["other"]
