"""CSV: one row for each category and one for each flipped case, told apart by the first column."""

from __future__ import annotations

from collections.abc import Iterator

from evals.reports.report import Answered, Category, FlippedCase, Report
from store.history.csv_text import csv_lines

HEAD = (
    "row", "candidate", "baseline", "suite", "category", "case", "outcome", "score_before", "score_after",
    "difference", "low", "high", "margin", "cases", "repeats", "reason", "question", "answer_before",
    "answer_after", "grades_before", "grades_after", "passages_before", "passages_after",
)  # fmt: skip


def render(report: Report) -> bytes:
    """`report` as CSV in UTF-8. A cell that a spreadsheet would take for a formula is defused."""
    lines = list(csv_lines(_rows(report))) or [",".join(HEAD)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _rows(report: Report) -> Iterator[dict[str, object]]:
    both: dict[str, object] = {
        "candidate": report.candidate.release,
        "baseline": report.baseline.release if report.baseline else None,
    }
    for category in report.categories:
        yield dict.fromkeys(HEAD) | both | _category(category)
    for flip in report.flips:
        yield dict.fromkeys(HEAD) | both | _flip(flip)


def _category(one: Category) -> dict[str, object]:
    return {
        "row": "category",
        "suite": one.suite,
        "category": one.name,
        "outcome": one.word,
        "score_before": one.baseline,
        "score_after": one.candidate,
        "difference": one.difference,
        "low": one.low,
        "high": one.high,
        "margin": one.margin,
        "cases": one.cases,
        "repeats": one.repeats,
        "reason": one.reason,
    }


def _flip(one: FlippedCase) -> dict[str, object]:
    return {
        "row": "flip",
        "suite": one.suite,
        "category": one.category,
        "case": one.case,
        "outcome": one.way,
        "score_before": one.before.score,
        "score_after": one.after.score,
        "difference": one.change,
        "question": one.question,
        "answer_before": one.before.text,
        "answer_after": one.after.text,
        "grades_before": "; ".join(one.before.reasons),
        "grades_after": "; ".join(one.after.reasons),
        "passages_before": _passages(one.before),
        "passages_after": _passages(one.after),
    }


def _passages(one: Answered) -> str:
    return " ".join(passage.id for passage in one.passages)
