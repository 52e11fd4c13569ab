"""Evals: the list of runs, and for one of them every category as bars and as an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.cells import set_cell_size

from console.operations.evals.results import CategoryResult
from console.operations.evals.shelf import Run
from console.views.ages import stamp
from console.views.forest import LEGEND, Scale, Tree, axis_line, scale_of, tree_line
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.marks import Mark, gate_mark
from console.views.progress import bar, progress_lines
from console.views.stage import CategoryProgress
from console.views.table import Column, Row, Table
from console.views.verdict import verdict_sentence
from console.views.words import counted
from console.views.world import World
from store.progress import Progress
from store.records.component import Component
from store.records.verdict import Verdict
from store.text import one_line

RUNNING = "running"
"""The key of the row of what this console runs now."""
NO_BASELINE = "-"
"""Stands for comparing with nothing; no release is called so."""
_COLUMNS = (
    Column("when", width=12),
    Column("release", most=9),
    Column("against", most=13),
    Column("verdict", width=14),
    Column("kept", most=20, drop=1),
    Column("tier", most=8, drop=2),
    Column("why", grow=1, least=10, drop=3),
)
WORDS = {
    "pass": gate_mark("pass"),
    "block": gate_mark("block"),
    "inconclusive": gate_mark("inconclusive"),
    "only warns": Mark("~", "only warns", "warn"),
    "too few": Mark("!", "too few", "warn"),
    "so far": Mark("·", "so far", "muted"),
}
"""By the word of a category."""
STATES = {
    "evidence": Mark("●", "evidence", "good"),
    "not kept": Mark("○", "not kept", "plain"),
    "look": Mark("·", "some cases", "muted"),
    "stopped": Mark("‖", "stopped", "warn"),
    "going on": Mark("▶", "going on", "accent"),
}
"""By the state of a run."""
_WAYS = {
    "stopped": "r goes on with it",
    "going on": "written to just now; r goes on, unless somebody does",
}
"""What can be done about a run without a verdict."""
_NAME, _BAR = 14, 10
_WIDE = 110


def runs_table(runs: Sequence[Run], now: datetime, running: Row | None = None) -> Table:
    """Every run, newest first; what this console runs now stands above."""
    rows = (*((running,) if running else ()), *(_run_row(run, now) for run in runs))
    empty = line("no evals have run yet: ", Part("e", "key"), " runs those of a release")
    return Table(_COLUMNS, rows, empty)


def running_row(release: str, baseline: str | None, tier: str, step: Progress) -> Row:
    """The row of what this console runs now."""
    share = f"{100 * step.done / step.total:.0f} %" if step.total else "…"
    cells = ("now", release, baseline or "no baseline")
    return Row(
        RUNNING,
        (
            *(line(one) for one in cells),
            line(Part(f"▶ {share}", "accent")),
            line(muted("x stops it")),
            line(muted(tier)),
            line(muted(one_line(step.note, 100))),
        ),
    )


def live_lines(
    categories: Sequence[CategoryProgress], step: Progress, elapsed: float, width: int
) -> tuple[Line, ...]:
    """A run that is under way: candidate against baseline for each category, as answers come."""
    lines: list[Line] = [*progress_lines(step, elapsed), BLANK]
    for one in categories:
        both = one.candidate is not None and one.baseline is not None
        moved = 100 * ((one.candidate or 0) - (one.baseline or 0))
        head = Part(f"  {_fit(one.name, _NAME)} ", "strong")
        told = f"{moved:+6.1f}" if both else "      "
        lines.append(line(head, *_bars(one.candidate, one.baseline, width), f" {told}"))
        lines.append(line(muted(f"    {one.done:,} of {one.total:,} answers")))
    if categories:
        lines += [BLANK, line(muted("intervals and verdict come when every case has its answers"))]
    return tuple(lines)


def run_lines(run: Run, results: Sequence[CategoryResult], width: int) -> tuple[Line, ...]:
    """One run: the sentence, bars, the forest of differences, and what stands in the way."""
    return tuple(_lines(run, results, width))


def _run_row(run: Run, now: datetime) -> Row:
    mark = gate_mark(run.outcome) if run.outcome else Mark("–", "none", "muted")
    state = STATES[run.state]
    why = run.verdict.reasons[0] if run.verdict is not None and run.verdict.reasons else ""
    return Row(
        run.key,
        (
            line(muted(stamp(now, run.at))),
            line(Part(run.release, "strong")),
            line(run.baseline or muted("no baseline")),
            mark.line(),
            state.line(),
            line(muted(run.tier)),
            line(muted(one_line(why, 200))),
        ),
    )


def _lines(run: Run, results: Sequence[CategoryResult], width: int) -> Iterator[Line]:
    yield _sentence(run)
    if not results:
        yield line(muted("nothing is known of its categories on this machine any more"))
        return
    yield BLANK
    heads = f"  {'category':<{_NAME}} {'':<15}{'candidate':<{_bar(width) + 7}}{'baseline':<{_bar(width) + 7}}"
    yield line(muted(heads + "    D"))
    for one in results:
        yield _bar_line(one, width)
    trees = [_tree(one) for one in results]
    if any(tree.difference is not None for tree in trees):
        yield BLANK
        yield from _forest(results, trees, scale_of(trees), width)
    yield from _reasons(run.verdict, results)


def _sentence(run: Run) -> Line:
    if run.verdict is not None:
        return verdict_sentence(run.verdict)
    against = f"against {run.baseline}" if run.baseline else "without a baseline"
    state = STATES[run.state]
    told = f"{run.release} {against}, {run.tier} tier"
    way = {
        "stopped": "r goes on with it",
        "going on": "written to just now; r goes on with it, unless somebody does",
    }.get(run.state, "")
    return line(Part(f"{state.text}  ", state.tone), told, muted(f"  {way}"))


def _bar_line(one: CategoryResult, width: int) -> Line:
    mark = WORDS[one.word]
    difference = "     –" if one.difference is None else f"{one.difference * 100:+6.1f}"
    cases = (muted(f"  {counted(one.cases, 'case')} × {one.repeats}"),) if width >= _WIDE else ()
    return line(
        Part(f"{mark.symbol} ", mark.tone),
        Part(f"{_fit(one.name, _NAME)} ", "strong"),
        Part(f"{mark.word:<14} ", mark.tone),
        *_bars(one.candidate, one.baseline, width),
        f" {difference}",
        *cases,
    )


def _bars(candidate: float | None, baseline: float | None, width: int) -> tuple[Part, ...]:
    cells = _bar(width)
    return (*_score(candidate, cells, "█"), *_score(baseline, cells, "▒"))


def _score(mean: float | None, cells: int, full: str) -> tuple[Part, ...]:
    """A bar and its number: the arms differ by their shade of characters too."""
    if mean is None:
        return (muted("·" * cells + "     – "),)
    drawn = bar(mean, cells).replace("█", full)
    tone = Part(drawn, "accent") if full == "█" else muted(drawn)
    return (tone, Part(f" {mean * 100:5.1f} "))


def _bar(width: int) -> int:
    """Cells of a bar on a screen of `width`."""
    return _BAR if width < _WIDE else 2 * _BAR


def _tree(one: CategoryResult) -> Tree:
    return Tree(one.difference, one.low, one.high, one.margin, WORDS[one.word].tone)


def _forest(
    results: Sequence[CategoryResult], trees: Sequence[Tree], scale: Scale, width: int
) -> Iterator[Line]:
    cells = max(24, min(80, width - _NAME - 28))
    yield line(muted(f"  {'':<{_NAME}} "), *axis_line(scale, cells))
    for one, tree in zip(results, trees, strict=True):
        mark = WORDS[one.word]
        known = one.low is not None and one.high is not None
        told = f" {one.low * 100:+.1f} … {one.high * 100:+.1f}" if known else " no interval yet"  # type: ignore[operator]
        head = (Part(f"{mark.symbol} ", mark.tone), f"{_fit(one.name, _NAME)} ")
        yield line(*head, *tree_line(tree, scale, cells), muted(told))
    yield line(muted(f"  {LEGEND}"))


def _reasons(verdict: Verdict | None, results: Sequence[CategoryResult]) -> Iterator[Line]:
    """Why it is not a pass, and what every category that is no plain pass says."""
    told: set[str] = set()
    for reason in verdict.reasons if verdict is not None else ():
        if not told:
            yield BLANK
        told.add(reason.rstrip("."))
        yield line(Part("· ", "warn"), HANG, reason)
    aside = [one for one in results if one.word not in ("pass", "so far")]
    if any(one.reason.rstrip(".") not in told for one in aside):
        yield BLANK
    for one in aside:
        if one.reason.rstrip(".") not in told:
            mark = WORDS[one.word]
            yield line(Part(f"{mark.symbol} ", mark.tone), HANG, muted(one.reason))


def _fit(name: str, width: int) -> str:
    """`name` in exactly `width` cells."""
    return set_cell_size(one_line(name, width), width)


def against_choices(world: World, release: str) -> Table:
    """What `release` can be compared with: what environments serve first, then the rest, then nothing."""
    snapshot = world.snapshot
    serving: dict[str, list[str]] = {}
    for one in snapshot.environments():
        if one.stable and one.stable != release:
            serving.setdefault(one.stable, []).append(one.name)
    others = [id for id in reversed(snapshot.release_ids()) if id != release and id not in serving]
    rows = [
        *(Row(id, (line(Part(id, "strong")), line(", ".join(names)))) for id, names in serving.items()),
        *(Row(id, (line(Part(id, "strong")), line(muted("–")))) for id in others),
        Row(NO_BASELINE, (line(muted("no baseline")), line(muted("floors and must_pass cases only")))),
    ]
    return Table((Column("", most=12), Column("", grow=1, least=10)), tuple(rows))


def suite_choices(suites: Sequence[Component]) -> Table:
    """Eval suites to choose from; the key of a row is `evals/name`."""
    rows = tuple(Row(str(one), (line(Part(str(one), "strong")),)) for one in suites)
    return Table((Column("", grow=1),), rows)
