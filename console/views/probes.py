"""The golden queries of an index version: what is asked, what must come back, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.operations.index_look import GoldenQuery, Verified
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.words import counted
from store.text import one_line

_MOST = 200
_TEXT = 160
_ID = 60
_IDS = 12


def probe_lines(queries: Sequence[GoldenQuery]) -> tuple[Line, ...]:
    """What a verify will ask."""
    return tuple(_all(queries))


def verified_lines(done: Verified) -> tuple[Line, ...]:
    """What a verify found, then every query with its answer; wrong ones first."""
    right = sum(one.right is True for one in done.queries)
    counts = (
        f"{done.files} files hashed, {done.passages:,} passages, {right} of {len(done.queries)} probes right"
    )
    head = (line(Part("✓ ", "good"), Part(f"{done.pin} is whole", "strong")), line(muted(counts)), BLANK)
    return (*head, *_all(sorted(done.queries, key=_whole)))


def _whole(one: GoldenQuery) -> bool:
    return one.right is not False and (one.right is None or one.found == len(one.nearest))


def _all(queries: Sequence[GoldenQuery]) -> Iterator[Line]:
    yield line(
        Part(counted(len(queries), "probe"), "strong"),
        muted("  a row asks with its own vector, its k nearest rows must come back"),
    )
    for number, one in enumerate(queries[:_MOST], 1):
        yield BLANK
        yield line(*_answer(one, number), HANG, one_line(one.text, _TEXT))
        yield line(muted(f"    k = {len(one.nearest):<2} "), HANG, muted(_expected(one.nearest)))
    if len(queries) > _MOST:
        yield line(muted(f"and {len(queries) - _MOST:,} more"))


def _answer(one: GoldenQuery, number: int) -> tuple[Part, ...]:
    if one.right is None:
        return (muted(f"{number:>3} "),)
    found = f"{one.found} of {len(one.nearest)}"
    if _whole(one):
        return (Part(f"✓ right, {found}  ", "good"),)
    word = "less found" if one.right else "wrong first"
    return (Part(f"✗ {word}, {found}  ", "bad" if not one.right else "warn"),)


def _expected(ids: Sequence[str]) -> str:
    shown = "  ".join(one_line(id, _ID) for id in ids[:_IDS])
    return f"{shown}  …" if len(ids) > _IDS else shown
