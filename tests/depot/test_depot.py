"""A depot gives back what was put into it, or says in one sentence what is wrong; on disk and in a bucket."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
import zstandard

from indexes.depot.depot import Depot
from store.errors import Cancelled, InputError, MachineryError
from store.records.versions import SealedFile
from tests.depot.conftest import Bucket

CONTENT = os.urandom(3_000_000) + bytes(3_000_000)


def sealed(path: Path, data: bytes = CONTENT) -> SealedFile:
    path.write_bytes(data)
    return SealedFile(path=path.name, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def blob(place: Bucket, file: SealedFile) -> tuple[fsspec.AbstractFileSystem, str]:
    files, root = fsspec.core.url_to_fs(place.url, **place.options)
    return files, f"{root}/blobs/{file.sha256[:2]}/{file.sha256}.zst"


def test_what_is_put_comes_back_packed_and_once(place: Bucket, tmp_path: Path) -> None:
    depot, source = Depot.open(place.url, place.options), tmp_path / "data_level0.bin"
    file = sealed(source)
    assert not depot.has(file)
    depot.put(file, source)
    assert depot.has(file)
    depot.get(file, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    files, key = blob(place, file)
    assert 3_000_000 < files.info(key)["size"] < 3_100_000, "zeroes are packed"
    assert len(files.find(key.rpartition("/blobs")[0])) == 1, "nothing is left beside it"


def test_a_file_that_changed_is_not_sent(place: Bucket, tmp_path: Path) -> None:
    depot, source = Depot.open(place.url, place.options), tmp_path / "vectors.f32"
    file = sealed(source)
    source.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(MachineryError, match=r"vectors\.f32 is damaged: its sha256 is not the sealed one"):
        depot.put(file, source)
    assert not depot.has(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:1000] + bytes(100) + data[1100:],
        lambda _: b"",
        lambda _: b"no zstd at all",
        lambda _: zstandard.compress(CONTENT + b"more"),
        lambda _: zstandard.compress(CONTENT[:-1]),
        lambda _: zstandard.compress(bytes(1 << 30)),
    ],
    ids=["cut", "zeroed", "empty", "foreign", "longer", "shorter", "a gigabyte of zeroes"],
)
def test_damage_there_is_named_and_leaves_nothing_here(
    place: Bucket, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    depot, source, back = Depot.open(place.url, place.options), tmp_path / "a.bin", tmp_path / "back"
    file = sealed(source)
    depot.put(file, source)
    files, key = blob(place, file)
    files.pipe_file(key, damage(files.cat_file(key)))
    for look in (lambda: depot.check(file), lambda: depot.get(file, back)):
        with pytest.raises(
            MachineryError, match=f"{file.sha256}.zst is damaged: .* Delete it there"
        ) as error:
            look()
        assert "\n" not in error.value.message and not back.exists()


def test_what_is_not_there_is_named(place: Bucket, tmp_path: Path) -> None:
    depot = Depot.open(place.url, place.options)
    file = sealed(tmp_path / "a.bin")
    with pytest.raises(MachineryError, match=f"{place.url}/blobs/.*{file.sha256}.zst is missing"):
        depot.get(file, tmp_path / "back")
    with pytest.raises(MachineryError, match=r"archives/handbook/.*\.lga is missing"):
        depot.get_archive("handbook", f"sha256:{file.sha256}", tmp_path / "back", 1_000)
    assert not (tmp_path / "back").exists()


def test_an_archive_comes_back_unless_it_is_too_large(place: Bucket, tmp_path: Path) -> None:
    depot, source = Depot.open(place.url, place.options), tmp_path / "x.lga"
    digest = f"sha256:{sealed(source).sha256}"
    depot.put_archive("handbook", digest, source)
    assert depot.has_archive("handbook", digest) and not depot.has_archive("other", digest)
    depot.get_archive("handbook", digest, tmp_path / "back", len(CONTENT))
    assert (tmp_path / "back").read_bytes() == CONTENT
    with pytest.raises(MachineryError, match="is larger than what was packed"):
        depot.get_archive("handbook", digest, tmp_path / "again", len(CONTENT) - 1)
    assert not (tmp_path / "again").exists()


def test_a_transfer_can_be_stopped_and_leaves_nothing(place: Bucket, tmp_path: Path) -> None:
    depot, source = Depot.open(place.url, place.options), tmp_path / "a.bin"
    file = sealed(source)
    with pytest.raises(Cancelled):
        depot.put(file, source, stop=lambda: True)
    assert not depot.has(file)
    depot.put(file, source)
    with pytest.raises(Cancelled):
        depot.get(file, tmp_path / "back", stop=lambda: True)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("/srv/indexes", {}, "is no address: write file:///folder"),
        ("file://srv/indexes", {}, "is no absolute path"),
        ("s3://AKIA:secret@bucket/x", {}, "holds a name or password"),
        ("s3://bucket/x", {"secret": "abc"}, "option secret looks like a secret"),
        ("s3://bucket/x", {"aws_session_token": "abc"}, "looks like a secret"),
        ("simplecache::s3://bucket/x", {}, "chained addresses"),
        ("nothing://bucket", {}, "nothing"),
    ],
)
def test_an_address_that_may_not_be_is_one_sentence(url: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        Depot.open(url, options)
    assert error.value.message.startswith("indexes_url") and "abc" not in error.value.message
    assert "\n" not in error.value.message


def test_a_server_that_is_away_is_one_sentence_without_keys(bucket: Bucket, tmp_path: Path) -> None:
    file = sealed(tmp_path / "a.bin")
    for options in ({"endpoint_url": "http://127.0.0.1:9"}, bucket.options):
        depot = Depot.open("s3://no-such-bucket-here/x", options)
        with pytest.raises(MachineryError, match="cannot be written to: ") as error:
            depot.put(file, tmp_path / "a.bin")
        assert "planted" not in error.value.message.lower() and "\n" not in error.value.message
