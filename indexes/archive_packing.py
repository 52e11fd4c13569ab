"""From a sealed folder to an archive, and back into a folder that is the same byte for byte."""

from __future__ import annotations

from pathlib import Path

from indexes.archive_format import PLAIN_RECORDS, Contents, Section, read_contents, write_contents
from indexes.archive_frames import PACKING, UNPACKING, Against, pack, unpack
from indexes.disk import sha256_of
from indexes.export import RECORDS, VECTORS, pack_records, unpack_records
from indexes.seal import MANIFEST, Seal
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, check
from store.records.base import Digest
from store.records.versions import SealedFile

_BESIDE = {"data_level0.bin": VECTORS, "chroma.sqlite3": PLAIN_RECORDS}
"""By the last part of a path: what holds the same once more. Chroma keeps each vector and document again."""
_FIRST = (VECTORS, PLAIN_RECORDS)


def pack_folder(
    sealed: Path,
    seal: Seal,
    target: Path,
    work: Path,
    keyframe: tuple[Digest, Path] | None,
    report: Report,
    stop: Stop,
) -> None:
    """Packs the files of `sealed` into `target`, against the unpacked `keyframe` (digest, folder) if there
    is one. `work` is an empty folder for what is only needed meanwhile. Raises OSError, Cancelled."""
    files = {file.path: (file, sealed / file.path) for file in seal.files}
    if plain := _plain_records(files, work, stop):
        del files[RECORDS]
        files[PLAIN_RECORDS] = plain
    order = [*(path for path in _FIRST if path in files), *sorted(files.keys() - set(_FIRST))]
    near = _by_last_part(keyframe[1]) if keyframe else {}
    total, done = sum(file.size for file, _ in files.values()), 0
    sections: list[Section] = []
    with target.open("xb") as stream:
        for path in order:
            file, source = files[path]
            name = path.rpartition("/")[2]
            like = near.get(name)
            beside = _BESIDE.get(name) if _BESIDE.get(name) in files else None
            against = Against(like[1] if like else None, files[beside][1] if beside else None)
            pieces = tuple(pack(source, against, stream, stop))
            sections.append(Section(file=file, pieces=pieces, near=like[0] if like else None, beside=beside))
            done += file.size
            report(Progress("packing", done, total, path))
        write_contents(
            stream, Contents(seal=seal, keyframe=keyframe[0] if keyframe else None, sections=tuple(sections))
        )


def unpack_folder(
    archive: Path, target: Path, keyframe: Path | None, report: Report, stop: Stop
) -> tuple[Contents, bool]:
    """Unpacks `archive` into the empty folder `target`, `keyframe` being that archive's own, unpacked.

    Every file is as it was sealed, manifest.json too. Where this machine's zstd packs rows differently, that
    one file differs: its hash in manifest.json then is this one's, and the answer's second part True.
    Raises OSError, MachineryError when the archive is damaged, Cancelled.
    """
    contents = unpack_sections(archive, target, keyframe, report, stop)
    check(stop, UNPACKING)
    seal, differs = _with_records(target, contents.seal)
    (target / MANIFEST).write_bytes(seal.to_bytes())
    return contents, differs


def unpack_sections(
    archive: Path, target: Path, keyframe: Path | None, report: Report, stop: Stop
) -> Contents:
    """Unpacks what is in `archive` as it is in there, with plain rows and no manifest: what other archives
    are packed against. Raises as `unpack_folder` does."""
    contents = read_contents(archive)
    total, done = sum(section.file.size for section in contents.sections), 0
    with archive.open("rb") as stream:
        for section in contents.sections:
            path = target / section.file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            against = Against(_near(section, keyframe), target / section.beside if section.beside else None)
            unpack(section, against, stream, path, stop)
            done += section.file.size
            report(Progress("unpacking", done, total, section.file.path))
    return contents


def _near(section: Section, keyframe: Path | None) -> Path | None:
    if section.near is None:
        return None
    found = _by_last_part(keyframe).get(section.near.rpartition("/")[2]) if keyframe else None
    if found is None or found[0] != section.near:
        raise MachineryError(f"the keyframe has no {section.near}: it is not the one it should be.")
    return found[1]


def _by_last_part(folder: Path) -> dict[str, tuple[str, Path]]:
    """Path in `folder` and whole path, by the last part: Chroma's folder has another name each time."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.name: (path.relative_to(folder).as_posix(), path) for path in reversed(paths)}


def _plain_records(
    files: dict[str, tuple[SealedFile, Path]], work: Path, stop: Stop
) -> tuple[SealedFile, Path] | None:
    """The rows unpacked, if packing them again gives the same bytes."""
    if RECORDS not in files:
        return None
    sealed, source = files[RECORDS]
    plain, again = work / PLAIN_RECORDS, work / RECORDS
    unpack_records(source, plain)
    check(stop, PACKING)
    pack_records(plain, again)
    if sha256_of(again) != sealed.sha256:
        return None
    return SealedFile(path=PLAIN_RECORDS, size=plain.stat().st_size, sha256=sha256_of(plain, stop)), plain


def _with_records(folder: Path, seal: Seal) -> tuple[Seal, bool]:
    plain = folder / PLAIN_RECORDS
    if not plain.exists():
        return seal, False
    packed = folder / RECORDS
    pack_records(plain, packed)
    plain.unlink()
    found = SealedFile(path=RECORDS, size=packed.stat().st_size, sha256=sha256_of(packed))
    files = tuple(found if file.path == RECORDS else file for file in seal.files)
    return seal.model_copy(update={"files": files}), files != seal.files
