"""Drift incident: the record that a model changed under its pin, with what moved, why and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from console.operations.drift.asking import engine_of
from console.operations.drift.reading import Watched, folder_of, incidents
from console.operations.plan import Overtaken, Plan, Stamp
from store.bounded import write_toml
from store.history.entry import Entries, Entry
from store.records.base import Person
from store.records.drift import DriftCategory, DriftIncident
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.paired import Moved
    from evals.drift.standing import Standing

_LOOKED = 2_000
"""Commits back from the tip that are looked at for changes of ours."""
_NAMED = 20
_MOVES = frozenset(
    {"promote", "switch", "rollback", "advance", "abort", "fail", "error", "stage", "add", "policy"}
)
"""Kinds of record that change what serves, or could."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is known when an alarm is raised."""

    watched: Watched
    standing: Standing
    moved: tuple[Moved, ...] = ()
    suite_said: str = ""
    """Why the suite shows nothing, where `moved` is empty."""


def plan(workspace: Workspace, found: Suspicion, by: Person | None = None) -> Plan:
    """What recording the incident would do. Raises Overtaken where it is recorded already."""
    ours, said = what_of_ours(workspace, found.watched)
    return _plan(workspace.store.at(), found, ours, said, by)


def _plan(
    snapshot: Snapshot, found: Suspicion, ours: tuple[str, ...], ours_said: str, by: Person | None
) -> Plan:
    one = found.watched
    if any(each.baseline == one.baseline.id for each in incidents(snapshot, one.pin)):
        raise Overtaken(f"the drift of {one.pin} was recorded by somebody else meanwhile.")
    suite_said, moved = _suite(found)
    others = tuple(version for version in snapshot.versions(one.pin.component) if version != one.pin.version)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        evidence, last = found.standing.evidence, found.standing.checks[-1]
        record = DriftIncident(
            id=stamp.id,
            at=stamp.at,
            model=str(one.pin),
            baseline=one.baseline.id,
            environment=one.environment,
            release=one.release.id,
            cause=cause_of(found.standing),
            since=since(one, found.standing),
            checks=len(found.standing.checks),
            e_value=evidence.peak,
            p_values=tuple(each.p for each in found.standing.checks if each.p is not None)[-10:],
            returned=last.returned,
            fingerprints_before=one.baseline.fingerprints,
            fingerprints_now=last.fingerprints,
            ours=ours,
            ours_said=ours_said,
            categories=moved,
            suite_said=suite_said,
            advice=_advice(one, moved, others),
        )
        return {f"{folder_of(one.pin)}/incidents/{stamp.id}.toml": write_toml(record)}

    return Plan(
        verb="drift",
        tip=snapshot.commit,
        title=f"Drift of {one.pin} in {one.environment}",
        summary=f"{one.pin} changed under its pin: {_how(found.standing)}; {ours_said}; {suite_said}",
        environment=one.environment,
        release=one.release.id,
        write=write,
        by=by,
        goal=("drift incident", one.baseline.id),
        remake=lambda fresh: _plan(fresh, found, ours, ours_said, by),
        command=f"lockgate drift check --env {one.environment}",
    )


def cause_of(standing: Standing) -> Literal["answers", "name"]:
    """What gave it away. Another name is certain, whatever the answers say."""
    return "name" if standing.strangers else "answers"


def since(one: Watched, standing: Standing) -> datetime:
    """The last moment at which nothing spoke for a change."""
    at = standing.quiet_at
    return one.baseline.at if at is None else datetime.fromtimestamp(at, UTC)


def what_of_ours(workspace: Workspace, one: Watched) -> tuple[tuple[str, ...], str]:
    """One sentence for each change of ours since the baseline, and whether it can be the reason."""
    changes = tuple(
        f"{entry.at:%Y-%m-%d %H:%M} {one_line(entry.summary, 200)} ({entry.id})"
        for entry in _since_baseline(workspace, one)
        if _concerns(entry, one.environment)
    )
    engine = engine_of(one.model)
    if engine != one.baseline.served_by:
        was, now = one.baseline.served_by or "none known", engine or "none known"
        return changes[:_NAMED], f"the engine on this machine changed ({was} to {now}), which is ours"
    if not changes:
        return (), "nothing of ours changed since the baseline, so the change is the provider's"
    count = "one change" if len(changes) == 1 else f"{len(changes)} changes"
    return changes[:_NAMED], (
        f"{count} of ours since the baseline cannot be the reason: probes ask the model alone, without "
        "prompt, index or guardrail"
    )


def _since_baseline(workspace: Workspace, one: Watched) -> list[Entry]:
    entries, found = Entries(workspace.store), []
    for number, commit in enumerate(workspace.store.commits(lazy=True)):
        entry = entries.of(commit)
        if entry.id == one.baseline.id or number >= _LOOKED:
            break
        found.append(entry)
    return found


def _concerns(entry: Entry, environment: str) -> bool:
    """Whether it changed what serves in `environment`. A commit made by hand may have."""
    if entry.kind == "commit":
        return True
    return entry.kind in _MOVES and entry.environment == environment


def _how(standing: Standing) -> str:
    if standing.strangers:
        return f"it calls itself {', '.join(one_line(name, 60) for name in standing.strangers[:3])}"
    return f"its first tokens come otherwise (evidence {standing.evidence.peak:,.0f}, 100 is an alarm)"


def _suite(found: Suspicion) -> tuple[str, tuple[DriftCategory, ...]]:
    categories = tuple(
        DriftCategory(
            name=one.name,
            suite=one.suite.partition("@")[0],
            cases=one.cases,
            before=min(1.0, one.before),
            now=min(1.0, one.now),
            difference=one.difference,
            low=one.low,
            high=one.high,
            p_value=one.p_value,
            moved=one.moved,
        )
        for one in found.moved[:100]
    )
    if not categories:
        return f"the suite was not compared ({found.suite_said.rstrip('.') or 'not asked for'})", ()
    moved = [one for one in categories if one.moved]
    if not moved:
        return f"no category of the suite moved for certain ({len(categories)} compared)", categories
    said = ", ".join(
        f"{one_line(one.name, 40)} {one.difference * 100:+.1f} points "
        f"[{one.low * 100:+.1f}, {one.high * 100:+.1f}]"
        for one in moved[:5]
    )
    return f"what moved: {said}", categories


def _advice(one: Watched, moved: tuple[DriftCategory, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    hold = (
        f"Hold: promote nothing with {one.pin} before this is decided; verdicts from before are of a model "
        "that is no longer served."
    )
    name = one.pin.component.name
    if others:
        choice = f"`lockgate switch {one.pin.component}@{others[-1]} --env {one.environment}`"
    else:
        choice = f"`lockgate add model {name}` with another id, then `lockgate switch` to it"
    switch = f"Switch pin: {choice}."
    accept = (
        f"Re-baseline: `lockgate drift baseline {one.pin} --env {one.environment} -m WHY` takes what it "
        "answers now as good; run its evals first."
    )
    worse = any(each.moved and each.difference < 0 for each in moved)
    harmless = bool(moved) and not any(each.moved for each in moved)
    return (hold, accept, switch) if harmless and not worse else (hold, switch, accept)
