"""Add an index version that is an existing Chroma collection: its rows, and its vectors as they are."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.operations.access import embedder as find_embedder
from console.operations.add.import_checks import checks_of, embedder_name, embedder_of
from console.operations.add.index import parent_manifest, plan_manifest
from console.operations.add.index_cost import is_remote
from console.operations.counted import counted
from console.operations.index.server import server_at
from console.operations.plan import Plan
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.component import Component, Kind, check_name
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_server import ChromaServer
    from indexes.chroma_source import Collected

_FOLDER = "import"
"""In state/: where a collection is spread out to be read."""


@dataclass(frozen=True, slots=True)
class Look:
    """What importing would take over."""

    plan: Plan
    """What would land. It cannot be applied: there are no bytes."""
    documents: int
    passages: int
    dimension: int
    space: str
    """l2, cosine or ip."""
    embedder: str

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "documents": self.documents,
            "passages": self.passages,
            "dimension": self.dimension,
            "space": self.space,
            "embedder": self.embedder,
        }


def build(
    workspace: Workspace,
    name: str,
    source: str,
    *,
    collection: str | None = None,
    embedder: str | None = None,
    parent: str | None = None,
    what: str = "",
    report: Report = silent,
    tell: Callable[[str], object] = lambda _: None,
    stop: Stop = never,
) -> Plan:
    """Seals a collection of the Chroma at `source` (a directory, or `chroma+http://host:port`), and says
    what landing it as the next version would do. Nothing is embedded but a few passages, to compare.

    `parent` (`vN`) is what the version says it differs from. `tell` hears what is asked of an endpoint,
    before it is. The sealed bytes stay when the plan is not applied. Raises InputError for a place that is no
    Chroma, a collection that is not there or cannot be an index, an embedder that is not named, not known
    or makes vectors of another length; MachineryError, Cancelled.
    """
    from indexes.build import build_rows

    component = Component(Kind.INDEX, check_name(name, "index name"))
    before = parent_manifest(workspace, component, parent)
    with _read(workspace, source, collection, embedder, report, stop) as found:
        if is_remote(chosen := embedder_name(found, embedder)):
            tell(f"a few passages to embed with {chosen}, to see whether it made the vectors")
        used, identity = embedder_of(workspace, found, chosen)
        checks = checks_of(found, used, identity)
        manifest = build_rows(
            workspace.indexes,
            name,
            found.loaded,
            _label(source, collection),
            embedder=used,
            now=workspace.clock.now(),
            parent=before,
            parent_version=parent,
            what_changed=what,
            report=report,
            stop=stop,
        )
    return plan_manifest(
        workspace, component, manifest, _command(name, source, collection, embedder, parent), checks
    )


def look(
    workspace: Workspace,
    name: str,
    source: str,
    *,
    collection: str | None = None,
    embedder: str | None = None,
    parent: str | None = None,
    what: str = "",
    report: Report = silent,
    stop: Stop = never,
) -> Look:
    """What `build` would do: everything is read and checked, nothing is sealed, no endpoint is asked."""
    from console.operations.add.index_estimate import plan_ahead

    component = Component(Kind.INDEX, check_name(name, "index name"))
    parent_manifest(workspace, component, parent)
    with _read(workspace, source, collection, embedder, report, stop) as found:
        chosen = embedder_name(found, embedder)
        checks = () if is_remote(chosen) else checks_of(found, *embedder_of(workspace, found, chosen))
        documents, passages = found.loaded.documents, len(found.loaded.rows)
        plan = dataclasses.replace(
            plan_ahead(workspace, component, what, _command(name, source, collection, embedder, parent)),
            checks=checks,
            effects=(
                f"{counted(documents, 'document')}, {counted(passages, 'passage')}",
                f"{counted(passages, 'vector')} of {found.dimension} numbers would be kept as they are",
            ),
        )
        return Look(plan, documents, passages, found.dimension, found.space, chosen)


@contextmanager
def _read(
    workspace: Workspace,
    source: str,
    collection: str | None,
    embedder: str | None,
    report: Report,
    stop: Stop,
) -> Iterator[Collected]:
    from indexes.chroma_source import collected

    if embedder is not None:
        find_embedder(workspace, embedder)  # an unknown name is refused before anything is read
    place = _place(workspace, source)
    needs_mark = embedder is None
    with collected(workspace.state / _FOLDER, place, collection, needs_mark, report, stop) as found:
        yield found


def _place(workspace: Workspace, source: str) -> Path | ChromaServer:
    if "://" not in source:
        return Path(source)
    if not source.startswith("chroma+"):
        shown = one_line(source, 120)
        raise InputError(f"{shown} is no place of a Chroma; write chroma+http://host:port, or a path.")
    return server_at(workspace, source)


def _label(source: str, collection: str | None) -> str:
    place = source if "://" in source else Path(source).resolve().name
    return f"{place} {collection or ''}".strip()


def _command(name: str, source: str, collection: str | None, embedder: str | None, parent: str | None) -> str:
    parts = [f"lockgate index import {name} --from-chroma {shlex.quote(source)}"]
    parts += [f"--collection {shlex.quote(collection)}"] if collection else []
    parts += [f"--embedder {shlex.quote(embedder)}"] if embedder else []
    parts += [f"--parent {parent}"] if parent else []
    return " ".join(parts)
