"""Copies of sealed indexes that Chroma may open: made, probed, found again and thrown away.

A copy lives at a path that is never used twice (an open handle on a path that was removed and made
again fails or serves the old bytes), named `<digest>-<sequence>-<token>`; beside it, `<copy>.json`
says that it passed its probes. Copies are disposable and not synced, so those made before the
machine last started are not trusted.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Sequence, Set
from pathlib import Path

from indexes.collection import collection_name
from indexes.disk import copy_hashed, copy_plain, in_parallel, make_folder, one_sentence, sha256_of, sync_tree
from indexes.leases import used
from indexes.probe import Prober
from indexes.probes import Probe, ProbeResult, read_probes
from indexes.retriever import Passage, Retriever
from indexes.scratch import scratch
from indexes.sealed import CHROMA, check_content, check_hash, sealed_path, trusted_files
from store.canonical import short
from store.progress import Progress, Report, Stop, never, silent
from store.records.component import check_name
from store.records.versions import IndexManifest, SealedFile

__all__ = [
    "Passage", "ProbeResult", "Retriever", "ensure_open", "latest_copy", "open_copy", "probe", "sweep_copies",
]  # fmt: skip

LIVE = "live"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_DIGITS = 12


def ensure_open(
    home: Path, name: str, manifest: IndexManifest, *, report: Report = silent, stop: Stop = never
) -> Path:
    """A probed copy of the index version, the newest there is or a new one.

    A new one is verified while it is copied, then probed. Raises MachineryError, Cancelled when `stop` says
    so; nothing is left then.
    """
    if found := latest_copy(home, name, manifest):
        return found
    sealed = sealed_path(home, name, manifest.digest)
    with Prober() as prober:
        path = open_copy(home, name, manifest, report=report, stop=stop)
        report(Progress("probing"))
        try:
            _probe(prober, path, collection_name(name), manifest, read_probes(sealed), stop=stop)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
    return path


def open_copy(
    home: Path,
    name: str,
    manifest: IndexManifest,
    *,
    verified: bool = False,
    report: Report = silent,
    stop: Stop = never,
) -> Path:
    """Copies the sealed Chroma directory to a new path; every sealed byte is checked on the way.

    `verified` skips the hashes of a folder that was verified a moment ago. The copy is not trusted
    (see `latest_copy`) until `probe` passed.
    Raises MachineryError naming the file, Cancelled when `stop` says so; nothing is left then.
    """
    sealed = sealed_path(home, name, manifest.digest)
    files, rebuilt = trusted_files(sealed, name, manifest)
    folder = home / check_name(name, "index name")
    with one_sentence(folder), used(sealed), scratch(folder / "tmp") as work:
        copy = work / CHROMA
        _copy_files(sealed, work, files, verified, report, stop)
        if rebuilt and not verified:
            check_content(sealed, manifest, report, stop)
        if not _boot():
            sync_tree(copy)
        live = folder / LIVE
        make_folder(live)
        target = live / f"{short(manifest.digest, _DIGITS)}-{_next(live):06d}-{secrets.token_hex(4)}"
        copy.rename(target)
        return target


def probe(
    path: Path,
    collection: str,
    manifest: IndexManifest,
    probes: Sequence[Probe],
    *,
    mark: bool = True,
    stop: Stop = never,
) -> ProbeResult:
    """Opens the copy in a process of its own, asks the golden queries, then marks it as good.

    Without `mark` it stays a copy that nobody trusts. Raises MachineryError when it crashes, lacks
    rows, or under 95 % of the answers are the sealed ones; Cancelled when `stop` says so, with the
    process killed.
    """
    with Prober() as prober:
        return _probe(prober, path, collection, manifest, probes, mark, stop)


def latest_copy(home: Path, name: str, manifest: IndexManifest) -> Path | None:
    """The newest copy that passed its probes since the machine started, with its files still there."""
    live = home / check_name(name, "index name") / LIVE
    prefix = short(manifest.digest, _DIGITS) + "-"
    copies = [path for path in _copies(live) if path.name.startswith(prefix)]
    return next((path for path in reversed(copies) if _is_good(path, manifest.digest)), None)


def sweep_copies(home: Path, name: str, keep: Set[Path], spare: Set[Path] = frozenset()) -> tuple[Path, ...]:
    """Removes the copies of index `name` that are older than all in `keep`, but those in `spare`; returns
    what was removed.

    Newer ones may just be on their way to being served. With an empty `keep` nothing is removed.
    """
    old = old_copies(home, name, keep, spare)
    for path in old:
        _marker(path).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
    return old


def old_copies(home: Path, name: str, keep: Set[Path], spare: Set[Path] = frozenset()) -> tuple[Path, ...]:
    """The copies that `sweep_copies` would remove."""
    copies = _copies(home / check_name(name, "index name") / LIVE)
    kept, spared = {path.name for path in keep}, {path.name for path in keep | spare}
    ages = [_sequence(path) for path in copies if path.name in kept]
    return tuple(path for path in copies if ages and path.name not in spared and _sequence(path) < min(ages))


def _probe(
    prober: Prober,
    path: Path,
    collection: str,
    manifest: IndexManifest,
    probes: Sequence[Probe],
    mark: bool = True,
    stop: Stop = never,
) -> ProbeResult:
    result = prober.probe(path, collection, manifest.digest, manifest.passages, probes, stop)
    if mark:
        _mark_good(path, manifest.digest)
    return result


def _mark_good(path: Path, digest: str) -> None:
    mark = {"digest": digest, "boot": _boot(), "files": _files(path)}
    temporary = _marker(path).with_suffix(".tmp")
    with one_sentence(path):
        temporary.write_text(json.dumps(mark))
        temporary.replace(_marker(path))


def _copy_files(
    sealed: Path, work: Path, files: tuple[SealedFile, ...], verified: bool, report: Report, stop: Stop
) -> None:
    """Chroma's files into `work`, each checked as it is copied; the others are checked where they are."""
    wanted = [file for file in files if _is_chroma(file) or not verified]
    total = sum(file.size for file in wanted)
    done = [0]

    def one(file: SealedFile) -> None:
        source, target = sealed / file.path, work / file.path
        if verified:
            copy_plain(source, target, stop)
        else:
            found = copy_hashed(source, target, stop) if _is_chroma(file) else sha256_of(source, stop)
            check_hash(sealed, file, found)
        done[0] += file.size
        report(Progress("copying", done[0], total))

    for folder in {(work / file.path).parent for file in wanted}:
        folder.mkdir(parents=True, exist_ok=True)
    in_parallel(one, sorted(wanted, key=lambda file: -file.size))


def _is_good(path: Path, digest: str) -> bool:
    try:
        mark = json.loads(_marker(path).read_bytes())
        fits = (mark["digest"], mark["boot"]) == (digest, _boot())
        return fits and set(mark["files"]) <= set(_files(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _files(path: Path) -> list[str]:
    """The files of a copy that hold something. Their sizes may change: Chroma writes when it opens."""
    files = (file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    return sorted(file.relative_to(path).as_posix() for file in files)


def _copies(live: Path) -> list[Path]:
    """The copies there are, oldest first."""
    if not live.is_dir():
        return []
    return sorted((path for path in live.iterdir() if path.is_dir()), key=_sequence)


def _sequence(path: Path) -> int:
    middle = path.name.split("-")[1:2]
    return int(middle[0]) if middle and middle[0].isdigit() else 0


def _next(live: Path) -> int:
    return max(map(_sequence, _copies(live)), default=0) + 1


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _is_chroma(file: SealedFile) -> bool:
    return file.path.startswith(f"{CHROMA}/")


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
