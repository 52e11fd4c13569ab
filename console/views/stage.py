"""Staging: what is picked against the base, in words; and evals while they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.views.line import BLANK, Line, Part, Tone, line, muted
from console.views.marks import gate_mark
from console.views.overview import about_version
from console.views.progress import bar, progress_lines
from console.views.table import Column, Row, Table
from console.views.verdict import verdict_lines
from console.views.world import World
from store.progress import Progress
from store.records.component import Component, Pin
from store.records.operation import Change
from store.records.release import Release
from store.records.verdict import Verdict

Picks = Mapping[str, str]
"""By `kind/name`: the version that is picked instead of the base's."""
BAR = 24


def base_release(world: World, base: str | None) -> Release | None:
    """The release that staging starts from: `base`, or what the first environment serves."""
    id = base or world.snapshot.environment(world.environments[0]).stable
    return world.snapshot.find_release(id) if id else None


def useful_picks(world: World, base: str | None, picks: Picks) -> dict[str, str]:
    """`picks` without those that the base has already."""
    release = base_release(world, base)
    return {
        name: version
        for name, version in picks.items()
        if release is None or release.version_of(Component.parse(name)) != version
    }


def picks_table(world: World, base: str | None, picks: Picks) -> Table:
    """Every component with the base's version and the picked one."""
    release = base_release(world, base)
    rows = tuple(_row(world, release, one, picks.get(str(one))) for one in world.snapshot.components())
    title = f"base {release.id}" if release else "no base yet"
    return Table(
        (
            Column("component", least=12, most=28),
            Column(title, least=8, most=12),
            Column("picked", least=8, most=14),
            Column("what it is", grow=1, least=8),
        ),
        rows,
        line("no component yet: ", Part("lockgate add prompt NAME --from DIR", "key"), " begins"),
    )


def _row(world: World, release: Release | None, component: Component, picked: str | None) -> Row:
    before = release.version_of(component) if release else None
    newest = world.snapshot.versions(component)[-1:]
    shown = picked or before
    about = about_version(world.snapshot, Pin(component, shown)) if shown else ""
    if picked:
        cell = line(Part(f"→ {picked}", "accent"))
    elif newest and newest[0] != before:
        cell = line(muted(f"({newest[0]} is new)"))
    else:
        cell = line(muted("same"))
    return Row(str(component), (line(str(component)), line(before or muted("–")), cell, line(muted(about))))


def note_for(changes: Sequence[Change]) -> str:
    """What changed, as the beginning of a note."""
    parts = [
        f"{change.component} {change.after or 'removed'}" + (f": {change.what}" if change.what else "")
        for change in changes
    ]
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class CategoryProgress:
    """One category while evals run. Means are in [0, 1], None before the first answer."""

    name: str
    candidate: float | None
    baseline: float | None
    done: int
    total: int


def running_lines(categories: Sequence[CategoryProgress], step: Progress, elapsed: float) -> tuple[Line, ...]:
    """Evals that are running: one bar for the candidate and one for the baseline in each category."""
    lines: list[Line] = [*progress_lines(step, elapsed), BLANK]
    for one in categories:
        lines.append(
            line(
                Part(f"{one.name:<14} ", "strong"),
                *_score(one.candidate, "accent"),
                muted(f"  {one.done} of {one.total} answers"),
            )
        )
        lines.append(line(muted(f"{'baseline':<14} "), *_score(one.baseline, "muted")))
    return tuple(lines)


def _score(mean: float | None, tone: Tone) -> tuple[Part, ...]:
    if mean is None:
        return (muted("·" * BAR), muted("     –"))
    return (Part(bar(mean, BAR), tone), Part(f" {mean * 100:5.1f}"))


def judged_lines(verdicts: Sequence[Verdict], needs_gate: bool) -> tuple[Line, ...]:
    """The verdicts, one under the other; or what to do when there is none."""
    return tuple(_judged(verdicts, needs_gate))


def _judged(verdicts: Sequence[Verdict], needs_gate: bool) -> Iterator[Line]:
    if not verdicts:
        mark = gate_mark("none")
        way = "e runs them" if needs_gate else "no environment wants any: s goes on"
        yield line(Part(mark.text, mark.tone), f"  {way}")
    for number, verdict in enumerate(verdicts):
        if number:
            yield BLANK
        yield from verdict_lines(verdict)
