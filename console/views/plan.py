"""A plan in lines, and what a person still has to type before it may go ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from console.operations.plan import Check, Plan
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.marks import CHECK
from store.records.operation import Change
from store.text import one_line

_WHAT, _SENTENCE, _SUMMARY = 120, 500, 500
"""Characters that are shown: no text that somebody wrote pushes a condition out of sight."""


def plan_lines(plan: Plan) -> tuple[Line, ...]:
    """Changes, conditions (what is not met first), effects, the shell command."""
    return tuple(_lines(plan))


def _lines(plan: Plan) -> Iterator[Line]:
    if plan.changes:
        for change in plan.changes:
            yield change_line(change)
        yield BLANK
    elif plan.summary != plan.title:
        yield line(one_line(plan.summary, _SUMMARY))
        yield BLANK
    order = ("unmet", "undecided", "warn", "ok")
    for check in sorted(plan.checks, key=lambda one: order.index(one.verdict)):
        yield check_line(check)
    if plan.effects:
        yield BLANK
        for effect in plan.effects:
            yield line(muted("· "), HANG, one_line(effect, _SENTENCE))
    if plan.command:
        yield BLANK
        yield line(muted("in the shell: "), HANG, muted(one_line(plan.command, _SENTENCE)))


def change_line(change: Change) -> Line:
    """`prompt/support  v1 → v2  what changed`."""
    return line(
        Part(f"{change.component:<20} ", "strong"),
        f"{change.before or 'none'} → {change.after or 'none'}  ",
        HANG,
        muted(one_line(change.what, _WHAT)),
    )


def check_line(check: Check) -> Line:
    """`✓ ok  gate: passed …`."""
    mark = CHECK[check.verdict]
    text = one_line(check.text, _SENTENCE)
    return line(Part(f"{mark.text:<11} ", mark.tone), HANG, Part(f"{check.name}: ", "muted"), text)


def can_break(plan: Plan) -> bool:
    """True when only broken glass would be enough."""
    return (
        bool(plan.unmet)
        and not can_override(plan)
        and all(check.overridable or check.breakable for check in plan.unmet)
    )


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands between a plan and going ahead."""

    text: str
    field: Literal["why", "confirm"] | None
    """Where it is typed; None where nothing that is typed helps."""


def missing(plan: Plan, why: str, confirm: str) -> Missing | None:
    """The first thing that is still missing, or None when the plan may go ahead."""
    if plan.unmet:
        return Missing("This cannot go ahead: a condition is not met. Esc goes back.", None)
    if plan.note_required and not why.strip():
        return Missing(f"{plan.environment or 'This'} wants a note: say why.", "why")
    if plan.confirm is not None and confirm.strip() != plan.confirm:
        return Missing(f"Type {plan.confirm} to go ahead.", "confirm")
    return None


def can_override(plan: Plan) -> bool:
    """True when a reason would be enough: something is not met, and all of that may be overridden."""
    return bool(plan.unmet) and all(check.overridable for check in plan.unmet)
