"""Making a finished sealed folder visible, and taking one out of sight: one rename each."""

from __future__ import annotations

import errno
import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from indexes.disk import make_folder, one_sentence, share, sync
from indexes.leases import unused
from indexes.seal import Seal, read_seal
from indexes.sealed import check_content, check_files, sealed_path, trusted_files
from store.errors import MachineryError
from store.records.base import Digest
from store.records.component import check_name
from store.records.versions import IndexManifest

_ASIDE = "aside"
_WORTH_SHARING = 64 << 10


def publish(inside: Path, target: Path, seal: Seal) -> Seal:
    """Makes the finished folder visible, or takes what somebody else sealed of this content first."""
    make_folder(target.parent)
    share_equal(inside, seal, target.parent)
    for _ in range(3):
        try:
            inside.rename(target)
            sync(target.parent)
            return seal
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        if found := adopt(target, target.name, seal.digest):
            return found
        target.rename(inside.with_name("damaged"))  # the scratch folder takes it away
    raise MachineryError(f"{target} keeps coming back damaged; look at what else writes there.")


def adopt(sealed: Path, name: str, digest: str) -> Seal | None:
    """The seal of a folder that holds this content and is whole; None where there is none."""
    if not sealed.is_dir():
        return None
    try:
        seal = read_seal(sealed)
        manifest = _manifest_of(seal)
        files, _ = trusted_files(sealed, name, manifest)
        check_files(sealed, files)
        check_content(sealed, manifest)
    except MachineryError:
        return None
    return seal if seal.digest == digest else None


def _manifest_of(seal: Seal) -> IndexManifest:
    """The least manifest that `seal` is checked against."""
    return IndexManifest(
        digest=seal.digest,
        passages=seal.passages,
        documents=seal.documents,
        embedder=seal.embedder,
        chroma=seal.chroma,
        built_at=datetime.fromtimestamp(0, UTC),
        files=seal.files,
    )


def share_equal(inside: Path, seal: Seal, siblings: Path) -> int:
    """Lets files of `inside` share the blocks of equal ones in other sealed folders, where the file system
    can; returns how many do. Never a hard link: a copy that Chroma writes must not reach them."""
    others = _others(siblings)
    shared = 0
    for file in seal.files:
        twin = others.get((file.size, file.sha256)) if file.size >= _WORTH_SHARING else None
        with suppress(FileNotFoundError):  # somebody takes the other one away
            shared += twin is not None and share(twin, inside / file.path, file.sha256)
    return shared


def _others(siblings: Path) -> dict[tuple[int, str], Path]:
    found: dict[tuple[int, str], Path] = {}
    for folder in siblings.iterdir() if siblings.is_dir() else ():
        try:
            seal = read_seal(folder)
        except MachineryError:
            continue
        found |= {(file.size, file.sha256): folder / file.path for file in seal.files}
    return found


def set_aside(home: Path, name: str, digest: Digest) -> bool:
    """Takes the sealed folder out of sight in one step; False where somebody reads it, or it is not there.

    `drop_aside` deletes it. Raises MachineryError.
    """
    sealed = sealed_path(home, name, digest)
    folder = home / name / _ASIDE
    with one_sentence(home / name), unused(sealed) as free:
        if not free or not sealed.is_dir():
            return False
        make_folder(folder)
        sealed.rename(folder / f"{sealed.name}-{secrets.token_hex(4)}")
        sync(sealed.parent)
        return True


def drop_aside(home: Path, name: str) -> int:
    """Deletes what was set aside, also by somebody who died then; returns how many folders."""
    folder = home / check_name(name, "index name") / _ASIDE
    found = list(folder.iterdir()) if folder.is_dir() else []
    for one in found:
        shutil.rmtree(one, ignore_errors=True)
    return len(found)
