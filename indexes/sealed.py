"""Sealed folders: where they are, and whether every byte is still what it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from indexes.digest import content_digest
from indexes.disk import VERIFYING, in_parallel, sha256_of
from indexes.export import read_rows, read_vectors
from indexes.seal import MANIFEST, Seal, read_seal
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.component import check_name
from store.records.versions import IndexManifest, SealedFile
from store.text import one_line

__all__ = ["chroma_of", "collect", "read_rows", "sealed_path", "trusted_files", "verify"]

SEALED = "sealed"
CHROMA = "chroma"
_NAME_DIGITS = 32
_ROWS = 1000  # between two looks at whether to stop


def sealed_path(home: Path, name: str, digest: str) -> Path:
    """Where the sealed folder of index `name` with content `digest` is, or would be."""
    return home / check_name(name, "index name") / SEALED / digest.removeprefix("sha256:")[:_NAME_DIGITS]


def chroma_of(sealed: Path) -> Path:
    """The closed Chroma directory inside; it is copied, never opened where it is."""
    return sealed / CHROMA


def verify(
    home: Path,
    name: str,
    manifest: IndexManifest,
    *,
    full: bool = False,
    report: Report = silent,
    stop: Stop = never,
) -> None:
    """Checks that the sealed folder of `manifest` is whole: every file, none more, sizes and hashes.

    `full` also computes the content digest from the rows and vectors. A folder that was built again
    on this machine from the same content (so that Chroma's files differ from those in the manifest)
    is checked by its own hashes and always in full.
    Raises MachineryError naming the file, Cancelled when `stop` says so.
    """
    sealed = sealed_path(home, name, manifest.digest)
    files, rebuilt = trusted_files(sealed, name, manifest)
    check_files(sealed, files, report, stop)
    if full or rebuilt:
        check_content(sealed, manifest, report, stop)


def trusted_files(sealed: Path, name: str, manifest: IndexManifest) -> tuple[tuple[SealedFile, ...], bool]:
    """The files that must be in `sealed`, and whether it was built again here (see `verify`).

    Raises MachineryError when the folder is missing, incomplete, or holds something else.
    """
    if not sealed.is_dir():
        raise MachineryError(
            f"index {one_line(name)} {manifest.digest[7:19]} was archived or never on this machine: "
            f"{sealed} is missing. Copy its sealed folder here, or build it again from its source."
        )
    seal = read_seal(sealed)
    rebuilt = seal != Seal.of(manifest)
    if (seal.digest, seal.embedder) != (manifest.digest, manifest.embedder):
        raise MachineryError(f"{sealed / MANIFEST} belongs to other content; restore the folder from a copy.")
    _check_names(sealed, {file.path for file in seal.files})
    for file in seal.files:
        _check_shape(sealed, file)
    return seal.files, rebuilt


def check_files(
    sealed: Path, files: tuple[SealedFile, ...], report: Report = silent, stop: Stop = never
) -> None:
    """Compares the hash of each file. Raises MachineryError naming the first that differs, Cancelled."""
    total = sum(file.size for file in files)
    done = [0]

    def one(file: SealedFile) -> None:
        try:
            found = sha256_of(sealed / file.path, stop)
        except OSError as error:
            raise MachineryError(f"{sealed / file.path} cannot be read: {one_line(str(error))}.") from None
        check_hash(sealed, file, found)
        done[0] += file.size
        report(Progress("verifying", done[0], total, file.path))

    in_parallel(one, sorted(files, key=lambda file: -file.size))


def check_hash(sealed: Path, file: SealedFile, found: str) -> None:
    """Raises MachineryError naming `file` unless its hash was `found`."""
    if found != file.sha256:
        raise MachineryError(
            f"{sealed / file.path} is damaged: its sha256 is not the sealed one. "
            "Restore the folder from a copy, or build the index again from its source."
        )


def check_content(sealed: Path, manifest: IndexManifest, report: Report = silent, stop: Stop = never) -> None:
    """Computes the content digest from the export. Raises MachineryError when it differs, Cancelled."""
    report(Progress("recomputing the digest"))
    rows = []
    for number, row in enumerate(read_rows(sealed)):
        if number % _ROWS == 0:
            check(stop, VERIFYING)
        rows.append(row)
    check(stop, VERIFYING)
    try:
        found = content_digest(rows, read_vectors(sealed, manifest.embedder.dimension), manifest.embedder)
    except ValueError as error:
        reason = one_line(str(error))
        raise MachineryError(f"{sealed} is damaged: {reason}; restore it from a copy.") from None
    if found != manifest.digest:
        raise MachineryError(f"{sealed} holds other content than its digest says; restore it from a copy.")


def collect(folder: Path) -> tuple[SealedFile, ...]:
    """Every file under `folder`, sorted by path, with size and hash. Raises OSError."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hashes = in_parallel(lambda path: sha256_of(folder / path), paths)
    return tuple(
        SealedFile(path=path, size=(folder / path).stat().st_size, sha256=hash)
        for path, hash in zip(paths, hashes, strict=True)
    )


def _check_names(sealed: Path, wanted: set[str]) -> None:
    there = set()
    for parent, folders, names in os.walk(sealed):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        there |= {Path(parent, name).relative_to(sealed).as_posix() for name in [*names, *links]}
    there.discard(MANIFEST)
    if missing := sorted(wanted - there):
        raise MachineryError(f"{sealed / missing[0]} is missing; restore the folder from a copy.")
    if extra := sorted(there - wanted):
        raise MachineryError(
            f"{one_line(str(sealed / extra[0]))} does not belong into a sealed folder; move it away."
        )


def _check_shape(sealed: Path, file: SealedFile) -> None:
    path = sealed / file.path
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise MachineryError(f"{path} is no regular file; restore the folder from a copy.")
    if found.st_size != file.size:
        raise MachineryError(
            f"{path} is damaged: {found.st_size:,} bytes, not {file.size:,}; restore it from a copy."
        )
