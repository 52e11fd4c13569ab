"""labels.jsonl: what people said of answers that a judge is measured by. One line a label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints

from evals.graders.judge import Judged
from evals.judge.scale import HIGHEST, LOWEST
from store.bounded import parse_jsonl, validate
from store.canonical import canonical_json
from store.errors import InputError
from store.records.base import Digest, Instant, Strict
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

LABELS = "labels.jsonl"
LABELS_LIMIT = 16 * 1024 * 1024
"""Bytes of the file."""
MOST_LABELS = 5_000


class Label(Strict):
    """What one person said of one answer."""

    case: str = Field(max_length=128)
    """The id of the case that was answered."""
    expect: int | None = Field(default=None, ge=0, le=49)
    """Which entry of the case's `expect` it is about, from 0; needed only where several are judges."""
    answer: Annotated[str, StringConstraints(max_length=100_000)]
    """The answer, word for word."""
    passages: tuple[str, ...] = Field(default=(), max_length=100)
    """The passages that it was written from, where the judge is shown them."""
    label: bool | Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
    """true or false, or 1 to 5, by the judge's scale."""
    by: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
    """Who said so."""
    at: Instant
    about: Digest | None = None
    """Over rubric and question as they were when it was said: a label does not outlive them."""


def judges_of(case: Case) -> dict[int, Judged]:
    """The judges among the case's graders, by their place."""
    return {place: spec for place, spec in enumerate(case.expect) if isinstance(spec, Judged)}


def parse_labels(data: bytes, cases: Sequence[Case], where: str) -> tuple[Label, ...]:
    """The labels in `data`, each of a judged case in `cases`. Raises InputError naming the line."""
    if len(data) > LABELS_LIMIT:
        raise InputError(f"{where} has {len(data):,} bytes; at most {LABELS_LIMIT:,} are read.")
    by_id = {case.id: case for case in cases}
    seen: dict[tuple[object, ...], int] = {}
    labels: list[Label] = []
    for number, value in parse_jsonl(data, where):
        label = validate(Label, value, f"{where}, line {number}")
        check(label, by_id, f"{where}, line {number}")
        key = (*item(label, by_id[label.case]), label.by)
        if key in seen:
            raise InputError(
                f"{where}, line {number}: {one_line(label.by, 60)!r} labelled the same answer on line "
                f"{seen[key]}; keep one of the two."
            )
        seen[key] = number
        labels.append(label)
        if len(labels) > MOST_LABELS:
            raise InputError(f"{where} has over {MOST_LABELS:,} labels; remove some.")
    return tuple(labels)


def check(label: Label, cases: Mapping[str, Case], where: str) -> Judged:
    """The judge that `label` is about. Raises InputError where there is none or it does not fit."""
    case = cases.get(label.case)
    if case is None:
        raise InputError(f"{where}: case: {one_line(label.case, 60)!r} is not in cases.jsonl.")
    judges = judges_of(case)
    if label.expect is None and len(judges) != 1:
        trouble = "has several judges: say which with expect" if judges else "has no judge to be measured"
        raise InputError(f"{where}: case {case.id!r} {trouble}.")
    place = label.expect if label.expect is not None else next(iter(judges))
    if place not in judges:
        raise InputError(f"{where}: expect: entry {place} of case {case.id!r} is no judge.")
    spec = judges[place]
    if isinstance(label.label, bool) != (spec.scale == "boolean"):
        wanted = "true or false" if spec.scale == "boolean" else f"a number from {LOWEST} to {HIGHEST}"
        raise InputError(f"{where}: label: the judge of case {case.id!r} wants {wanted}.")
    if label.about is not None and label.about != spec.about(case):
        raise InputError(
            f"{where}: case {case.id!r} or its rubric was changed after this label; "
            "label it again or remove the line."
        )
    return spec


def judge_of(label: Label, case: Case) -> Judged:
    """The judge that a label which was checked is about."""
    return judges_of(case)[_place(label, case)]


def item(label: Label, case: Case) -> tuple[object, ...]:
    """What was labelled: equal for two people's labels of the same answer."""
    return label.case, _place(label, case), label.answer, label.passages


def _place(label: Label, case: Case) -> int:
    return label.expect if label.expect is not None else next(iter(judges_of(case)))


def new_label(case: Case, answer: str, label: bool | int, by: str, at: datetime, **more: Any) -> Label:
    """A label of `answer` to `case`, bound to its rubric as it is now. Raises InputError.

    `more` are the other fields of a Label: `expect`, `passages`.
    """
    plain = {"case": case.id, "answer": answer, "label": label, "by": by, "at": at, **more}
    made = validate(Label, plain, "the label")
    spec = check(made, {case.id: case}, "the label")
    return made.model_copy(update={"about": spec.about(case)})


def with_label(labels: Iterable[Label], label: Label, cases: Mapping[str, Case]) -> tuple[Label, ...]:
    """`labels` and `label`, which takes the place of what the same person said of the same answer."""
    mine = (*item(label, cases[label.case]), label.by)
    return (*(one for one in labels if (*item(one, cases[one.case]), one.by) != mine), label)


def write_labels(labels: Iterable[Label]) -> bytes:
    """The bytes of labels.jsonl."""
    lines = (canonical_json(one.model_dump(mode="json", exclude_defaults=True)) for one in labels)
    return b"".join(line + b"\n" for line in lines)
