"""A verdict as text and as plain data."""

from __future__ import annotations

from typing import Any

from console.commands.output import aside, say
from console.operations.counted import counted
from store.records.verdict import CategoryVerdict, Verdict
from store.text import one_line

_WORD = {"pass": "✓ pass", "block": "✗ block", "inconclusive": "? inconclusive"}


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """Everything the verdict record holds."""
    return verdict.model_dump(mode="json")


def show_verdict(verdict: Verdict, *, beside: bool = False) -> None:
    """The verdict, its categories, its reasons and the cases that flipped; `beside` on standard error."""
    against = f"against {verdict.baseline}" if verdict.baseline else "without a baseline"
    lines = [
        f"{verdict.release} {against}, {verdict.tier} tier: {_WORD[verdict.outcome]} "
        f"({counted(verdict.cases, 'case')}, {counted(verdict.answers, 'answer')}, "
        f"{counted(verdict.errors, 'error')}, "
        f"{verdict.took_seconds:.0f} s)",
        *(f"  {_category(one)}" for one in verdict.categories),
        *(f"  {reason}" for reason in verdict.reasons),
    ]
    for flip in verdict.flips[:5]:
        arrow = f"{flip.before:.2f} → {flip.after:.2f}"
        lines.append(f"  {arrow}  {one_line(flip.question or flip.case, 70)}")
    (aside if beside else say)("\n".join(lines))


def _category(one: CategoryVerdict) -> str:
    base = f" (baseline {one.baseline * 100:5.1f})" if one.baseline is not None else ""
    score = f"{one.candidate * 100:5.1f}{base}"
    word = "! too few cases" if one.only_informs else _WORD[one.outcome]
    return f"{word:<15} {one.name:<14} {score}  {counted(one.cases, 'case')} × {one.repeats}"
