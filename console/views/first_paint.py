"""What the overview showed last, kept in state/ so that the next start can draw before it has read anything.

Only drawn when `main` still stands where it stood then; replaced as soon as the store is read. A
cache like everything in state/: deleting it costs a moment.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from console.views.line import Line, Part
from console.views.table import Column, Row, Table

_FILE = "overview.json"
_VERSION = 1
_LIMIT = 4_000_000
"""Bytes of the file that are read."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The three tables of the overview."""

    needs: Table
    grid: Table
    recent: Table


def remember(root: Path, commit: str, overview: Overview) -> None:
    """Keeps `overview`, drawn at `commit`, for the next start; a disk that refuses is no trouble."""
    value = {"version": _VERSION, "commit": commit, "overview": asdict(overview)}
    path = root / "state" / _FILE
    temporary = path.with_name(f".{_FILE}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        try:
            temporary.write_text(json.dumps(value, ensure_ascii=False), "utf-8", "surrogatepass")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def recall(root: Path) -> Overview | None:
    """What was drawn last, or None where there is nothing, it cannot be read, or `main` moved since."""
    path = root / "state" / _FILE
    try:
        if path.stat().st_size > _LIMIT:
            return None
        value = json.loads(path.read_text("utf-8", "surrogatepass"))
        if value["version"] != _VERSION or value["commit"] != tip_on_disk(root / "store.git"):
            return None
        return Overview(*(_table(value["overview"][name]) for name in ("needs", "grid", "recent")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def tip_on_disk(store: Path) -> str | None:
    """Where `main` stands, read from git's own files: loose first, then packed."""
    try:
        return (store / "refs" / "heads" / "main").read_text().strip()
    except FileNotFoundError:
        lines = (store / "packed-refs").read_text().splitlines()
        return next((line[:40] for line in lines if line.endswith(" refs/heads/main")), None)


def _table(value: dict[str, Any]) -> Table:
    columns = tuple(Column(**one) for one in value["columns"])
    return Table(columns, tuple(_row(one) for one in value["rows"]), _line(value["empty"]))


def _row(value: dict[str, Any]) -> Row:
    return Row(str(value["key"]), tuple(_line(cell) for cell in value["cells"]), bool(value["heading"]))


def _line(value: list[dict[str, Any]]) -> Line:
    return tuple(Part(str(one["text"]), one["tone"]) for one in value)
