"""Importing an eval set of another tool: as the next version of a suite, or as a folder to look at first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.operations.add import evals
from console.operations.plan import Check, Plan
from evals.imports.formats import Format, read_file
from evals.imports.found import Match
from evals.imports.suite_files import Imported, Wishes, check_judge, suite_files
from store.errors import InputError, MachineryError
from store.records.component import Component, Kind, check_name
from store.text import one_line
from store.workspace import Workspace

_TOLD = 20


def read(path: Path, wishes: Wishes, *, format: Format | None = None, match: Match = "equals") -> Imported:
    """The suite that the file at `path` makes. Nothing in it is run, and no other place is asked.

    Raises Unsupported with every line that cannot be kept, InputError naming file and line.
    """
    if wishes.judge is not None:
        check_judge(wishes.judge)
    return suite_files(read_file(path, format, match), path.name, wishes)


def plan(workspace: Workspace, name: str, imported: Imported, file: str, what: str = "") -> Plan:
    """What landing `imported` as the next version of `evals/name` would do."""
    component = Component(Kind.EVALS, check_name(name, "evals name"))
    said = [str(one) for one in (*imported.left_out, *imported.remarks)]
    more = [f"and {len(said) - _TOLD} more"] if len(said) > _TOLD else []
    checks = tuple(Check("imported", "warn", f"{one}.") for one in (*said[:_TOLD], *more))
    return evals.plan_files(workspace, component, imported.files, file, what, checks)


def write(folder: Path, imported: Imported) -> None:
    """Writes the suite's files into the new folder `folder`. Raises InputError where there is something."""
    try:
        folder.mkdir(parents=True)
        for name, data in imported.files.items():
            (folder / name).write_bytes(data)
    except FileExistsError:
        raise InputError(
            f"{one_line(str(folder), 120)} is there already; nothing was overwritten. Give another name."
        ) from None
    except OSError as error:
        where = one_line(str(folder), 120)
        raise MachineryError(f"{where} cannot be written: {one_line(str(error), 100)}.") from None


def as_data(imported: Imported) -> Mapping[str, Any]:
    """What there is to say of an import, as plain data."""
    return {
        "cases": imported.cases,
        "left_out": [{"where": one.where, "why": one.text} for one in imported.left_out],
        "remarks": [{"where": one.where, "what": one.text} for one in imported.remarks],
    }
