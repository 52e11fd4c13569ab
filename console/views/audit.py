"""The auditor's questions and their answers as tables. All foreign text."""

from __future__ import annotations

from collections.abc import Sequence

from console.operations.audit.questions.answer import Answer, Asked, Cell
from console.operations.audit.questions.catalogue import QUESTIONS, Question
from console.views.line import HANG, Line, Part, line, muted
from console.views.table import Column, Row, Table
from store.text import one_line

_LONG, _SHORT = 300, 26
_WORDS = frozenset({"why", "what", "cause", "conditions", "reason", "who", "said"})
"""Columns of prose, which grow; the others are as wide as their cells."""
_LAST = frozenset({"commit", "digest", "record", "policy", "changed_by", "before", "after"})
"""What a narrow screen leaves out first; Enter shows it."""


def question_choices() -> Table:
    """Every question; the key of a row is its name."""
    rows = (Row(one.name, (line(Part(one.name, "strong")), line(one.text))) for one in QUESTIONS)
    return Table((Column("", least=12), Column("", grow=1)), tuple(rows))


def environment_choices(names: Sequence[str]) -> Table:
    """All environments, or one; the key of a row is its name, `*` for all."""
    rows = (Row(one, (line("all environments" if one == "*" else one),)) for one in ("*", *names))
    return Table((Column("", grow=1),), tuple(rows))


def right_choices(names: Sequence[str]) -> Table:
    """The rights there are."""
    return Table((Column("", grow=1),), tuple(Row(one, (line(one),)) for one in names))


def answer_head(question: Question, asked: Asked, answer: Answer | None) -> tuple[Line, ...]:
    """What was asked of whom and when, and what it comes to."""
    about = [
        one_line(asked.what, 80),
        asked.environment or "all environments",
        f"since {asked.since:%Y-%m-%d %H:%M}" if asked.since else "",
        f"until {asked.until:%Y-%m-%d %H:%M}" if asked.until else "",
        f"at {asked.at:%Y-%m-%d %H:%M} UTC" if asked.at else "",
    ]
    head = line(Part(question.text, "strong"), muted("   " + " · ".join(filter(None, about))))
    if answer is None:
        return (head, line(muted("asking…")))
    mark = Part("! ", "warn") if answer.wrong else Part("✓ ", "good")
    return (head, line(mark, answer.said))


def answer_table(answer: Answer, words: Sequence[str]) -> tuple[Table, tuple[int, ...]]:
    """The rows that hold all `words`, and where each is in `answer`; the key of a row is its place."""
    listed = tuple(
        place
        for place, row in enumerate(answer.rows)
        if all(word in " ".join(map(str, row)).lower() for word in words)
    )
    columns = tuple(_column(name, number) for number, name in enumerate(answer.head))
    rows = tuple(
        Row(
            str(number),
            tuple(
                line(_cell(cell, name)) for cell, name in zip(answer.rows[place], answer.head, strict=True)
            ),
        )
        for number, place in enumerate(listed)
    )
    empty = line("nothing matches: ", Part("/", "key"), " changes the filter") if words else line("nothing")
    return Table(columns, rows, empty), listed


def row_lines(answer: Answer, place: int) -> tuple[Line, ...]:
    """One row, whole: a line for each cell."""
    width = max(map(len, answer.head)) + 2
    return tuple(
        line(muted(name.replace("_", " ").ljust(width)), HANG, _cell(cell, "", 4_000))
        for name, cell in zip(answer.head, answer.rows[place], strict=True)
    )


def shell_command(question: Question, asked: Asked) -> str:
    """The command that asks the same."""
    parts = [f"lockgate audit {question.name}", one_line(asked.what, 200)]
    if asked.environment:
        parts.append(f"--env {asked.environment}")
    for name, at in (("since", asked.since), ("until", asked.until), ("at", asked.at)):
        if at is not None:
            parts.append(f"--{name} {at:%Y-%m-%dT%H:%M}")
    return " ".join(filter(None, parts))


def _column(name: str, number: int) -> Column:
    title = name.replace("_", " ")
    if name in _WORDS:
        return Column(title, grow=1, least=16)
    return Column(title, most=_SHORT, drop=20 + number if name in _LAST else number)


def _cell(cell: Cell, name: str, limit: int = _LONG) -> str:
    if cell is None:
        return "–"
    text = one_line(str(cell), limit)
    return text[:10] if name in ("commit", "digest") and not text.startswith("sha256:") else text
