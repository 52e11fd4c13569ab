"""The gate's verdict: one sentence, then categories as bars, then the cases that flipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.views.line import BLANK, HANG, Line, Part, Tone, line, muted
from console.views.marks import Mark, gate_mark
from console.views.progress import bar
from store.records.verdict import CategoryVerdict, Flip, Verdict
from store.text import one_line

BAR = 12
_FLIPS = 20


def verdict_sentence(verdict: Verdict) -> Line:
    """`✓ pass  r3 against r2 on 60 cases (smoke)`."""
    mark = gate_mark(verdict.outcome)
    against = f"against {verdict.baseline}" if verdict.baseline else "without a baseline"
    return line(
        Part(f"{mark.text}  ", mark.tone),
        f"{verdict.release} {against} on {verdict.cases:,} cases, {verdict.tier} tier",
        muted(f"  {verdict.answers:,} answers, {verdict.errors} errors, {verdict.took_seconds:.0f} s"),
    )


def verdict_lines(verdict: Verdict) -> tuple[Line, ...]:
    """The whole verdict."""
    return tuple(_lines(verdict))


def _lines(verdict: Verdict) -> Iterator[Line]:
    yield verdict_sentence(verdict)
    for category in verdict.categories:
        yield from category_lines(category)
    for reason in verdict.reasons:
        yield line(Part("· ", "warn"), HANG, reason)
    if verdict.flips:
        yield BLANK
        yield from flip_lines(verdict.flips)


def category_lines(one: CategoryVerdict) -> Iterator[Line]:
    """Candidate and baseline as bars, and why the category came out as it did."""
    mark = Mark("!", "too few cases", "warn") if one.only_informs else gate_mark(one.outcome)
    difference = "" if one.difference is None else f"{one.difference * 100:+.1f} pt"
    yield line(
        Part(f"{mark.symbol} {one.name:<12} ", mark.tone),
        Part(bar(one.candidate, BAR), "accent"),
        f" {one.candidate * 100:5.1f}  {difference:>9}",
        muted(f"  {one.cases} cases × {one.repeats}"),
    )
    if one.baseline is not None:
        yield line(
            muted(f"  {'baseline':<12} "), muted(bar(one.baseline, BAR)), muted(f" {one.baseline * 100:5.1f}")
        )
    if one.outcome != "pass" or one.only_informs:
        yield line("  ", HANG, Part(one.reason, "warn"))


def flip_lines(flips: Sequence[Flip]) -> Iterator[Line]:
    """Cases whose score changed, the worst first: question, both answers, reason."""
    worst = sorted(flips, key=lambda one: one.after - one.before)
    yield line(Part("cases that flipped", "strong"))
    for flip in worst[:_FLIPS]:
        tone: Tone = "removed" if flip.after < flip.before else "added"
        yield line(
            Part(f"{flip.before * 100:3.0f} → {flip.after * 100:3.0f}  ", tone),
            HANG,
            Part(one_line(flip.question or flip.case, 120), "strong"),
            muted(f"  {flip.category}"),
        )
        yield line(muted("    before  "), HANG, one_line(flip.answer_before, 200))
        yield line(muted("    after   "), HANG, one_line(flip.answer_after, 200))
        if flip.reason:
            yield line("    ", HANG, muted(one_line(flip.reason, 200)))
    if len(flips) > _FLIPS:
        yield line(muted(f"and {len(flips) - _FLIPS} more"))
