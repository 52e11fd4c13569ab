"""Archives: sealed folders packed small, checked by unpacking, and unpacked when they are wanted again.

`archive/<digest>.lga`. Chroma's files are packed too, not built again from rows and vectors: building takes
two hundred times as long as unpacking and gives other bytes, and a restored index has to answer as it did.
The first archive of an index stands alone, a keyframe; those after it are packed against that, so each needs
itself and at most one other file. One that gets little out of the keyframe becomes the next keyframe.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indexes.archive_format import Contents, read_contents
from indexes.archive_packing import pack_folder, unpack_folder, unpack_sections
from indexes.disk import make_folder, one_sentence, sha256_of, sync, sync_tree
from indexes.leases import used
from indexes.publishing import publish
from indexes.scratch import scratch
from indexes.seal import Seal, read_seal
from indexes.sealed import check_content, check_files, sealed_path, trusted_files
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, never, silent
from store.records.base import Digest
from store.records.component import check_name
from store.records.versions import IndexManifest
from store.text import one_line

ARCHIVE = "archive"
_ENDING = ".lga"
_NAME_DIGITS = 32
_WORTH = 0.6
"""Of a keyframe's size: an archive that is larger becomes a keyframe itself."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One archive."""

    digest: Digest
    """Of the content in it."""
    size: int
    """Bytes."""
    sha256: str
    keyframe: Digest | None
    """What it needs besides itself."""


def archive_path(home: Path, name: str, digest: Digest) -> Path:
    """Where the archive of that content is, or would be."""
    short = digest.removeprefix("sha256:")[:_NAME_DIGITS]
    return home / check_name(name, "index name") / ARCHIVE / f"{short}{_ENDING}"


def has_archive(home: Path, name: str, digest: Digest) -> bool:
    """Whether there is an archive; it is not looked into."""
    return archive_path(home, name, digest).is_file()


def archive(
    home: Path, name: str, manifest: IndexManifest, *, report: Report = silent, stop: Stop = never
) -> Packed:
    """Packs the sealed folder of `manifest`, unpacks it again to see that it is whole, and only then puts
    it into its place. One that is there already and whole is kept.

    Raises MachineryError when the folder, the disk or the keyframe is damaged, Cancelled; nothing is left.
    """
    target = archive_path(home, name, manifest.digest)
    if target.is_file():
        try:
            return check_archive(home, name, manifest, report=report, stop=stop)
        except MachineryError:
            pass  # it is packed again
    sealed = sealed_path(home, name, manifest.digest)
    folder = home / name
    with one_sentence(folder), used(sealed), scratch(folder / "tmp") as work:
        files, _ = trusted_files(sealed, name, manifest)
        check_files(sealed, files, report, stop)
        made = _pack(home, name, sealed, read_seal(sealed), work, report, stop)
        sync(made)
        make_folder(target.parent)
        _checked(home, name, manifest, made, work / "checked", report, stop)
        packed = _packed(made, read_contents(made))
        made.replace(target)
        sync(target.parent)
        return packed


def _pack(home: Path, name: str, sealed: Path, seal: Seal, work: Path, report: Report, stop: Stop) -> Path:
    """The better one of an archive against the newest keyframe and one that stands alone."""
    keyframe = next((one for one in keyframes(home, name) if one.digest != seal.digest), None)
    if keyframe is not None:
        try:
            with _unpacked_keyframe(home, name, keyframe.digest, work / "keyframe", report, stop) as folder:
                small = _pack_into(sealed, seal, work, "small", (keyframe.digest, folder), report, stop)
            if small.stat().st_size <= keyframe.size * _WORTH:
                return small
            small.unlink()
        except MachineryError:
            report(Progress("packing", note="without the keyframe, which is damaged"))
            shutil.rmtree(work / "keyframe", ignore_errors=True)
    return _pack_into(sealed, seal, work, "alone", None, report, stop)


def _pack_into(
    sealed: Path,
    seal: Seal,
    work: Path,
    name: str,
    keyframe: tuple[Digest, Path] | None,
    report: Report,
    stop: Stop,
) -> Path:
    meanwhile, target = work / f"{name}-rows", work / name
    target.unlink(missing_ok=True)
    shutil.rmtree(meanwhile, ignore_errors=True)
    meanwhile.mkdir()
    pack_folder(sealed, seal, target, meanwhile, keyframe, report, stop)
    shutil.rmtree(meanwhile)
    return target


def check_archive(
    home: Path, name: str, manifest: IndexManifest, *, report: Report = silent, stop: Stop = never
) -> Packed:
    """Unpacks the archive of `manifest` and compares every byte with what was sealed.

    Raises MachineryError when it is missing or damaged, Cancelled; nothing of it is left.
    """
    path = archive_path(home, name, manifest.digest)
    folder = home / name
    with one_sentence(folder), scratch(folder / "tmp") as work:
        contents = _checked(home, name, manifest, path, work / "checked", report, stop)
        return _packed(path, contents)


def restore(
    home: Path, name: str, manifest: IndexManifest, *, report: Report = silent, stop: Stop = never
) -> None:
    """Unpacks the archive of `manifest` into its sealed folder, checked byte by byte. The archive stays.

    A sealed folder that is there and whole is kept. Raises MachineryError, Cancelled; nothing is left then.
    """
    path = archive_path(home, name, manifest.digest)
    folder = home / name
    with one_sentence(folder), scratch(folder / "tmp") as work:
        inside = work / "sealed"
        _checked(home, name, manifest, path, inside, report, stop)
        report(Progress("sealing"))
        for file in inside.rglob("*"):
            if file.is_file():
                file.chmod(0o400)
        sync_tree(inside)
        publish(inside, sealed_path(home, name, manifest.digest), read_seal(inside))


def _checked(
    home: Path, name: str, manifest: IndexManifest, path: Path, target: Path, report: Report, stop: Stop
) -> Contents:
    """Unpacks the archive at `path` into `target`, and compares it with `manifest`."""
    if not path.is_file():
        raise MachineryError(
            f"index {one_line(name)} {manifest.digest[7:19]} has no archive on this machine: {path} is "
            "missing. Copy it here, or build the index again from its source."
        )
    contents = read_contents(path)
    if (contents.seal.digest, contents.seal.embedder) != (manifest.digest, manifest.embedder):
        raise MachineryError(f"{path} holds other content than its name says; restore it from a copy.")
    target.mkdir()
    if contents.keyframe is None:
        differs = unpack_folder(path, target, None, report, stop)[1]
    else:
        beside = target.with_name(f"{target.name}-keyframe")
        with _unpacked_keyframe(home, name, contents.keyframe, beside, report, stop) as keyframe:
            differs = unpack_folder(path, target, keyframe, report, stop)[1]
    files, rebuilt = trusted_files(target, name, manifest)
    check_files(target, files, report, stop)
    if rebuilt or differs:
        check_content(target, manifest, report, stop)
    return contents


@contextmanager
def _unpacked_keyframe(
    home: Path, name: str, digest: Digest, target: Path, report: Report, stop: Stop
) -> Iterator[Path]:
    path = archive_path(home, name, digest)
    if not path.is_file():
        raise MachineryError(f"the keyframe {path} is missing; restore it from a copy.")
    if read_contents(path).keyframe is not None:
        raise MachineryError(f"{path} is no keyframe: it stands on another one. Restore it from a copy.")
    target.mkdir()
    unpack_sections(path, target, None, report, stop)
    try:
        yield target
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _packed(path: Path, contents: Contents) -> Packed:
    return Packed(contents.seal.digest, path.stat().st_size, sha256_of(path), contents.keyframe)


@dataclass(frozen=True, slots=True)
class Shelved:
    """An archive by its table of contents alone."""

    digest: Digest
    size: int
    keyframe: Digest | None
    path: Path


def shelf(home: Path, name: str) -> tuple[Shelved, ...]:
    """The archives of index `name`, oldest first. Raises MachineryError for one that cannot be read: what it
    stands on is not known then."""
    folder = home / check_name(name, "index name") / ARCHIVE
    paths = list(folder.glob(f"*{_ENDING}")) if folder.is_dir() else []
    found = []
    for path in sorted(paths, key=lambda one: (one.stat().st_mtime_ns, one.name)):
        contents = read_contents(path)
        found.append(Shelved(contents.seal.digest, path.stat().st_size, contents.keyframe, path))
    return tuple(found)


def keyframes(home: Path, name: str) -> tuple[Shelved, ...]:
    """The archives that stand alone, newest first; those that cannot be read are left out."""
    folder = home / check_name(name, "index name") / ARCHIVE
    found = []
    for path in folder.glob(f"*{_ENDING}") if folder.is_dir() else ():
        try:
            contents = read_contents(path)
        except MachineryError:
            continue
        if contents.keyframe is None:
            found.append(Shelved(contents.seal.digest, path.stat().st_size, None, path))
    return tuple(sorted(found, key=lambda one: (one.path.stat().st_mtime_ns, one.path.name), reverse=True))


def dependents(home: Path, name: str, digest: Digest) -> tuple[Digest, ...]:
    """The contents whose archives cannot be unpacked without that of `digest`. Raises as `shelf` does."""
    return tuple(one.digest for one in shelf(home, name) if one.keyframe == digest)


def remove_archive(home: Path, name: str, digest: Digest) -> bool:
    """Deletes an archive that nothing hangs on; False, and nothing deleted, where something does."""
    if dependents(home, name, digest):
        return False
    path = archive_path(home, name, digest)
    with one_sentence(path.parent):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync(path.parent)
    return True
