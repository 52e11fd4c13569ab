"""Add a guardrail version from a TOML file of input and output rules."""

from __future__ import annotations

from pathlib import Path

from console.operations.add.landing import plan_version
from console.operations.add.reading import read_file
from console.operations.plan import Plan
from evals.guard import validate_guardrail
from store.bounded import read_toml, write_toml
from store.records.component import Component, Kind, check_name
from store.records.versions import Guardrail
from store.workspace import Workspace


def plan(workspace: Workspace, name: str, file: Path, *, what: str = "") -> Plan:
    """What adding the rules in `file` as the next version of `guardrail/name` would do."""
    component = Component(Kind.GUARDRAIL, check_name(name, "guardrail name"))
    guardrail = read_toml(Guardrail, read_file(file), file.name)
    validate_guardrail(guardrail, file.name)
    if what:
        guardrail = guardrail.model_copy(update={"what_changed": what})
    return plan_version(
        workspace,
        component,
        {"version.toml": write_toml(guardrail)},
        guardrail.what_changed,
        f"lockgate add guardrail {name} --from FILE",
    )
