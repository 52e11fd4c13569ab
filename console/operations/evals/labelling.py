"""Labelling: answers that a judge graded, for people to grade too, so that the judge can be measured.

A label is kept beside the store as soon as it is given; all of them together land as the next version of
the suite, whose labels.jsonl is what the judge's agreement is measured by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from console.operations.counted import counted
from console.operations.evals import amending
from console.operations.evals.amending import Amended
from console.operations.evals.to_label import ToLabel, answers_to_label
from console.operations.plan import Plan
from evals.case import Case
from evals.graders.base import Yields
from evals.judge.agreement import LABELLED_CASES, kappa
from evals.judge.drafts import Drafts
from evals.judge.labels import (
    LABELS,
    Label,
    check,
    item,
    judge_of,
    judges_of,
    new_label,
    with_label,
    write_labels,
)
from evals.judge.measuring import labelled, labelled_cases
from evals.suite import Suite, parse_suite
from store.errors import InputError
from store.records.component import Component, Pin
from store.workspace import Workspace

FOLDER = "labels"
"""Where labels wait, in state/."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a judge's word is from counting, for one kind of judgement."""

    yields: Yields
    cases: int
    """Different cases that people have labelled and agree on."""
    compared: int
    """Labelled answers of which it is known what the judge said."""
    kappa: float | None
    """Of these. None where nothing tells agreement from habit yet."""

    @property
    def missing(self) -> int:
        """Cases that still have to be labelled before the judge may block."""
        return max(0, LABELLED_CASES - self.cases)


@dataclass(frozen=True)
class Desk:
    """What there is to label of one suite, and what was said so far."""

    suite: Component
    pin: Pin
    """The newest version: labels are about its cases and land in the next."""
    judge: str | None
    """The judge's `model/name@vN`; None where the suite has none."""
    cases: Mapping[str, Case]
    by: str
    """The person who labels."""
    queue: tuple[ToLabel, ...]
    """In an order that says nothing about arms, scores or runs: unlabelled cases first."""
    labels: tuple[Label, ...]
    """Landed and waiting, of everybody."""
    waiting: tuple[Label, ...]
    """Those that no version has yet."""
    spent: tuple[Label, ...] = ()
    """Labels in the file that wait no more: a version has them, or the person said otherwise later."""
    outdated: int = 0
    """Waiting labels about cases or rubrics that were changed since: they count for nothing."""
    kinds: tuple[Yields, ...] = field(default=())
    """What the suite's judges are asked for."""

    @cached_property
    def _marks(self) -> dict[tuple[object, ...], int]:
        return {one.key: one.mark for one in self.queue if one.mark is not None}

    @cached_property
    def _mine(self) -> dict[tuple[object, ...], bool | int]:
        return {item(one, self.cases[one.case]): one.label for one in self.labels if one.by == self.by}

    def mine(self, one: ToLabel) -> bool | int | None:
        """What this person has said of it; None for nothing."""
        return self._mine.get(one.key)

    def tallies(self) -> tuple[Tally, ...]:
        """One for each kind of judgement that the suite's judges give."""
        return tuple(self._tally(kind) for kind in self.kinds)

    def _tally(self, kind: Yields) -> Tally:
        same: dict[tuple[object, ...], list[Label]] = {}
        for one in self.labels:
            same.setdefault(item(one, self.cases[one.case]), []).append(one)
        pairs = []
        for key, labels in same.items():
            spec = judge_of(labels[0], self.cases[labels[0].case])
            agreed, mark = {spec.settled(int(one.label)) for one in labels}, self._marks.get(key)
            if spec.yields == kind and mark is not None and len(agreed) == 1:
                pairs.append((agreed.pop(), spec.settled(mark)))
        answers = labelled(self.labels, tuple(self.cases.values()), kind)
        return Tally(kind, labelled_cases(answers), len(pairs), kappa(pairs))

    def said(self, label: Label) -> Desk:
        """The same with one more label of this person."""
        return replace(
            self,
            labels=with_label(self.labels, label, self.cases),
            waiting=with_label(self.waiting, label, self.cases),
        )


def desk(workspace: Workspace, suite: Component) -> Desk:
    """What there is to label of the newest version of `suite`.

    Raises InputError where there is no such suite, MachineryError where the waiting labels cannot be read.
    """
    snapshot = workspace.store.at()
    pin = snapshot.newest(suite)
    read = parse_suite(snapshot.files(pin), str(pin))
    cases = {case.id: case for case in read.cases}
    drafts = drafts_of(workspace, suite).read()
    fitting = tuple(one for one in drafts if _fits(one, cases))
    waiting = _waiting(fitting, read)
    labels = _with(read.labels, waiting, cases)
    specs = [spec for case in read.cases for spec in judges_of(case).values()]
    return Desk(
        suite=suite,
        pin=pin,
        judge=read.info.judge.model if read.info.judge else None,
        cases=cases,
        by=workspace.person.name,
        queue=answers_to_label(workspace, snapshot, read, suite, labels),
        labels=labels,
        waiting=waiting,
        spent=tuple(one for one in fitting if one not in waiting),
        outdated=len(drafts) - len(fitting),
        kinds=tuple(sorted({spec.yields for spec in specs})),
    )


def say(workspace: Workspace, on: Desk, one: ToLabel, label: bool | int) -> Desk:
    """Keeps what this person says of `one` and returns the desk with it.

    Raises InputError for a label that is none on the judge's scale, MachineryError when it cannot be kept.
    """
    more: dict[str, object] = {"passages": one.passages} if one.passages else {}
    if len(judges_of(one.case)) > 1:
        more["expect"] = one.expect
    made = new_label(one.case, one.answer, label, on.by, workspace.clock.now(), **more)
    drafts_of(workspace, on.suite).append(made, on.spent)
    return on.said(made)


def plan(workspace: Workspace, suite: Component) -> Plan:
    """What landing the waiting labels in the next version of `suite` would do. Raises InputError where
    none waits."""
    kept = drafts_of(workspace, suite)

    def amend(read: Suite, _: dict[str, bytes]) -> Amended:
        cases = {case.id: case for case in read.cases}
        fresh = _waiting([one for one in kept.read() if _fits(one, cases)], read)
        if not fresh:
            raise InputError(f"no label of {suite} waits to be landed.")
        labels = _with(read.labels, fresh, cases)
        told = f"{counted(len(fresh), 'label')} by {', '.join(sorted({one.by for one in fresh}))}"
        effects = (f"labels.jsonl has {counted(len(labels), 'label')} then", _NEW_SUITE)
        return Amended({LABELS: write_labels(labels)}, told, effects)

    return amending.plan(workspace, suite, amend)


_NEW_SUITE = "verdicts are of the version that was run: a release wants this one staged to be judged by it"


def drafts_of(workspace: Workspace, suite: Component) -> Drafts:
    """Where the labels of `suite` wait."""
    return Drafts(workspace.state / FOLDER / f"{suite.name}.jsonl")


def _waiting(drafts: Iterable[Label], read: Suite) -> tuple[Label, ...]:
    """Of `drafts`, which fit the suite, the last word of each person on each answer, unless it landed."""
    cases = {case.id: case for case in read.cases}
    last = {(*item(one, cases[one.case]), one.by): one for one in drafts}
    landed = set(read.labels)
    return tuple(one for one in last.values() if one not in landed)


def _with(labels: tuple[Label, ...], more: Iterable[Label], cases: Mapping[str, Case]) -> tuple[Label, ...]:
    for one in more:
        labels = with_label(labels, one, cases)
    return labels


def _fits(label: Label, cases: Mapping[str, Case]) -> bool:
    try:
        check(label, cases, "the label")
    except InputError:
        return False
    return True
