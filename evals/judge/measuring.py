"""Has a judge grade the answers that people labelled, and compares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals.answer import Answer, Retrieved
from evals.graders.base import Yields
from evals.graders.judge import Judged
from evals.judge.agreement import LABELLED_CASES, Agreement, kappa
from evals.judge.judging import Judge
from evals.judge.labels import Label, item, judge_of

if TYPE_CHECKING:
    from evals.case import Case


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer that people labelled."""

    case: Case
    spec: Judged
    answer: Answer
    label: int | None
    """What they agree on, as the grader counts it; None where they do not."""


def labelled(labels: Sequence[Label], cases: Sequence[Case], kind: Yields) -> tuple[Labelled, ...]:
    """The labelled answers whose judges yield `kind`, in the order of the labels."""
    by_id = {case.id: case for case in cases}
    found: dict[tuple[object, ...], list[Label]] = {}
    for label in labels:
        if judge_of(label, by_id[label.case]).yields == kind:
            found.setdefault(item(label, by_id[label.case]), []).append(label)
    return tuple(_labelled(same, by_id[same[0].case]) for same in found.values())


def labelled_cases(answers: Sequence[Labelled]) -> int:
    """How many different cases have an answer that people agree on."""
    return len({one.case.id for one in answers if one.label is not None})


async def measure(judge: Judge, answers: Sequence[Labelled]) -> Agreement:
    """How far the judge agrees with people on `answers`. With labels for too few cases it is not asked.

    Raises EndpointError where the judge's endpoint will answer nothing.
    """
    agreed = [one for one in answers if one.label is not None]
    disputed = len(answers) - len(agreed)
    if labelled_cases(agreed) < LABELLED_CASES:
        return Agreement(labelled_cases(agreed), 0, disputed)
    found = await asyncio.gather(*(_value(judge, one) for one in agreed))
    judged = [(one, value) for one, value in zip(agreed, found, strict=True) if value is not None]
    return Agreement(
        cases=labelled_cases([one for one, _ in judged]),
        compared=len(judged),
        disputed=disputed,
        unjudged=len(agreed) - len(judged),
        kappa=kappa([(one.label, value) for one, value in judged]),
    )


def _labelled(labels: Sequence[Label], case: Case) -> Labelled:
    first = labels[0]
    spec = judge_of(first, case)
    said = {spec.settled(int(one.label)) for one in labels}
    passages = tuple(Retrieved(str(number), "", text, 0.0) for number, text in enumerate(first.passages, 1))
    return Labelled(case, spec, Answer(first.answer, passages), said.pop() if len(said) == 1 else None)


async def _value(judge: Judge, one: Labelled) -> int | None:
    found = await judge.judge(one.spec.asked(one.case, one.answer), one.spec.votes)
    return None if found.value is None else one.spec.settled(found.value)
