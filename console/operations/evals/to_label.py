"""The answers that a judge graded in runs on this machine, for people to grade too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from console.operations.evals.journals import Journaled, answers_of, journals
from evals.case import Case
from evals.graders.judge import Judged
from evals.judge.labels import Label, judges_of
from evals.judge.scale import read_words
from evals.running.lines import TEXT_KEPT, Entry
from evals.suite import Suite, parse_suite
from store.errors import InputError
from store.records.component import Component, Pin
from store.snapshot import Snapshot
from store.workspace import Workspace

MOST_RUNS = 8
"""Journals whose answers are offered, the newest first."""
MOST_ANSWERS = 2_000


@dataclass(frozen=True, slots=True)
class ToLabel:
    """One answer that a judge grades. Foreign text."""

    case: Case
    expect: int
    """Which of the case's graders the judge is."""
    answer: str
    passages: tuple[str, ...]
    """Those that the judge is shown."""
    mark: int | None
    """What the judge said of it in a run, on its scale; not to be shown before the person has chosen."""

    @property
    def spec(self) -> Judged:
        """The judge."""
        return judges_of(self.case)[self.expect]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for the same answer, as of labels."""
        return self.case.id, self.expect, self.answer, self.passages


def answers_to_label(
    workspace: Workspace, snapshot: Snapshot, read: Suite, suite: Component, labels: Iterable[Label]
) -> tuple[ToLabel, ...]:
    """Those of `suite`, whose newest version is `read`: cases without `labels` first, in an order that says
    nothing about arms, scores or runs."""
    return _ordered(_answers(workspace, snapshot, read, suite), labels)


def _answers(workspace: Workspace, snapshot: Snapshot, read: Suite, suite: Component) -> Iterator[ToLabel]:
    """The judged answers of the newest runs, each once; those that were cut when they were kept are left
    out, for a label is about an answer word for word."""
    by_hash = {case.content_hash: case for case in read.cases if judges_of(case)}
    judge = read.info.judge.model if read.info.judge else None
    seen: set[tuple[object, ...]] = set()
    for run in _runs_of(workspace, suite):
        same_judge = judge is not None and judge == _judge_of(snapshot, run, suite)
        for entry in answers_of(run.path):
            case = by_hash.get(entry.case)
            if case is None or entry.suite != str(suite) or entry.failed or len(entry.text) > TEXT_KEPT:
                continue
            for one in _judged(case, entry, same_judge):
                if one.key not in seen:
                    seen.add(one.key)
                    yield one
            if len(seen) >= MOST_ANSWERS:
                return


def _judged(case: Case, entry: Entry, same_judge: bool) -> Iterator[ToLabel]:
    for place, spec in judges_of(case).items():
        passages = tuple(one.text for one in entry.retrieved) if spec.passages else ()
        told = entry.reasons[place] if place < len(entry.reasons) else ""
        mark = read_words(told.partition(": ")[2], spec.scale) if same_judge else None
        yield ToLabel(case, place, entry.text, passages, mark)


def _runs_of(workspace: Workspace, suite: Component) -> Iterable[Journaled]:
    mine = (run for run in journals(workspace) if _pin_of(run, suite) is not None)
    return [run for run, _ in zip(mine, range(MOST_RUNS), strict=False)]


def _pin_of(run: Journaled, suite: Component) -> str | None:
    return next((pin for pin in run.start.suites if pin.partition("@")[0] == str(suite)), None)


def _judge_of(snapshot: Snapshot, run: Journaled, suite: Component) -> str | None:
    """The judge that the run's version of the suite names."""
    try:
        pin = Pin.parse(str(_pin_of(run, suite)))
        info = parse_suite(snapshot.files(pin), str(pin)).info
    except InputError:
        return None
    return info.judge.model if info.judge else None


def _ordered(answers: Iterable[ToLabel], labels: Iterable[Label]) -> tuple[ToLabel, ...]:
    """Cases that nobody labelled first, one answer of each, then the second answers. Within that in an
    order that follows from the words alone, so that neither arm nor score can be guessed from it."""
    known = {one.case for one in labels}
    by_case: dict[str, list[ToLabel]] = {}
    for one in sorted(answers, key=_scattered):
        by_case.setdefault(one.case.id, []).append(one)
    turns = [(turn, one) for found in by_case.values() for turn, one in enumerate(found)]
    turns.sort(key=lambda pair: (pair[0] + (pair[1].case.id in known), _scattered(pair[1])))
    return tuple(one for _, one in turns)


def _scattered(one: ToLabel) -> str:
    return sha256(repr(one.key).encode(errors="replace")).hexdigest()
