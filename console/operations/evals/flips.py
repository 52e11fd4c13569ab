"""The cases of a run that came out otherwise than before, with all that is known of both answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from console.operations.evals.journals import answers_of
from console.operations.evals.results import moved, suites_of, word_of
from console.operations.evals.shelf import Run
from evals.answer import Retrieved
from evals.case import Case
from evals.runner import ArmName
from evals.running.lines import Entry
from evals.suite import Suite
from store.records.verdict import Flip
from store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Arm:
    """One release's answer to a case: the repeat that shows the difference. Foreign text."""

    score: float
    """The mean over its repeats."""
    scores: tuple[float, ...]
    """Of each repeat, in order; empty where only the mean was kept."""
    text: str
    reasons: tuple[str, ...]
    """One sentence per grader."""
    passages: tuple[Retrieved, ...] = ()
    refused_by: str | None = None


@dataclass(frozen=True, slots=True)
class Flipped:
    """One case whose score changed."""

    suite: str
    """`evals/name`."""
    case: str
    category: str
    tags: tuple[str, ...]
    word: str
    """How its category came out."""
    question: str
    baseline: Arm
    candidate: Arm
    content: Case | None
    """The case itself; None where the store does not have it any more."""
    from_journal: bool
    """Whether the answers are whole, with passages; else they are what the verdict kept."""

    @property
    def change(self) -> float:
        """After minus before: the lower, the worse."""
        return self.candidate.score - self.baseline.score

    @property
    def way(self) -> str:
        """worse or better."""
        return "worse" if self.change < 0 else "better"


def flips_of(snapshot: Snapshot, run: Run) -> tuple[Flipped, ...]:
    """The flipped cases of `run`, worst first: whole from its journal, else as its verdict kept them."""
    suites = suites_of(snapshot, run.suites)
    words = {} if run.verdict is None else {(c.suite, c.name): word_of(c) for c in run.verdict.categories}
    found: list[Flipped] = []
    if run.journal is not None:
        entries = list(answers_of(run.journal))
        for name, suite in suites.items():
            found += _journaled(name, suite, run, entries, words)
    if not found and run.verdict is not None:
        found = [_kept(one, suites, words) for one in run.verdict.flips]
    return tuple(sorted(found, key=lambda one: (one.change, one.suite, one.case)))


def flipped_as_data(one: Flipped) -> dict[str, object]:
    """One case as a line of an export."""
    return {
        "suite": one.suite,
        "case": one.case,
        "category": one.category,
        "category_verdict": one.word,
        "way": one.way,
        "tags": list(one.tags),
        "question": one.question,
        "before": one.baseline.score,
        "after": one.candidate.score,
        "answer_before": one.baseline.text,
        "answer_after": one.candidate.text,
        "reasons_before": list(one.baseline.reasons),
        "reasons_after": list(one.candidate.reasons),
        "passages_before": [passage.id for passage in one.baseline.passages],
        "passages_after": [passage.id for passage in one.candidate.passages],
    }


_Words = Mapping[tuple[str, str], str]


def _journaled(
    name: str, suite: Suite, run: Run, entries: Sequence[Entry], words: _Words
) -> Iterator[Flipped]:
    scored: dict[tuple[ArmName, str], dict[int, Entry]] = {}
    for entry in entries:
        if entry.suite == name and entry.score is not None:
            scored.setdefault((entry.arm, entry.case), {})[entry.repeat] = entry
    for case in suite.select(run.cases_of):
        before = scored.get(("baseline", case.content_hash))
        after = scored.get(("candidate", case.content_hash))
        if before and after and moved(_mean(before), _mean(after)):
            same = sorted(set(before) & set(after))
            telling = [one for one in same if before[one].score != after[one].score]
            repeat = next(iter(telling or same), None)
            yield Flipped(
                suite=name,
                case=case.id,
                category=case.category,
                tags=case.tags,
                word=words.get((name, case.category), "so far"),
                question=case.question,
                baseline=_arm(before, repeat),
                candidate=_arm(after, repeat),
                content=case,
                from_journal=True,
            )


def _arm(entries: Mapping[int, Entry], repeat: int | None) -> Arm:
    shown = entries[repeat if repeat is not None and repeat in entries else min(entries)]
    return Arm(
        score=_mean(entries),
        scores=tuple(entries[one].score or 0.0 for one in sorted(entries)),
        text=shown.text,
        reasons=shown.reasons,
        passages=tuple(Retrieved(one.id, one.source, one.text, one.distance) for one in shown.retrieved),
        refused_by=shown.refused_by,
    )


def _mean(entries: Mapping[int, Entry]) -> float:
    return fmean(one.score for one in entries.values() if one.score is not None)


def _kept(flip: Flip, suites: Mapping[str, Suite], words: _Words) -> Flipped:
    """A flip of a verdict names no suite: it is of the first that has such a case in that category."""
    owners = [
        (name, case)
        for name, suite in suites.items()
        for case in suite.cases
        if case.id == flip.case and case.category == flip.category
    ]
    name, case = owners[0] if owners else ("", None)
    return Flipped(
        suite=name,
        case=flip.case,
        category=flip.category,
        tags=case.tags if case else (),
        word=next((word for (_, category), word in words.items() if category == flip.category), "so far"),
        question=flip.question,
        baseline=Arm(flip.before, (), flip.answer_before, ()),
        candidate=Arm(flip.after, (), flip.answer_after, (flip.reason,) if flip.reason else ()),
        content=case,
        from_journal=False,
    )
