"""Add an index version: build and seal its bytes here, then land its manifest."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console.operations.access import embedder as find_embedder
from console.operations.add.index_cost import cost_of, is_remote, still_to_embed
from console.operations.add.landing import plan_version
from console.operations.counted import counted, some_of
from console.operations.plan import Check, Plan
from store.bounded import write_toml
from store.errors import InputError
from store.progress import Progress, Report, Stop, never, silent
from store.records.component import Component, Kind, Pin, check_name
from store.records.versions import IndexManifest
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.embedders import Embedder
    from indexes.loaders import Skipped


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
    tell: Callable[[str], object] = lambda _: None,
    stop: Stop = never,
) -> Plan:
    """Builds and seals an index of `source`, and says what landing it as the next version would do.

    `parent` (`vN`) lends the vectors of what did not change. `tell` hears what an endpoint would cost
    before it is asked for anything. The sealed bytes stay when the plan is not applied: building the same
    content again adopts them. Raises InputError for a bad source, for a parent of another embedder and
    when the newest version holds exactly this, MachineryError when the disk or the embedder fails,
    Cancelled; nothing is left behind then but the vectors that were made.
    """
    from indexes.build import build_rows
    from indexes.loaders import load, skipped
    from indexes.rows import refuse_duplicates

    component = Component(Kind.INDEX, check_name(name, "index name"))
    before = parent_manifest(workspace, component, parent)
    chosen = lending_embedder(workspace, component, parent, before, embedder)
    report(Progress("reading"))
    loaded = load(source, chunk_characters=chunk_characters)
    refuse_duplicates(loaded.rows, source.name)
    used = embedder or (before.embedder.name if before else workspace.settings.embedder)
    if is_remote(used):
        _, new = still_to_embed(workspace, name, loaded.rows, before, used, chosen)
        cost = cost_of([row.document for row in new], workspace.settings.prices.get(used))
        tell(f"{counted(cost.texts, 'passage')} to embed with {used}: {cost}")
        _same_dimension(chosen, before)
    manifest = build_rows(
        workspace.indexes,
        name,
        loaded,
        source.resolve().name,
        embedder=chosen,
        now=workspace.clock.now(),
        parent=before,
        parent_version=parent,
        what_changed=what,
        report=report,
        stop=stop,
    )
    return plan_manifest(
        workspace,
        component,
        manifest,
        command(name, source, parent, embedder, chunk_characters),
        skipped_check(skipped(source, {row.source for row in loaded.rows})),
    )


def _same_dimension(embedder: Embedder, before: IndexManifest | None) -> None:
    """An endpoint that gives other vectors than it did would have everything embedded without a word."""
    if before is not None and (identity := embedder.identity) != before.embedder:
        raise InputError(
            f"{identity.name} gives vectors of {identity.dimension} numbers, those of the parent have "
            f"{before.embedder.dimension}: leave --parent out to embed every passage again."
        )


def plan_manifest(
    workspace: Workspace,
    component: Component,
    manifest: IndexManifest,
    shell: str,
    checks: tuple[Check, ...] = (),
) -> Plan:
    """What landing a sealed index as the next version would do; `shell` is the command that does the same.

    Raises InputError when the newest version holds exactly this.
    """
    _refuse_twin(workspace, component, manifest.digest)
    files = {"version.toml": write_toml(manifest)}
    what = manifest.what_changed or counted(manifest.documents, "document")
    return plan_version(workspace, component, files, what, shell, checks)


def parent_manifest(workspace: Workspace, component: Component, parent: str | None) -> IndexManifest | None:
    """The manifest of version `parent` of `component`. Raises InputError when there is none."""
    if parent is None:
        return None
    snapshot = workspace.store.at()
    if parent not in snapshot.versions(component):
        raise InputError(
            f"there is no {component}@{one_line(parent, 40)} to build on; `lockgate list index` shows them."
        )
    return snapshot.index(Pin(component, parent))


def lending_embedder(
    workspace: Workspace,
    component: Component,
    parent: str | None,
    before: IndexManifest | None,
    asked: str | None,
) -> Embedder:
    """The embedder that is used: the one asked for, the parent's, or settings.toml's.

    A parent lends vectors, and those of another embedder are of no use. Asking for both is refused,
    because every passage would be embedded again without a word.
    """
    if before is None:
        return find_embedder(workspace, asked or workspace.settings.embedder)
    name = before.embedder.name
    made = f"{component}@{parent} was embedded with {name}"
    if asked is not None and asked != name:
        wanted = one_line(asked, 60)
        raise InputError(
            f"{made}, so it can lend no vectors to {wanted}: leave --parent out to embed every passage with "
            f"{wanted}, or --embedder to stay with {name}."
        )
    embedder = find_embedder(workspace, name)
    if not is_remote(name) and embedder.identity != before.embedder:
        raise InputError(
            f"{made} of other weights than this machine's: leave --parent out to embed every passage again."
        )
    return embedder


def _refuse_twin(workspace: Workspace, component: Component, digest: str) -> None:
    """Manifests of equal content differ in their time; what counts is the digest."""
    snapshot = workspace.store.at()
    versions = snapshot.versions(component)
    if versions and snapshot.index(Pin(component, versions[-1])).digest == digest:
        raise InputError(f"{component}@{versions[-1]} has exactly these passages already; nothing was added.")


def skipped_check(skipped: Skipped) -> tuple[Check, ...]:
    """A warning that names what was not read; none where everything was."""
    from indexes.loaders import SUFFIXES

    said: list[str] = []
    if names := skipped.unknown:
        verb = "is" if len(names) == 1 else "are"
        said.append(
            f"{counted(len(names), 'file')} {verb} not read, being none of {' '.join(SUFFIXES)} "
            f"({_shown(names)})"
        )
    if names := skipped.empty:
        verb = "holds" if len(names) == 1 else "hold"
        said.append(f"{counted(len(names), 'file')} {verb} no text ({_shown(names)})")
    return (Check("skipped", "warn", "; ".join(said)),) if said else ()


def _shown(names: tuple[str, ...]) -> str:
    return some_of(tuple(one_line(name, 60) for name in names), len(names))


def command(name: str, source: Path, parent: str | None, embedder: str | None, chunk_characters: int) -> str:
    """The shell command that does the same."""
    parts = [f"lockgate add index {name} --from {shlex.quote(str(source))}"]
    parts += [f"--parent {parent}"] if parent else []
    parts += [f"--embedder {shlex.quote(embedder)}"] if embedder else []
    parts += [f"--chunk {chunk_characters}"] if chunk_characters != 600 else []
    return " ".join(parts)
