"""Flipped cases: a list, and one case with both answers, their grades and passages. All foreign text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.operations.evals.flips import Arm, Flipped
from console.operations.evals.shelf import Run
from console.views.diff import compared_lines
from console.views.evals import WORDS
from console.views.line import BLANK, HANG, Line, Part, Tone, line, muted
from console.views.table import Column, Row, Table
from console.views.words import counted
from prompts.compare import compare_text
from store.text import one_line

_COLUMNS = (
    Column("score", width=11),
    Column("", width=8),
    Column("category", least=8, most=16),
    Column("its verdict", width=14, drop=1),
    Column("case", least=6, most=20, drop=2),
    Column("question", grow=1, least=16),
)
_LONG, _PASSAGE = 20_000, 160
"""Characters of an answer, and of a passage's beginning, that are shown."""


def flips_table(flips: Sequence[Flipped], filtered: bool) -> Table:
    """The cases, worst first; the key of a row is its place in `flips`."""
    empty = (
        line("no case matches: ", Part("/", "key"), " changes the filter")
        if filtered
        else line("no case came out otherwise than before")
    )
    return Table(_COLUMNS, tuple(_row(place, one) for place, one in enumerate(flips)), empty)


def flips_head(run: Run, shown: int, total: int, filter: str) -> Line:
    """Which run it is, and how many of its cases are listed."""
    against = f" against {run.baseline}" if run.baseline else ""
    told = counted(total, "case") if shown == total else f"{shown:,} of {counted(total, 'case')}"
    parts = [Part(f"{run.release}{against}", "strong"), muted(f"   {told} flipped")]
    if filter:
        parts += [muted("   filter "), Part(one_line(filter, 60), "accent")]
    return tuple(parts)


def case_lines(one: Flipped) -> tuple[Line, ...]:
    """The question, and where the case belongs."""
    tags = f"  tags {', '.join(one_line(tag, 30) for tag in one.tags)}" if one.tags else ""
    said = (line(Part("? ", "accent"), HANG, one.question[:_LONG]),)
    about = line(muted(f"  {one_line(one.case, 60)} in {one_line(one.category, 40)}{tags}"))
    if one.from_journal:
        return (*said, about)
    return (*said, about, line(muted("  as the verdict kept it: passages and whole answers are not here")))


def arm_lines(one: Flipped, is_first: bool, releases: tuple[str, str]) -> tuple[Line, ...]:
    """One release's answer: grades, text with what the other has not in brackets, passages."""
    return tuple(_arm(one, is_first, releases))


def answers_diff(one: Flipped) -> tuple[Line, ...]:
    """Both answers line by line, then how their passages differ."""
    return tuple(_diff(one))


def _row(place: int, one: Flipped) -> Row:
    mark = WORDS.get(one.word, WORDS["so far"])
    tone: Tone = "removed" if one.change < 0 else "added"
    symbol = "▼" if one.change < 0 else "▲"
    return Row(
        str(place),
        (
            line(Part(f"{one.baseline.score * 100:3.0f} → {one.candidate.score * 100:3.0f}", tone)),
            line(Part(f"{symbol} {one.way}", tone)),
            line(one_line(one.category, 60)),
            mark.line(),
            line(muted(one_line(one.case, 60))),
            line(one_line(one.question, 300)),
        ),
    )


def _arm(one: Flipped, is_first: bool, releases: tuple[str, str]) -> Iterator[Line]:
    ours, theirs = (one.baseline, one.candidate) if is_first else (one.candidate, one.baseline)
    role = "baseline" if is_first else "candidate"
    name = releases[0 if is_first else 1]
    yield line(Part(name, "strong"), muted(f"  {role}  "), f"{ours.score * 100:.0f}", muted(_repeats(ours)))
    for reason in ours.reasons:
        yield line(muted("· "), HANG, muted(reason))
    if ours.refused_by is not None:
        yield line(Part("refused: ", "warn"), HANG, ours.refused_by)
    yield BLANK
    yield from _words(ours.text[:_LONG], theirs.text[:_LONG], is_first)
    if one.from_journal:
        yield BLANK
        yield from _passages(ours, theirs)


def _repeats(arm: Arm) -> str:
    if len(arm.scores) < 2:
        return ""
    return f" of {' '.join(f'{score * 100:.0f}' for score in arm.scores[:10])}"


def _words(text: str, other: str, is_first: bool) -> Iterator[Line]:
    """The answer; the words that the other one has not are in brackets."""
    if not text.strip():
        yield line(muted("an empty answer"))
        return
    wanted, tone, brackets = _MARKED[is_first]
    for one in compare_text(text, other) if is_first else compare_text(other, text):
        if one.op == "equal":
            yield line(one.text)
        elif one.op == wanted:
            yield tuple(
                Part(segment.text)
                if segment.op == "equal" or not segment.text.strip()
                else Part(f"{brackets[0]}{segment.text}{brackets[1]}", tone)
                for segment in one.segments
            )


_MARKED: dict[bool, tuple[str, Tone, str]] = {
    True: ("delete", "removed", "[]"),
    False: ("insert", "added", "{}"),
}
"""Of the first and the second answer: the lines that are its own, their tone, their brackets."""


def _passages(ours: Arm, theirs: Arm) -> Iterator[Line]:
    known = {one.id for one in theirs.passages}
    if not ours.passages:
        yield line(muted("no passages"))
    for number, one in enumerate(ours.passages, 1):
        is_alone = one.id not in known
        yield line(
            Part("+ ", "accent") if is_alone else muted("= "),
            muted(f"{number} "),
            HANG,
            Part(one_line(one.source or one.id, 80), "strong" if is_alone else "plain"),
            muted(f" {one_line(one.text, _PASSAGE)}"),
        )


def _diff(one: Flipped) -> Iterator[Line]:
    yield from case_lines(one)
    yield BLANK
    yield line(Part("answers", "strong"), muted("   − before   + after"))
    if one.baseline.text == one.candidate.text:
        yield line(muted("both said the same"))
    else:
        yield from compared_lines(compare_text(one.baseline.text[:_LONG], one.candidate.text[:_LONG]))
    for head, arm in (("grades before", one.baseline), ("grades after", one.candidate)):
        yield BLANK
        yield line(Part(head, "strong"), f"  {arm.score * 100:.0f}{_repeats(arm)}")
        for reason in arm.reasons:
            yield line(muted("· "), HANG, reason)
    if one.from_journal:
        for head, arm, other in (
            ("passages before", one.baseline, one.candidate),
            ("passages after", one.candidate, one.baseline),
        ):
            yield BLANK
            yield line(Part(head, "strong"))
            yield from _passages(arm, other)
