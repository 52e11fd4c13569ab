"""What differs between two sealed versions of an index, from their rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexes.delta import row_key
from indexes.disk import one_sentence
from indexes.export import read_rows
from indexes.leases import used
from indexes.sealed import sealed_path, trusted_files
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.versions import IndexManifest

Change = Literal["added", "removed", "changed"]
_ROWS = 1000  # between two looks at whether to stop

_Keys = dict[str, dict[str, bytes]]
"""By source document: each row's id with its key."""


@dataclass(frozen=True, slots=True)
class SourceDiff:
    """One source document that differs, with the ids of its rows. Ids are sorted."""

    source: str
    change: Change
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """On both sides, with another text or other metadata."""


@dataclass(frozen=True, slots=True)
class IndexDiff:
    """From an older to a newer version. A row whose text or metadata changed counts as removed and added."""

    rows_added: int
    rows_removed: int
    rows_unchanged: int
    sources: tuple[SourceDiff, ...]
    """Every source document that differs: added ones, then removed, then changed, each sorted by source."""

    def of(self, change: Change) -> tuple[SourceDiff, ...]:
        """The source documents that were `change`."""
        return tuple(one for one in self.sources if one.change == change)


def compare(
    home: Path,
    name: str,
    older: IndexManifest,
    newer: IndexManifest,
    *,
    report: Report = silent,
    stop: Stop = never,
) -> IndexDiff:
    """What differs between two versions of index `name`.

    Raises MachineryError when one is not here, Cancelled when `stop` says so.
    """
    before, after = (_keys(home, name, manifest, report, stop) for manifest in (older, newer))
    found = [_source(source, before.get(source, {}), after.get(source, {})) for source in before | after]
    differing = sorted((one for one in found if one is not None), key=_place)
    changed = sum(len(one.changed) for one in differing)
    added = sum(len(one.added) for one in differing) + changed
    return IndexDiff(
        rows_added=added,
        rows_removed=sum(len(one.removed) for one in differing) + changed,
        rows_unchanged=sum(map(len, after.values())) - added,
        sources=tuple(differing),
    )


def _keys(home: Path, name: str, manifest: IndexManifest, report: Report, stop: Stop) -> _Keys:
    sealed = sealed_path(home, name, manifest.digest)
    found: _Keys = {}
    with one_sentence(sealed), used(sealed):
        trusted_files(sealed, name, manifest)
        for number, row in enumerate(read_rows(sealed)):
            if number % _ROWS == 0:
                check(stop, "The comparison")
                report(Progress("reading passages", number, manifest.passages))
            found.setdefault(row.source, {})[row.id] = row_key(row)
    return found


def _source(source: str, old: dict[str, bytes], new: dict[str, bytes]) -> SourceDiff | None:
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = sorted(id for id in old.keys() & new.keys() if old[id] != new[id])
    if not (added or removed or changed):
        return None
    change: Change = "added" if not old else "removed" if not new else "changed"
    return SourceDiff(source, change, tuple(added), tuple(removed), tuple(changed))


def _place(one: SourceDiff) -> tuple[int, str]:
    return ("added", "removed", "changed").index(one.change), one.source
