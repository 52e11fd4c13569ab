"""Everything that happened, one JSON document a line, with a last line that an auditor can check.

Keys are sorted, so that the same records always give the same bytes. The last line counts the others, names
the first and the last record and the commit that `main` had, and holds the sha256 of all bytes before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from store.errors import LockgateError
from store.history.entry import Entry, as_data
from store.history.reading import Filter, History
from store.progress import Progress, Report, silent
from store.snapshot import Snapshot
from store.text import json_safe
from store.workspace import Workspace

FORMAT = "lockgate.export/1"
_PAGE = 1000


def entries(workspace: Workspace, chosen: Filter, report: Report = silent) -> Iterator[Entry]:
    """The entries of history that `chosen` lets through, oldest first; nothing is kept in memory."""
    with closing(History(workspace)) as history:
        history.refresh(report)
        total, done, after = history.count(chosen), 0, 0
        while page := history.onward(chosen, after, _PAGE):
            yield from page
            done, after = done + len(page), page[-1].position
            report(Progress("exporting", done, total))


def rows(workspace: Workspace, chosen: Filter, report: Report = silent) -> Iterator[dict[str, Any]]:
    """Each operation as it was recorded, with its commit and later notes. A commit without a record is a row
    with the kind `commit`."""
    now = workspace.store.at()
    return (_row(now, entry) for entry in entries(workspace, chosen, report))


def _row(now: Snapshot, entry: Entry) -> dict[str, Any]:
    try:
        record = now.operation(entry.id) if entry.id else None
    except LockgateError as error:
        return {**as_data(entry), "format": FORMAT, "trouble": error.message}
    if record is None:
        return {**as_data(entry), "format": FORMAT}
    data = record.model_dump(mode="json", exclude_none=True)
    return {**data, "commit": entry.commit, "format": FORMAT, "notes": list(now.notes(entry.id))}


def json_lines(found: Iterator[dict[str, Any]], head: str, made_at: datetime) -> Iterator[str]:
    """The lines of an export without their ends; `head` is the commit that `main` had."""
    seen = hashlib.sha256()
    count, first, last = 0, None, None
    for row in found:
        line = json_safe(json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
        seen.update(line.encode() + b"\n")
        count, last = count + 1, row.get("id") or row["commit"]
        first = first or last
        yield line
    end = {
        "count": count,
        "first": first,
        "format": FORMAT,
        "head": head,
        "last": last,
        "made_at": f"{made_at:%Y-%m-%dT%H:%M:%SZ}",
        "sha256": seen.hexdigest(),
    }
    yield json.dumps(end, sort_keys=True, separators=(",", ":"))
