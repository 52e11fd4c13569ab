"""Add an eval suite version from a folder of suite.toml, cases.jsonl and, for a judge, labels.jsonl."""

from __future__ import annotations

from pathlib import Path

from console.operations.add.landing import plan_version
from console.operations.add.reading import read_folder
from console.operations.counted import counted
from console.operations.plan import Check, Plan
from evals.suite import parse_suite
from store.records.component import Component, Kind, check_name
from store.workspace import Workspace

FILES = ("suite.toml", "cases.jsonl", "labels.jsonl")


def plan(workspace: Workspace, name: str, folder: Path, *, what: str = "") -> Plan:
    """What adding the suite in `folder` as the next version of `evals/name` would do.

    Raises InputError naming file, line and field of whatever is malformed.
    """
    component = Component(Kind.EVALS, check_name(name, "evals name"))
    files = read_folder(folder, FILES, FILES[:2])
    return plan_files(workspace, component, files, folder.name or name, what)


def plan_files(
    workspace: Workspace,
    component: Component,
    files: dict[str, bytes],
    where: str,
    what: str = "",
    checks: tuple[Check, ...] = (),
) -> Plan:
    """The same for files that are in memory."""
    suite = parse_suite(files, where)
    return plan_version(
        workspace,
        component,
        files,
        what or suite.info.what_changed or counted(len(suite.cases), "case"),
        f"lockgate add evals {component.name} --from FOLDER",
        (*checks, *(Check("coverage", "warn", text) for text in suite.coverage())),
    )
