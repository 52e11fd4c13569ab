"""Whole index versions to and from a depot."""

from __future__ import annotations

from pathlib import Path

from indexes.archive import archive_path
from indexes.archive_format import read_contents
from indexes.depot.depot import Depot
from indexes.disk import in_parallel, make_folder, one_sentence, sync, sync_tree
from indexes.leases import used
from indexes.publishing import publish
from indexes.scratch import scratch
from indexes.seal import MANIFEST, Seal
from indexes.sealed import sealed_path, trusted_files
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, never, silent
from store.records.base import Digest
from store.records.component import check_name
from store.records.versions import IndexManifest, SealedFile
from store.text import one_line

_LARGEST_ARCHIVE = 1.1
"""Of the sealed bytes: no archive is larger."""


def is_sendable(home: Path, name: str, manifest: IndexManifest) -> bool:
    """Whether this machine has the very files that the manifest names: one that built the content again
    has others. Raises MachineryError where the folder is incomplete."""
    if not sealed_path(home, name, manifest.digest).is_dir():
        return False
    return not trusted_files(sealed_path(home, name, manifest.digest), name, manifest)[1]


def send(
    depot: Depot,
    home: Path,
    name: str,
    manifest: IndexManifest,
    *,
    report: Report = silent,
    stop: Stop = never,
) -> int:
    """Sends the sealed files that the depot lacks; returns how many bytes they hold. Raises MachineryError
    where one is damaged here, or is not in the depot afterwards; Cancelled."""
    sealed = sealed_path(home, name, manifest.digest)
    with one_sentence(sealed), used(sealed):
        trusted_files(sealed, name, manifest)
        missing = _missing(depot, manifest)
        total, done = sum(file.size for file in missing), [0]

        def one(file: SealedFile) -> None:
            depot.put(file, sealed / file.path, stop)
            done[0] += file.size
            report(Progress("sending", done[0], total, name))

        in_parallel(one, missing)
    return total


def _missing(depot: Depot, manifest: IndexManifest) -> list[SealedFile]:
    """Each content once, the largest first."""
    files = {file.sha256: file for file in manifest.files}
    there = in_parallel(depot.has, list(files.values()))
    lacking = [file for file, is_there in zip(files.values(), there, strict=True) if not is_there]
    return sorted(lacking, key=lambda file: -file.size)


def holds(depot: Depot, manifest: IndexManifest) -> bool:
    """Whether the depot has every sealed file; none is read."""
    return not _missing(depot, manifest)


def fetch(
    depot: Depot,
    home: Path,
    name: str,
    manifest: IndexManifest,
    *,
    report: Report = silent,
    stop: Stop = never,
) -> None:
    """Makes the sealed folder of `manifest` from the depot, every byte compared with the manifest.

    Raises MachineryError where something is missing or damaged there, Cancelled; nothing is left then.
    """
    folder = home / check_name(name, "index name")
    make_folder(folder)
    with one_sentence(folder), scratch(folder / "tmp") as work:
        inside = work / "sealed"
        total, done = sum(file.size for file in manifest.files), [0]

        def one(file: SealedFile) -> None:
            target = inside / file.path
            depot.get(file, target, stop)
            target.chmod(0o400)
            done[0] += file.size
            report(Progress("fetching", done[0], total, name))

        for parent in {(inside / file.path).parent for file in manifest.files}:
            parent.mkdir(parents=True, exist_ok=True)
        in_parallel(one, sorted(manifest.files, key=lambda file: -file.size))
        seal = Seal.of(manifest)
        (inside / MANIFEST).write_bytes(seal.to_bytes())
        (inside / MANIFEST).chmod(0o400)
        trusted_files(inside, name, manifest)
        sync_tree(inside)
        publish(inside, sealed_path(home, name, manifest.digest), seal)


def send_archive(depot: Depot, home: Path, name: str, digest: Digest, *, stop: Stop = never) -> int:
    """Sends the archive of `digest`, and its keyframe before it; returns how many bytes were sent.

    One that the depot has already stays. Raises MachineryError, Cancelled.
    """
    path = archive_path(home, name, digest)
    keyframe = read_contents(path).keyframe
    sent = send_archive(depot, home, name, keyframe, stop=stop) if keyframe is not None else 0
    if depot.has_archive(name, digest):
        return sent
    depot.put_archive(name, digest, path, stop)
    return sent + path.stat().st_size


def fetch_archive(
    depot: Depot,
    home: Path,
    name: str,
    manifest: IndexManifest,
    *,
    report: Report = silent,
    stop: Stop = never,
    is_keyframe: bool = False,
) -> None:
    """Puts the archive of `manifest`, and the keyframe that it stands on, into their places here.

    What they hold is compared when they are unpacked. Raises MachineryError, Cancelled.
    """
    target = archive_path(home, name, manifest.digest)
    folder = home / check_name(name, "index name")
    make_folder(folder)
    with one_sentence(folder), scratch(folder / "tmp") as work:
        copy = work / "archive"
        report(Progress("fetching", note=f"the archive of {name}"))
        depot.get_archive(name, manifest.digest, copy, _most(manifest, is_keyframe), stop)
        contents = read_contents(copy)
        if contents.seal.digest != manifest.digest:
            raise MachineryError(
                f"{one_line(depot.url, 200)} gave another archive than {manifest.digest[7:19]}."
            )
        keyframe = contents.keyframe
        if keyframe is not None and not archive_path(home, name, keyframe).is_file():
            if is_keyframe:
                raise MachineryError(f"the keyframe of {name} in {one_line(depot.url, 200)} is none.")
            stands_on = manifest.model_copy(update={"digest": keyframe})
            fetch_archive(depot, home, name, stands_on, report=report, stop=stop, is_keyframe=True)
        sync(copy)
        make_folder(target.parent)
        copy.replace(target)
        sync(target.parent)


def _most(manifest: IndexManifest, is_keyframe: bool) -> int:
    """Bytes that an archive may have; another version's may be larger than this one."""
    room = sum(file.size for file in manifest.files) * _LARGEST_ARCHIVE + (1 << 20)
    return int(room) * (100 if is_keyframe else 1)
