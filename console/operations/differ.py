"""Diff: what differs between two versions of a component, or between two releases or environments."""

from __future__ import annotations

import difflib
from typing import Any

from console.operations.browse import Shown, components_of
from console.operations.counted import counted
from console.operations.describe import what_changed
from store.errors import InputError
from store.records.component import Component, Kind, Pin
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

_SAMPLE = 20


def diff(workspace: Workspace, older: str, newer: str) -> Shown:
    """The difference as text (a unified diff for files, documents for indexes) and as plain data."""
    snapshot = workspace.store.at()
    if "/" in older and "/" in newer:
        return _versions(workspace, snapshot, snapshot.pin(older), snapshot.pin(newer))
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


def _versions(workspace: Workspace, snapshot: Snapshot, older: Pin, newer: Pin) -> Shown:
    if older.component.kind is not newer.component.kind:
        raise InputError(f"{older} and {newer} are of different kinds; there is nothing to compare.")
    if newer.component.kind is Kind.INDEX and older.component == newer.component:
        return _indexes(workspace, snapshot, older, newer)
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


def _indexes(workspace: Workspace, snapshot: Snapshot, older: Pin, newer: Pin) -> Shown:
    from indexes.compare import compare

    found = compare(workspace.indexes, newer.component.name, snapshot.index(older), snapshot.index(newer))
    lists = {
        "added": found.documents_added,
        "removed": found.documents_removed,
        "changed": found.documents_changed,
    }
    lines = [
        f"{older} → {newer}: {counted(len(found.documents_added), 'document')} added, "
        f"{len(found.documents_removed):,} removed, {len(found.documents_changed):,} changed "
        f"({counted(found.rows_added, 'passage')} added, {found.rows_removed:,} removed, "
        f"{found.rows_unchanged:,} kept)"
    ]
    for sign, sources in zip("+−~", lists.values(), strict=True):
        lines += [f"  {sign} {source}" for source in sources[:_SAMPLE]]
        if len(sources) > _SAMPLE:
            lines.append(f"  {sign} … and {len(sources) - _SAMPLE} more")
    data = {
        "older": str(older),
        "newer": str(newer),
        "rows": {"added": found.rows_added, "removed": found.rows_removed, "unchanged": found.rows_unchanged},
        "documents": {name: list(sources) for name, sources in lists.items()},
    }
    return Shown("\n".join(lines), data)
