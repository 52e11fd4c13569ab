"""Index versions: how ready they are, for how long, what they hold, who serves them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from console.views.ages import age, full_stamp, span
from console.views.line import Line, Part, Tone, line, muted
from console.views.marks import INDEX_STATUS
from console.views.table import Column, Row, Table
from console.views.versions import current_version
from console.views.words import counted
from console.views.world import World
from store.errors import LockgateError
from store.records.component import Component, Kind, Pin
from store.records.release import Release
from store.records.versions import DocumentDelta, IndexManifest
from store.rules.index_status import IndexStatus
from store.rules.served_days import served_days
from store.text import one_line

_DAYS = 14
COLUMNS = (
    Column("version", least=8, most=10),
    Column("status", least=16, most=18),
    Column("left", least=6, most=8),
    Column("built", least=6, most=8, drop=2),
    Column("documents", least=9, most=12),
    Column("passages", least=8, most=12, drop=3),
    Column("size", width=8, drop=4),
    Column("last 14 days", width=_DAYS, drop=5),
    Column("changed", least=10, most=18),
    Column("what changed", grow=1, least=12),
    Column("serves", least=8, most=24, drop=1),
)
_STANDING = {
    None: "",
    "over": "; still sealed here",
    "marked": "; still sealed here, archived within days",
    "packed": "; archived, u unpacks it",
    "purged": "; its bytes are gone",
}
"""By the phase of an archived version: what is left of it."""
_WHAT, _DIGEST = 200, 48
"""Characters of what changed, and of the digest, that are shown below the list."""


def indexes_table(world: World) -> Table:
    """All versions of all indexes, newest first, under a heading for each index."""
    rows: list[Row] = []
    for component in world.snapshot.components(Kind.INDEX):
        rows.append(Row(str(component), (_heading(world, component),), heading=True))
        served = _served_days(world, component)
        rows += [
            _row(world, Pin(component, version), served.get(version, set()))
            for version in reversed(_versions(world, component))
        ]
    return Table(
        COLUMNS, tuple(rows), line("no index yet: ", Part("lockgate add index NAME --from PATH", "key"))
    )


def ready_key(world: World) -> str | None:
    """The version that somebody on call wants: the one that stopped serving last and is still ready."""
    ready = [
        (status.last_served, f"index/{name}@{version}")
        for name, versions in world.statuses.items()
        for version, status in versions.items()
        if status.status == "rollback_ready" and status.last_served is not None
    ]
    return max(ready)[1] if ready else None


def _versions(world: World, component: Component) -> tuple[str, ...]:
    return world.snapshot.versions(component)


def _heading(world: World, component: Component) -> Line:
    served = [
        f"{name} serves {version}"
        for name in reversed(world.environments)
        if (version := current_version(world, name, component))
    ]
    return line(
        Part(str(component), "strong"), muted("   " + (", ".join(served) or "no environment serves it"))
    )


def _served_days(world: World, component: Component) -> dict[str, set[int]]:
    pointers = world.snapshot.pointers().read
    named = {one.release for pointer in pointers for one in pointer.served}
    releases: dict[str, Release] = {}
    for id in named:
        with suppress(LockgateError):  # what cannot be read makes statuses unknown, which is said there
            releases[id] = world.snapshot.release(id)
    return served_days(component, pointers, releases, world.now, _DAYS)


def _row(world: World, pin: Pin, served: set[int]) -> Row:
    status = world.statuses[pin.component.name][pin.version]
    manifest = world.snapshot.index(pin)
    mark = INDEX_STATUS[status.status]
    return Row(
        str(pin),
        (
            line(Part(pin.version, "strong")),
            mark.line(),
            line(_left(status)),
            line(muted(age(world.now, manifest.built_at))),
            line(f"{manifest.documents:>9,}"),
            line(f"{manifest.passages:>8,}"),
            line(f"{_size(manifest):>8}"),
            _timeline(world, manifest, status, served),
            _delta(manifest.delta, manifest.parent),
            line(manifest.what_changed),
            line(", ".join(status.environments) or muted("–")),
        ),
    )


def _size(manifest: IndexManifest) -> str:
    size = sum(file.size for file in manifest.files)
    if not size:
        return "–"
    return f"{size / 1e6:,.1f} MB" if size < 999.95e6 else f"{size / 1e9:,.1f} GB"


def _timeline(world: World, manifest: IndexManifest, status: IndexStatus, served: set[int]) -> Line:
    """A cell for each of the last days, today last: █ served, ─ kept ready meanwhile or since."""
    age_days = int((world.now - manifest.built_at) / timedelta(days=1))
    first = max(served, default=-1)
    parts: list[Part] = []
    for day in reversed(range(_DAYS)):
        if day in served:
            parts.append(Part("█", "good" if status.environments else "plain"))
        elif day <= first and status.status != "archived":
            parts.append(Part("─", "muted"))
        else:
            parts.append(Part("·" if day <= age_days else " ", "muted"))
    return tuple(parts)


def _left(status: IndexStatus) -> str | Part:
    if status.pinned:
        return "pinned"
    if status.left:
        return span(status.left)
    return "kept" if status.kept and status.status == "rollback_ready" else muted("–")


def _delta(delta: DocumentDelta, parent: str | None) -> Line:
    if parent is None:
        return line(muted("first"))
    counts: tuple[tuple[str, int, Tone], ...] = (
        ("+", delta.added, "added"),
        ("−", delta.removed, "removed"),
        ("~", delta.changed, "accent"),
    )
    parts = tuple(Part(f"{sign}{count:,} ", tone) for sign, count, tone in counts if count)
    return parts or line(muted("same"))


def detail_lines(world: World, pin: Pin) -> tuple[Line, ...]:
    """One version: what it is, where it stands, how it was built."""
    return tuple(_detail(world, pin))


def _detail(world: World, pin: Pin) -> Iterator[Line]:
    status = world.statuses[pin.component.name][pin.version]
    manifest = world.snapshot.index(pin)
    mark = INDEX_STATUS[status.status]
    yield line(Part(str(pin), "strong"), "   ", Part(mark.text, mark.tone))
    yield line(_standing(world, status))
    if manifest.what_changed:
        yield line(one_line(manifest.what_changed, _WHAT))
    files = f", {len(manifest.files)} sealed files, {_size(manifest)}" if manifest.files else ""
    contents = f"{counted(manifest.documents, 'document')} in {counted(manifest.passages, 'passage')}"
    yield line(contents, muted(files))
    cut = f"cut {manifest.chunking}, " if manifest.chunking else ""
    embedder = f"embedded by {manifest.embedder.name}, {manifest.embedder.dimension} dimensions"
    yield line(muted(f"{cut}{embedder}, {manifest.space}"))
    parent = f", on top of {manifest.parent}" if manifest.parent else ""
    source = one_line(manifest.source or "records", 80)
    yield line(muted(f"built {full_stamp(manifest.built_at)} from {source}{parent}"))
    yield line(muted(f"{manifest.digest[:_DIGEST]}…"))


def _standing(world: World, status: IndexStatus) -> str:
    words, pinned = _status(world, status), one_line(status.pinned, _WHAT)
    return words if pinned in words else f"{words}; {pinned}"


def _status(world: World, status: IndexStatus) -> str:
    if status.environments:
        return f"serves {', '.join(status.environments)}"
    packed = f", {status.packed / 1_000_000:,.1f} MB" if status.packed and status.phase == "packed" else ""
    rest = f"{_STANDING[status.phase]}{packed}"
    if status.last_served is None:
        return one_line("; ".join(status.kept), _WHAT) or f"never served{rest}"
    ready = f"ready for {span(status.left)} more, " if status.left else ""
    kept = f"; {one_line('; '.join(status.kept), _WHAT)}" if status.kept and not status.left else ""
    return f"{ready}last served {age(world.now, status.last_served)} ago{rest}{kept}"
