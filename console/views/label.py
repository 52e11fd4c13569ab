"""Labelling: one answer with its rubric, and how far the judge is from counting. All foreign text."""

from __future__ import annotations

from collections.abc import Iterator

from console.operations.evals.labelling import Desk, Tally
from console.operations.evals.to_label import ToLabel
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.words import counted
from evals.graders.judge import Judged
from evals.judge.agreement import KAPPA, LABELLED_CASES
from evals.judge.scale import HIGHEST, LOWEST, in_words
from store.text import one_line

_LONG = 20_000
_KINDS = {"verdict": "yes or no", "score": "1 to 5"}


def standing_lines(desk: Desk) -> tuple[Line, ...]:
    """What is missing until the judge may block, κ, and what waits to be landed."""
    return tuple(_standing(desk))


def item_lines(one: ToLabel, desk: Desk, number: int) -> tuple[Line, ...]:
    """What the judge was shown: rubric, question, reference, passages, answer. Never what it said, nor
    whose answer it is."""
    return tuple(_item(one, desk, number))


def said_line(one: ToLabel, label: bool | int) -> Line:
    """What was just said, and only now what the judge had said."""
    spec, mine = one.spec, int(label)
    told = f"{one_line(one.case.id, 40)}: you said {in_words(mine, spec.scale)}"
    if one.mark is None:
        return line(told, muted("; what the judge says is not known here"))
    same = spec.settled(mine) == spec.settled(one.mark)
    mark = Part("= ", "good") if same else Part("≠ ", "warn")
    return line(mark, told, f", the judge {'too' if same and mine == one.mark else _judge(one)}")


def empty_lines(desk: Desk) -> tuple[Line, ...]:
    """Why there is nothing to label, and what to do."""
    if not desk.kinds:
        return (line(f"No case of {desk.pin} is graded by a judge."),)
    return (
        line("No answers to label are on this machine."),
        line("Run the evals first: ", Part("e", "key"), muted(" on the Evals screen.")),
    )


def wanted_keys(spec: Judged | None) -> str:
    """The keys that label here: `y n` or `1 – 5`."""
    return f"{LOWEST} – {HIGHEST}" if spec is not None and spec.scale != "boolean" else "y n"


def _judge(one: ToLabel) -> str:
    return "" if one.mark is None else f"said {in_words(one.mark, one.spec.scale)}"


def _standing(desk: Desk) -> Iterator[Line]:
    waits = f"   {counted(len(desk.waiting), 'label')} not landed" if desk.waiting else ""
    judge = f"   judge {desk.judge}" if desk.judge else ""
    yield line(Part(str(desk.pin), "strong"), muted(judge), Part(waits, "accent"))
    for tally in desk.tallies():
        yield from _tally_lines(tally)
    if desk.outdated:
        told = f"{counted(desk.outdated, 'label')} of cases or rubrics that changed since count no more"
        yield line(Part("! ", "warn"), told)


def _tally_lines(tally: Tally) -> Iterator[Line]:
    kind = muted(f"{_KINDS[tally.yields]}  ")
    if tally.missing:
        told = f"○ {tally.missing} of {LABELLED_CASES} cases still to be labelled before it may block"
        yield line(kind, HANG, Part(told, "warn"))
    else:
        yield line(kind, HANG, Part(f"● {counted(tally.cases, 'case')} labelled, enough to block", "good"))
    yield line(kind, HANG, *_kappa(tally))


def _kappa(tally: Tally) -> tuple[Part, ...]:
    on = muted(f" on {counted(tally.compared, 'answer')} that the judge graded too")
    if tally.kappa is None:
        return (Part("κ not known yet"), on)
    if tally.kappa >= KAPPA:
        return (Part(f"κ {tally.kappa:.2f}, enough", "good"), on)
    return (Part(f"κ {tally.kappa:.2f}, not enough ({KAPPA:g})", "warn"), on)


def _item(one: ToLabel, desk: Desk, number: int) -> Iterator[Line]:
    mine = desk.mine(one)
    said = "" if mine is None else f"   you said {in_words(int(mine), one.spec.scale)}"
    place = f"   answer {number:,} of {len(desk.queue):,}"
    yield line(Part(one_line(one.case.id, 60), "strong"), muted(place), Part(said, "accent"))
    yield BLANK
    yield line(muted("rubric    "), HANG, Part(one.spec.rubric, "accent"))
    yield line(muted("question  "), HANG, one.case.question[:_LONG])
    if one.case.reference is not None:
        yield line(muted("reference "), HANG, one.case.reference[:_LONG])
    for count, passage in enumerate(one.passages, 1):
        yield line(muted(f"passage {count} "), HANG, muted(passage))
    yield BLANK
    yield line(muted("answer    "), HANG, one.answer or muted("an empty answer"))
