"""What is listed, as a file for auditors: JSON lines, or CSV that no spreadsheet runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from store.errors import InputError, MachineryError
from store.history.entry import Entry
from store.history.reading import Filter, History
from store.new_file import new_file
from store.progress import Progress, Report, Stop, check
from store.text import one_line
from store.workspace import Workspace

_PAGE = 1_000


def export(workspace: Workspace, filter: Filter, name: str, report: Report, stop: Stop) -> str:
    """Writes everything that `filter` lets through to the file `name`; returns a sentence about it.

    A relative name is taken from the workspace's folder. Raises InputError for another ending or a
    file that is there already, Cancelled when asked to stop; no half file stays behind.
    """
    from store.history.entry import as_data

    return write_rows(
        workspace, name, (as_data(entry) for entry in _entries(workspace, filter, report, stop))
    )


def write_rows(workspace: Workspace, name: str, rows: Iterable[Mapping[str, object]]) -> str:
    """Writes `rows` to the file `name`; as `export`."""
    from store.history.csv_text import csv_lines

    path = workspace.root / Path(name).expanduser()
    if path.suffix not in (".jsonl", ".csv"):
        raise InputError(
            f"{one_line(name, 80)} ends in neither .jsonl nor .csv; the ending says what to write."
        )
    lines = (
        csv_lines(rows)
        if path.suffix == ".csv"
        else (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    )
    return _written(path, lines)


def _entries(workspace: Workspace, filter: Filter, report: Report, stop: Stop) -> Iterator[Entry]:
    history = History(workspace)
    try:
        history.refresh(report)
        total, done, before = history.count(filter), 0, None
        while page := history.page(filter, before, _PAGE):
            check(stop, "The export")
            yield from page
            done, before = done + len(page), page[-1].position
            report(Progress("exporting", done, total))
    finally:
        history.close()


def _written(path: Path, lines: Iterator[str]) -> str:
    count = 0
    try:
        with new_file(path) as file:
            for text in lines:
                file.write(text + "\n")
                count += 1
    except FileExistsError:
        raise InputError(f"{path} is there already; nothing was overwritten. Give another name.") from None
    except OSError as error:
        raise _unwritable(path, error) from None
    return f"{count:,} lines in {path}"


def _unwritable(path: Path, error: OSError) -> MachineryError:
    return MachineryError(f"{path} cannot be written: {one_line(str(error))}.")
