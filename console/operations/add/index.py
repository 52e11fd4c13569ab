"""Add an index version: build and seal its bytes here, then land its manifest."""

from __future__ import annotations

import shlex
from pathlib import Path

from console.operations.access import embedder as find_embedder
from console.operations.add.landing import plan_version
from console.operations.plan import Plan
from store.bounded import write_toml
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.component import Component, Kind, Pin, check_name
from store.records.versions import IndexManifest
from store.workspace import Workspace


def build(
    workspace: Workspace,
    name: str,
    source: Path,
    *,
    parent: str | None = None,
    embedder: str | None = None,
    chunk_characters: int = 600,
    what: str = "",
    report: Report = silent,
    stop: Stop = never,
) -> Plan:
    """Builds and seals an index of `source`, and says what landing it as the next version would do.

    `parent` (`vN`) lends the vectors of what did not change. The sealed bytes stay when the plan is
    not applied: building the same content again adopts them. Raises InputError for a bad source,
    MachineryError when the disk or the embedder fails, Cancelled; nothing is left behind then.
    """
    from indexes.build import build as build_sealed

    component = Component(Kind.INDEX, check_name(name, "index name"))
    before = _parent(workspace, component, parent)
    chosen = embedder or (before.embedder.name if before else workspace.settings.embedder)
    manifest = build_sealed(
        workspace.indexes,
        name,
        source,
        embedder=find_embedder(workspace, chosen),
        now=workspace.clock.now(),
        parent=before,
        parent_version=parent,
        chunk_characters=chunk_characters,
        what_changed=what,
        report=report,
        stop=stop,
    )
    return plan_version(
        workspace,
        component,
        {"version.toml": write_toml(manifest)},
        manifest.what_changed or f"{manifest.documents} documents",
        f"lockgate add index {name} --from {shlex.quote(str(source))}"
        + (f" --parent {parent}" if parent else ""),
    )


def _parent(workspace: Workspace, component: Component, parent: str | None) -> IndexManifest | None:
    if parent is None:
        return None
    snapshot = workspace.store.at()
    if parent not in snapshot.versions(component):
        raise InputError(f"there is no {component}@{parent} to build on; `lockgate list index` shows them.")
    return snapshot.index(Pin(component, parent))
