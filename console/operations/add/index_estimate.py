"""What adding an index version would take: its documents are read and cut, nothing is built."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.operations.add.index import (
    command,
    lending_embedder,
    parent_manifest,
    skipped_check,
)
from console.operations.add.index_cost import Cost, cost_of, is_remote, still_to_embed
from console.operations.counted import counted
from console.operations.describe import sentence
from console.operations.plan import Check, Plan
from store.progress import Progress, Report, silent
from store.records.component import Component, Kind, Pin, check_name
from store.records.operation import Change
from store.records.versions import DocumentDelta, IndexManifest
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.embedders import Embedder
    from indexes.loaders import Skipped

_SAMPLE = 8
"""Passages that are embedded to measure how long all of them would take."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What building would take."""

    plan: Plan
    """What would land. It cannot be applied: there are no bytes."""
    documents: int
    passages: int
    to_embed: int
    """Texts whose vectors neither the source brings, nor the parent or a build that was stopped has."""
    characters: int
    """Of the passages that would be embedded."""
    embedder: str
    cost: Cost | None
    """With an endpoint; None for an embedder of this machine."""
    seconds: float | None
    """Of embedding, measured on a few passages; None for an endpoint, which is not asked."""
    delta: DocumentDelta | None
    """Documents against the parent; None without one."""
    skipped: Skipped

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "documents": self.documents,
            "passages": self.passages,
            "to_embed": self.to_embed,
            "characters_to_embed": self.characters,
            "embedder": self.embedder,
            "cost": self.cost.as_json() if self.cost else None,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "documents_changed": self.delta.model_dump() if self.delta else None,
            "skipped": {"unknown": list(self.skipped.unknown), "empty": list(self.skipped.empty)},
        }


def estimate(
    workspace: Workspace,
    name: str,
    source: Path,
    *,
    parent: str | None = None,
    embedder: str | None = None,
    chunk_characters: int = 600,
    what: str = "",
    report: Report = silent,
) -> Estimate:
    """What `console.operations.add.index.build` would do with the same arguments.

    Asks no endpoint and writes nothing. Raises what building would raise for them.
    """
    from indexes.loaders import load, skipped
    from indexes.rows import refuse_duplicates

    component = Component(Kind.INDEX, check_name(name, "index name"))
    before = parent_manifest(workspace, component, parent)
    chosen = lending_embedder(workspace, component, parent, before, embedder)
    embedder_name = embedder or (before.embedder.name if before else workspace.settings.embedder)
    report(Progress("reading"))
    loaded = load(source, chunk_characters=chunk_characters)
    refuse_duplicates(loaded.rows, source.name)
    lender, new = still_to_embed(workspace, name, loaded.rows, before, embedder_name, chosen)
    texts = [row.document for row in new]
    price = workspace.settings.prices.get(embedder_name)
    found = Estimate(
        plan=plan_ahead(
            workspace, component, what, command(name, source, parent, embedder, chunk_characters)
        ),
        documents=loaded.documents,
        passages=len(loaded.rows),
        to_embed=len(new),
        characters=sum(map(len, texts)),
        embedder=embedder_name,
        cost=cost_of(texts, price) if is_remote(embedder_name) else None,
        seconds=None if is_remote(embedder_name) else _seconds(chosen, texts, report),
        delta=lender.changes(loaded.rows).delta() if before else None,
        skipped=skipped(source, {row.source for row in loaded.rows}),
    )
    checks = (
        Check("source", "ok", "every document reads well"),
        *skipped_check(found.skipped),
        *_twin_check(workspace, component, parent, before, found),
    )
    return dataclasses.replace(
        found, plan=dataclasses.replace(found.plan, checks=checks, effects=_effects(found, parent))
    )


def _seconds(embedder: Embedder, texts: Sequence[str], report: Report) -> float:
    """How long embedding `texts` takes here, from a few of them that lie evenly among the rest."""
    if not texts:
        return 0.0
    report(Progress("measuring the embedder"))
    sample = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    embedder.embed(sample[:1])  # the first call loads the weights
    started = time.perf_counter()
    embedder.embed(sample)
    return (time.perf_counter() - started) / len(sample) * len(texts)


def _twin_check(
    workspace: Workspace,
    component: Component,
    parent: str | None,
    before: IndexManifest | None,
    found: Estimate,
) -> tuple[Check, ...]:
    """Unmet when the newest version, being the parent, has exactly these passages."""
    newest = workspace.store.at().versions(component)[-1:]
    if before is None or parent not in newest or found.delta != DocumentDelta() or found.to_embed:
        return ()
    return (Check("change", "unmet", f"{component}@{parent} has exactly these passages already."),)


def plan_ahead(workspace: Workspace, component: Component, what: str, shell: str) -> Plan:
    """What would land, before there are bytes. It cannot be applied."""
    snapshot = workspace.store.at()
    versions = snapshot.versions(component)
    pin = Pin(component, snapshot.next_version(component))
    before = versions[-1] if versions else None
    change = Change(component=str(component), before=before, after=pin.version, what=what)
    return Plan(
        verb="add",
        tip=snapshot.commit,
        title=f"Add {pin}",
        summary=sentence("Added", (change,)),
        changes=(change,),
        command=shell,
    )


def _effects(found: Estimate, parent: str | None) -> tuple[str, ...]:
    from indexes.delta import sentence_with_names

    kept = found.passages - found.to_embed
    lent = f"{counted(kept, 'vector')} would be taken over" if kept else ""
    cost = f"{counted(found.to_embed, 'passage')} would be embedded with {found.embedder}"
    lines = [
        f"{counted(found.documents, 'document')}, {counted(found.passages, 'passage')}",
        f"against {parent}: {sentence_with_names(found.delta)}" if found.delta else "",
        ", ".join(part for part in (cost, lent) if part),
        _price(found),
        "nothing is built by a dry run; nothing serves the version before `lockgate stage`",
    ]
    return tuple(line for line in lines if line)


def _price(found: Estimate) -> str:
    if not found.to_embed:
        return ""
    if found.seconds is not None:
        return f"embedding takes about {max(1, round(found.seconds)):,} s on this machine"
    return str(found.cost)
