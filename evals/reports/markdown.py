"""Markdown for a pull request: the verdict, a table of the categories, and what flipped."""

from __future__ import annotations

from collections.abc import Iterator

from evals.reports import words
from evals.reports.bounds import cut, left_out
from evals.reports.markdown_text import block, cell, code, summary
from evals.reports.report import Answered, Category, FlippedCase, Report, Side
from store.text import one_line

LIMIT = 60_000
"""Characters: a comment on GitHub takes 65,536."""
_ROWS = 100
_REASONS = 30
_ANSWER = 1_500
_PASSAGES = 5
_PASSAGE = 200
_MARKS = {"pass": "✓", "block": "✗", "inconclusive": "?", "only warns": "!", "too few": "!", "so far": "·"}


def render(report: Report) -> bytes:
    """`report` as Markdown in UTF-8."""
    return f"## {title(report)}\n\n{body(report)}".encode()


def title(report: Report) -> str:
    """The heading's text: "Blocked: `r2` against `r1`, full tier"."""
    against = f"against {code(report.baseline.release)}" if report.baseline else "without a baseline"
    return f"{words.outcome(report)}: {code(report.candidate.release)} {against}, {code(report.tier)} tier"


def body(report: Report, limit: int = LIMIT) -> str:
    """All below the heading, of at most about `limit` characters: what does not fit is counted."""
    before, after = [*_reasons(report), *_categories(report)], _closing(report)
    size = sum(map(len, before)) + len(after)
    flips: list[str] = []
    for flip in report.flips:
        told = _flip(flip)
        size += len(told) + 2
        if size > limit:
            break
        flips.append(told)
    more = len(report.flips) - len(flips) + report.more_flips
    if report.flips or more:
        worse = len(report.worse)
        counts = f"{worse:,} worse, {len(report.flips) - worse:,} better"
        flips = [f"### Flipped cases: {counts}", *flips]
    if more:
        flips.append(f"{left_out(more, 'flipped case')}: the JSON report has what does not fit here.")
    return "\n\n".join([*before, *flips, after]) + "\n"


def _reasons(report: Report) -> Iterator[str]:
    if report.reasons:
        told = [one_line(one, 500) for one in report.reasons[:_REASONS]]
        if len(report.reasons) > _REASONS:
            told.append(left_out(len(report.reasons) - _REASONS, "reason"))
        yield block("\n".join(told))


def _categories(report: Report) -> Iterator[str]:
    if not report.categories:
        return
    lines = [
        "| | category | suite | baseline | candidate | D with interval, points | margin | cases × repeats |",
        "|---|---|---|---:|---:|---:|---:|---:|",
        *(_row(one) for one in report.categories[:_ROWS]),
    ]
    yield "\n".join(lines)
    if len(report.categories) > _ROWS:
        yield left_out(len(report.categories) - _ROWS, "row")


def _row(one: Category) -> str:
    cells = (
        f"{_MARKS[one.word]} {one.word}",
        cell(one.name),
        cell(one.suite),
        words.points(one.baseline),
        words.points(one.candidate),
        words.interval(one),
        words.points(-one.margin),
        f"{one.cases} × {one.repeats}",
    )
    return f"| {' | '.join(cells)} |"


def _flip(one: FlippedCase) -> str:
    scores = f"{one.before.score:.2f} → {one.after.score:.2f}"
    parts = [
        f"<details>\n<summary>{summary(one.case)} {one.way}, {scores}, {summary(one.category)}</summary>",
        block(cut(one.question, _ANSWER)),
        *_answer("Baseline", one.before),
        *_answer("Candidate", one.after),
        "</details>",
    ]
    return "\n\n".join(parts)


def _answer(name: str, one: Answered) -> Iterator[str]:
    refused = f", refused by {code(one.refused_by)}" if one.refused_by else ""
    yield f"**{name}**, score {words.scores(one)}{refused}:"
    yield block(cut(one.text, _ANSWER))
    if one.reasons:
        yield "Grades:"
        yield block("\n".join(cut(" ".join(reason.split()), 300) for reason in one.reasons[:20]))
    if one.passages:
        yield "Passages:"
        shown = one.passages[:_PASSAGES]
        lines = [f"{passage.id}: {cut(' '.join(passage.text.split()), _PASSAGE)}" for passage in shown]
        if len(one.passages) > _PASSAGES:
            lines.append(left_out(len(one.passages) - _PASSAGES, "passage"))
        yield block("\n".join(lines))


def _closing(report: Report) -> str:
    lines = [f"- {words.cost(report.cost)}"]
    if report.noise:
        worst = max(report.noise, key=lambda one: (not one.steady, one.spread))
        lines.append(f"- Noise: {words.noise(worst)}, at the most ({code(worst.category)})")
    lines.append(_side("Candidate", report.candidate))
    if report.baseline:
        lines.append(_side("Baseline", report.baseline))
    if report.verdict:
        lines.append(f"- Verdict {code(report.verdict)}, {report.at:%Y-%m-%d %H:%M} UTC")
    return "\n".join(lines)


def _side(name: str, side: Side) -> str:
    bound = f": {code(words.bindings(side), 1_000)}" if side.components else ""
    digest = f", {code(side.digest[:19])}" if side.digest else ""
    return f"- {name} {code(side.release)}{digest}{bound}"
