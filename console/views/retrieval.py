"""What two index versions find for the same questions, side by side. All foreign text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.views.line import BLANK, HANG, Line, Part, Tone, line, muted
from console.views.table import Column, Row, Table
from console.views.words import counted
from evals.answer import Retrieved
from evals.retrieval_change import Refound, RetrievalChange
from store.records.component import Component, Pin
from store.text import one_line

FILE = "a file of queries"
"""The choice that is no suite."""
_COLUMNS = (
    Column("recall", width=11),
    Column("overlap", width=7),
    Column("ranked", width=6, drop=1),
    Column("first", width=7),
    Column("question", grow=1, least=20),
    Column("id", least=4, most=20, drop=2),
)
_LONG, _BEGINNING, _NAMES = 20_000, 300, 5
"""Characters of a passage, and of its beginning, and wanted ids that are shown."""


def question_sources(suites: Sequence[Component]) -> Table:
    """Where questions may come from; the key of a row is `evals/name`, or FILE."""
    rows = [Row(str(one), (line(Part(str(one), "strong")),)) for one in suites]
    rows.append(Row(FILE, (line(FILE, muted("  one a line, or .jsonl")),)))
    return Table((Column("", grow=1),), tuple(rows))


def change_head(older: Pin, newer: Pin, source: str, change: RetrievalChange) -> tuple[Line, ...]:
    """Which versions were asked what, and the figures over all questions."""
    count, k = len(change.questions), change.k
    asked = f"   {counted(count, 'question')} of {one_line(source, 60)}, {counted(k, 'passage')} each"
    figures = [
        f"same first {count - len(change.new_tops):,} of {count:,}",
        f"overlap {_share(change.overlap)}",
        f"ranked {_share(change.ranked)}",
    ]
    if change.judged:
        recall = f"{_share(change.recall_before)} → {_share(change.recall_after)}"
        figures.append(f"recall@{k} {recall} of {change.judged:,}")
    return (line(Part(f"{older} → {_name(older, newer)}", "strong"), muted(asked)), line("   ".join(figures)))


def questions_table(listed: Sequence[Refound], filtered: bool) -> Table:
    """The questions in the order of `listed`; the key of a row is its place there."""
    empty = (
        line("no question matches: ", Part("/", "key"), " changes the filter")
        if filtered
        else line("nothing was asked")
    )
    return Table(_COLUMNS, tuple(_row(place, one) for place, one in enumerate(listed)), empty)


def question_lines(one: Refound) -> tuple[Line, ...]:
    """The question, and what answers it where that is known."""
    wanted = one.question.wanted
    names = ", ".join(one_line(id, 60) for id in wanted[:_NAMES])
    more = f" and {len(wanted) - _NAMES:,} more" if len(wanted) > _NAMES else ""
    about = f"  {one_line(one.question.id, 60)}" + (f"  wanted: {names}{more}" if wanted else "")
    return (line(Part("? ", "accent"), HANG, one_line(one.question.text, 2_000)), line(muted(about)))


def found_lines(one: Refound, is_first: bool, name: str) -> tuple[Line, ...]:
    """One version's passages: what the other has not found, what it has elsewhere, what was wanted."""
    return tuple(_side(one, is_first, name, _BEGINNING))


def whole_lines(one: Refound, names: tuple[str, str]) -> tuple[Line, ...]:
    """The question with every passage of both versions, whole."""
    sides = (
        part
        for is_first in (True, False)
        for part in (BLANK, *_side(one, is_first, names[not is_first], _LONG))
    )
    return (*question_lines(one), *sides)


def short_names(older: Pin, newer: Pin) -> tuple[str, str]:
    """What the two columns are called."""
    return (older.version, newer.version) if older.component == newer.component else (str(older), str(newer))


def _name(older: Pin, newer: Pin) -> str:
    return short_names(older, newer)[1]


def _row(place: int, one: Refound) -> Row:
    changed = one.recall_change
    tone: Tone = "removed" if changed < 0 else "added" if changed > 0 else "plain"
    known = one.recall_before is not None
    recall = f"{_share(one.recall_before)} → {_share(one.recall_after)}" if known else "          –"
    return Row(
        str(place),
        (
            line(Part(recall, tone if known else "muted")),
            line(f"   {_share(one.overlap)}"),
            line(f"  {_share(one.ranked)}"),
            line(Part("≠ other", "accent") if one.has_new_top else muted("= same")),
            line(one_line(one.question.text, 300)),
            line(muted(one_line(one.question.id, 60))),
        ),
    )


def _side(one: Refound, is_first: bool, name: str, characters: int) -> Iterator[Line]:
    ours, theirs = (one.before, one.after) if is_first else (one.after, one.before)
    recall = one.recall_before if is_first else one.recall_after
    told = "" if recall is None else f"   recall {_share(recall)}"
    yield line(Part(name, "strong"), muted(f"   {counted(len(ours), 'passage')}{told}"))
    if not ours:
        yield line(muted("nothing was found"))
    there = {(passage.id, passage.text): place for place, passage in enumerate(theirs, 1)}
    wanted = set(one.question.wanted)
    for place, passage in enumerate(ours, 1):
        yield from _passage(passage, place, there.get((passage.id, passage.text)), wanted, characters)
    brought = {id for passage in ours for id in (passage.id, passage.source)}
    for id in [id for id in one.question.wanted if id not in brought][:_NAMES]:
        yield line(Part("✗ not found: ", "warn"), HANG, one_line(id, 80))


def _passage(
    passage: Retrieved, place: int, other: int | None, wanted: set[str], characters: int
) -> Iterator[Line]:
    is_alone = other is None
    moved = "" if other is None or other == place else f"  {other} there"
    is_wanted = bool(wanted & {passage.id, passage.source})
    yield line(
        Part("+ ", "accent") if is_alone else muted("= "),
        muted(f"{place} "),
        HANG,
        Part(one_line(passage.source or passage.id, 80), "strong" if is_alone else "plain"),
        *((Part(" ✓ wanted", "good"),) if is_wanted else ()),
        muted(f"  {passage.distance:.3f}{moved}"),
    )
    yield line(Part("    ", "muted"), HANG, muted(one_line(passage.text, characters)))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
