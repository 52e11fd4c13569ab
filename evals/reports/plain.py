"""A report as plain data, for the formats that programs read. The names are part of the format."""

from __future__ import annotations

from typing import Any

from evals.reports.report import Answered, Category, FlippedCase, Report, Side

FORMAT = "lockgate.report/1"


def head(report: Report) -> dict[str, Any]:
    """All but the categories, the flips and the noise."""
    return {
        "format": FORMAT,
        "outcome": report.word,
        "at": report.at.isoformat(),
        "tier": report.tier,
        "verdict": report.verdict,
        "candidate": _side(report.candidate),
        "baseline": _side(report.baseline) if report.baseline else None,
        "digests": dict(report.digests),
        "reasons": list(report.reasons),
        "cost": {name: getattr(report.cost, name) for name in report.cost.__slots__},
        "more_flips": report.more_flips,
    }


def category(one: Category) -> dict[str, Any]:
    """One category."""
    return {name: getattr(one, name) for name in one.__slots__}


def flip(one: FlippedCase) -> dict[str, Any]:
    """One flipped case with both answers."""
    return {
        "suite": one.suite,
        "case": one.case,
        "category": one.category,
        "category_word": one.category_word,
        "way": one.way,
        "tags": list(one.tags),
        "question": one.question,
        "before": _answered(one.before),
        "after": _answered(one.after),
    }


def noise(report: Report) -> list[dict[str, Any]]:
    """What the repeats showed."""
    return [{name: getattr(one, name) for name in one.__slots__} for one in report.noise]


def _side(side: Side) -> dict[str, Any]:
    return {"release": side.release, "digest": side.digest, "components": dict(side.components)}


def _answered(one: Answered) -> dict[str, Any]:
    return {
        "score": one.score,
        "scores": list(one.scores),
        "answer": one.text,
        "refused_by": one.refused_by,
        "reasons": list(one.reasons),
        "passages": [{"id": p.id, "source": p.source, "text": p.text} for p in one.passages],
    }
