"""Diff: what differs between two versions of a component, or between two releases or environments."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from console.operations.browse import Shown, components_of
from console.operations.counted import counted
from console.operations.describe import what_changed
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.component import Component, Kind, Pin
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.compare import IndexDiff, SourceDiff

_SAMPLE, _IDS = 20, 5
"""Documents of each kind, and ids of each, that are told in text; the data hold all of them."""
_NAME = 200


def diff(
    workspace: Workspace, older: str, newer: str, *, report: Report = silent, stop: Stop = never
) -> Shown:
    """The difference as text (a unified diff for files, documents for indexes) and as plain data.

    Raises InputError for what cannot be compared, MachineryError when an index is not here, Cancelled.
    """
    snapshot = workspace.store.at()
    if "/" in older and "/" in newer:
        return _versions(workspace, snapshot, snapshot.pin(older), snapshot.pin(newer), report, stop)
    if "/" in older or "/" in newer:
        raise InputError(
            f"{one_line(older, 40)} and {one_line(newer, 40)} are not of one sort: compare two versions, "
            "or two releases or environments."
        )
    return _releases(snapshot, older, newer)


def _releases(snapshot: Snapshot, older: str, newer: str) -> Shown:
    before, after = components_of(snapshot, older), components_of(snapshot, newer)
    rows: list[dict[str, Any]] = []
    for name in sorted(set(before) | set(after)):
        was, now = before.get(name), after.get(name)
        if was != now:
            what = what_changed(snapshot, Component.parse(name), was, now)
            rows.append({"component": name, "before": was, "after": now, "what": what})
    lines = [
        f"{row['component']}  {row['before'] or '—'} → {row['after'] or '—'}"
        + (f"  {row['what']}" if row["what"] else "")
        for row in rows
    ]
    return Shown("\n".join(lines), {"older": older, "newer": newer, "changes": rows})


def _versions(
    workspace: Workspace, snapshot: Snapshot, older: Pin, newer: Pin, report: Report, stop: Stop
) -> Shown:
    if older.component.kind is not newer.component.kind:
        raise InputError(f"{older} and {newer} are of different kinds; there is nothing to compare.")
    if newer.component.kind is Kind.INDEX and older.component == newer.component:
        return _indexes(workspace, snapshot, older, newer, report, stop)
    before, after = snapshot.files(older), snapshot.files(newer)
    text: list[str] = []
    changed: dict[str, list[str]] = {}
    for name in sorted(set(before) | set(after)):
        lines = list(
            difflib.unified_diff(
                before.get(name, b"").decode(errors="replace").splitlines(),
                after.get(name, b"").decode(errors="replace").splitlines(),
                f"{older} {name}",
                f"{newer} {name}",
                lineterm="",
            )
        )
        if lines:
            text += lines
            changed[name] = lines
    return Shown("\n".join(text), {"older": str(older), "newer": str(newer), "files": changed})


def _indexes(
    workspace: Workspace, snapshot: Snapshot, older: Pin, newer: Pin, report: Report, stop: Stop
) -> Shown:
    from indexes.compare import compare

    manifests = snapshot.index(older), snapshot.index(newer)
    found = compare(workspace.indexes, newer.component.name, *manifests, report=report, stop=stop)
    added, removed, changed = found.of("added"), found.of("removed"), found.of("changed")
    lines = [
        f"{older} → {newer}: {counted(len(added), 'document')} added, "
        f"{len(removed):,} removed, {len(changed):,} changed "
        f"({counted(found.rows_added, 'passage')} added, {found.rows_removed:,} removed, "
        f"{found.rows_unchanged:,} kept)"
    ]
    for sign, sources in (("+", added), ("−", removed), ("~", changed)):
        for one in sources[:_SAMPLE]:
            lines.append(f"  {sign} {one_line(one.source, _NAME)}  {_passages_told(one)}")
            lines += [f"      {line}" for line in _ids(one)]
        if len(sources) > _SAMPLE:
            lines.append(f"  {sign} … and {len(sources) - _SAMPLE:,} more")
    return Shown("\n".join(lines), _index_data(older, newer, found))


def _passages_told(one: SourceDiff) -> str:
    """`2 passages added, 1 removed`: how many passages of a document differ."""
    parts: list[str] = []
    for ids, word in ((one.added, "added"), (one.removed, "removed"), (one.changed, "changed")):
        if ids:
            parts.append(f"{len(ids):,} {word}" if parts else f"{counted(len(ids), 'passage')} {word}")
    return ", ".join(parts)


def _ids(one: SourceDiff) -> Iterator[str]:
    for sign, ids in (("+", one.added), ("−", one.removed), ("~", one.changed)):
        yield from (f"{sign} {one_line(id, _NAME)}" for id in ids[:_IDS] if id != one.source)
        if len(ids) > _IDS:
            yield f"{sign} … and {len(ids) - _IDS:,} more"


def _index_data(older: Pin, newer: Pin, found: IndexDiff) -> dict[str, Any]:
    return {
        "older": str(older),
        "newer": str(newer),
        "rows": {"added": found.rows_added, "removed": found.rows_removed, "unchanged": found.rows_unchanged},
        "documents": {
            "added": _sources(found.of("added")),
            "removed": _sources(found.of("removed")),
            "changed": _sources(found.of("changed")),
        },
        "sources": [
            {
                "source": one.source,
                "change": one.change,
                "added": list(one.added),
                "removed": list(one.removed),
                "changed": list(one.changed),
            }
            for one in found.sources
        ],
    }


def _sources(found: Sequence[SourceDiff]) -> list[str]:
    return [one.source for one in found]
