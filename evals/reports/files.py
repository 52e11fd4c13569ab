"""Reports as files: the ending of a name says which format, and a file is written whole or not at all."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

from evals.reports.bounds import bounded
from evals.reports.report import Report
from store.errors import InputError
from store.git.durability import write_atomically
from store.text import one_line

FORMATS = {
    ".md": "markdown",
    ".xml": "junit",
    ".html": "page",
    ".json": "json_document",
    ".jsonl": "json_lines",
    ".csv": "table",
}
"""Ending to the module of evals.reports that has `render`."""


def rendered(report: Report, ending: str) -> bytes:
    """`report` in the format of `ending` (one of FORMATS), in UTF-8 and of bounded size."""
    data: bytes = importlib.import_module(f"evals.reports.{FORMATS[ending]}").render(bounded(report))
    return data


def check_names(paths: Iterable[Path]) -> None:
    """Raises InputError for a name that no report can be written to: better before minutes of evals."""
    for path in paths:
        if path.suffix not in FORMATS:
            raise InputError(
                f"{_shown(path)} ends in none of {', '.join(FORMATS)}; the ending says what to write."
            )
        check_place(path)


def check_place(path: Path) -> None:
    """Raises InputError where no file can be written at `path`."""
    if path.exists() and not path.is_file():
        raise InputError(f"{_shown(path)} is there and is no plain file; name another one.")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {_shown(path.parent)}; make it first.")


def write_reports(report: Report, paths: Iterable[Path]) -> None:
    """Writes `report` to each of `paths`. Raises InputError as `check_names`, MachineryError."""
    ready = list(paths)
    check_names(ready)
    for path, data in [(path, rendered(report, path.suffix)) for path in ready]:
        write_atomically(path, data)


def _shown(path: Path) -> str:
    return one_line(str(path), 120)
