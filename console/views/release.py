"""A release and its verdicts in lines."""

from __future__ import annotations

from collections.abc import Iterator

from console.views.ages import full_stamp
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.overview import about_version
from console.views.verdict import verdict_lines
from store.snapshot import Snapshot
from store.text import one_line


def release_lines(snapshot: Snapshot, id: str) -> tuple[Line, ...]:
    """What a release binds, who made it, and what the gate said."""
    return tuple(_lines(snapshot, id))


def _lines(snapshot: Snapshot, id: str) -> Iterator[Line]:
    release = snapshot.release(id)
    yield line(f"made {full_stamp(release.created_at)} by {release.created_by.name}")
    yield line(f"from {release.base}" if release.base else "the first of its line")
    yield line(muted(release.digest))
    yield BLANK
    for pin in release.pins():
        about = about_version(snapshot, pin)
        name = Part(f"{pin.component!s:<24} ", "strong")
        yield line(name, f"{pin.version:<5} ", HANG, muted(one_line(about, 160)))
    for verdict in snapshot.verdicts(id)[:5]:
        yield BLANK
        yield from verdict_lines(verdict)
