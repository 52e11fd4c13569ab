"""What differs between two prompts, line by line and word by word, for screens and for records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from prompts.prompt import FEW_SHOT, INFO, SYSTEM, Prompt
from store.records.versions import Variable

Op = Literal["equal", "insert", "delete"]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LINES_COMPARED = 4_000
"""Longer texts are shown as replaced: difflib's time grows with the square."""
_LINE_COMPARED = 2_000
"""Characters of a line whose words are compared."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a line."""

    op: Op
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison; its segments together are the line."""

    op: Op
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The whole line."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a prompt, compared."""

    name: str
    lines: tuple[Line, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return any(line.op != "equal" for line in self.lines)

    def count(self, op: Op) -> int:
        """How many lines are of `op`."""
        return sum(line.op == op for line in self.lines)


def compare(old: Prompt, new: Prompt) -> tuple[Part, ...]:
    """The three files of two prompts, compared; those without a difference are left out."""
    parts = (
        Part(SYSTEM, compare_text(old.system, new.system)),
        Part(FEW_SHOT, compare_text(_shown_examples(old), _shown_examples(new))),
        Part(INFO, compare_text(_shown_variables(old), _shown_variables(new))),
    )
    return tuple(part for part in parts if part.changed)


def compare_text(old: str, new: str) -> tuple[Line, ...]:
    """`old` and `new` as one list of lines; a changed line is a delete followed by its insert."""
    before, after = _split(old), _split(new)
    if len(before) + len(after) > _LINES_COMPARED:
        if before == after:
            return tuple(_whole("equal", before))
        return (*_whole("delete", before), *_whole("insert", after))
    lines: list[Line] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for op, i1, i2, j1, j2 in matcher.get_opcodes():
        if op == "equal":
            lines += _whole("equal", before[i1:i2])
        elif op == "replace":
            lines += _replaced(before[i1:i2], after[j1:j2])
        else:
            lines += _whole("delete", before[i1:i2]) + _whole("insert", after[j1:j2])
    return tuple(lines)


def what_changed(old: Prompt, new: Prompt) -> str:
    """The difference in half a sentence: "3 lines added, 1 removed; 1 example added"."""
    said: list[str] = []
    for part in compare(old, new):
        if part.name == SYSTEM:
            said.append(_counted("line", part.count("insert"), part.count("delete")))
    olds, news = set(old.few_shot), set(new.few_shot)
    if old.few_shot != new.few_shot:
        said.append(_counted("example", len(news - olds), len(olds - news)) or "examples reordered")
    variables = {one.name for one in old.info.variables}, {one.name for one in new.info.variables}
    if old.info.variables != new.info.variables:
        counted = _counted("variable", len(variables[1] - variables[0]), len(variables[0] - variables[1]))
        said.append(counted or "variables changed")
    return "; ".join(said) or "nothing"


def _split(text: str) -> list[str]:
    return text.split("\n") if text else []


def _whole(op: Op, lines: Sequence[str]) -> list[Line]:
    return [Line(op, (Segment(op, line),)) for line in lines]


def _replaced(before: Sequence[str], after: Sequence[str]) -> list[Line]:
    paired = min(len(before), len(after))
    lines: list[Line] = []
    for old, new in zip(before[:paired], after[:paired], strict=True):
        lines += _words(old, new)
    return lines + _whole("delete", before[paired:]) + _whole("insert", after[paired:])


def _words(old: str, new: str) -> list[Line]:
    if max(len(old), len(new)) > _LINE_COMPARED:
        return _whole("delete", [old]) + _whole("insert", [new])
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    removed: list[Segment] = []
    added: list[Segment] = []
    for op, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        left, right = "".join(before[i1:i2]), "".join(after[j1:j2])
        if op == "equal":
            removed.append(Segment("equal", left))
            added.append(Segment("equal", right))
            continue
        if left:
            removed.append(Segment("delete", left))
        if right:
            added.append(Segment("insert", right))
    return [Line("delete", tuple(removed)), Line("insert", tuple(added))]


def _shown_examples(prompt: Prompt) -> str:
    return "\n".join(f"user: {example.user}\nassistant: {example.assistant}" for example in prompt.few_shot)


def _shown_variables(prompt: Prompt) -> str:
    return "\n".join(_shown_variable(variable) for variable in prompt.info.variables)


def _shown_variable(variable: Variable) -> str:
    need = "required" if variable.required and variable.default is None else "optional"
    default = "" if variable.default is None else f" = {variable.default}"
    about = f": {variable.description}" if variable.description else ""
    return f"{variable.name} ({variable.type}, {need}){default}{about}"


def _counted(noun: str, added: int, removed: int) -> str:
    said = []
    if added:
        said.append(f"{added} {noun}{'s' if added != 1 else ''} added")
    if removed:
        said.append(
            f"{removed} removed" if added else f"{removed} {noun}{'s' if removed != 1 else ''} removed"
        )
    return ", ".join(said)
