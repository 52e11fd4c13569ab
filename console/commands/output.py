"""Printing: what comes from outside is made safe, JSON stands alone, progress goes to standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.operations.apply import Applied, apply_again
from console.operations.plan import Check, Plan
from console.operations.rights import with_rights
from store.errors import InputError, LockgateError, MachineryError
from store.progress import Progress
from store.text import json_safe, one_line, safe_text
from store.workspace import Workspace

_MARK = {"ok": "✓", "warn": "!", "unmet": "✗", "undecided": "?"}


def say(text: str = "") -> None:
    """One safe line (or several) on standard output."""
    print(safe_text(text))


def print_line(text: str) -> None:
    """One line of a document on standard output; what still acts in it is escaped as in JSON."""
    print(json_safe(text))


def warn(text: str) -> None:
    """One safe line on standard error, of what went otherwise than planned."""
    print(f"lockgate: {safe_text(text)}", file=sys.stderr)


def aside(text: str) -> None:
    """One safe line on standard error, of what is about to be done."""
    print(safe_text(text), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """`value` as the one JSON document on standard output."""
    print(json_safe(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str)))


def print_json_line(value: Any) -> None:
    """`value` as one line of JSON, at once, for whoever reads along."""
    print(json_safe(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)), flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], limit: int = 60) -> None:
    """Aligned columns, one line a row; a cell is cut at `limit` characters, the last one never."""
    last = len(head) - 1
    lines = [tuple(head)] + [
        tuple(" ".join(safe_text(cell).split()) if n == last else one_line(cell, limit) for n, cell in each)
        for each in map(enumerate, rows)
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_rows(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    match: str,
    form: str,
    as_json: bool,
    empty: str = "",
) -> None:
    """A list in the form that was asked for; `match` keeps rows in which a cell holds it."""
    wanted = match.casefold()
    kept = [row for row in rows if not wanted or any(wanted in str(cell).casefold() for cell in row)]
    data = [dict(zip(head, row, strict=True)) for row in kept]
    if as_json:
        print_json(data)
    elif form == "table" and not kept:
        say("Nothing matches." if match else empty)
    elif form == "table":
        table(head, [tuple(map(str, row)) for row in kept])
    else:
        export(data, form)


def export(rows: Iterable[Mapping[str, object]], form: str) -> None:
    """`rows` as `jsonl` or `csv` on standard output, one line a row."""
    if form == "jsonl":
        for row in rows:
            print(json_safe(json.dumps(row, ensure_ascii=False, sort_keys=True)))
        return
    from store.history.csv_text import csv_lines

    for line in csv_lines(rows):
        say(line)


def progress(step: Progress) -> None:
    """A progress line on standard error: drawn over where it is a terminal, every tenth elsewhere."""
    if sys.stderr.isatty():
        count = f" {step.done}/{step.total}" if step.total else (f" {step.done}" if step.done else "")
        text = one_line(f"{step.stage}{count} {step.note}", 78)
        end = "\n" if step.total and step.done >= step.total else ""
        print(f"\r\x1b[2K{text}", end=end, file=sys.stderr, flush=True)
    elif step.total and step.done and _is_next_tenth(step, step.total):
        print(
            one_line(f"{step.stage} {step.done}/{step.total} {step.note}", 120), file=sys.stderr, flush=True
        )


_told: dict[str, int] = {}
"""By stage: the tenth that was told last."""


def _is_next_tenth(step: Progress, total: int) -> bool:
    tenth = step.done * 10 // total
    if step.done == total or tenth > _told.get(step.stage, 0) or tenth < _told.get(step.stage, 0):
        _told[step.stage] = tenth
        return True
    return False


def check_line(check: Check) -> str:
    """ "✓ gate: passed against r1 on 60 cases"."""
    return f"{_MARK[check.verdict]} {check.name}: {check.text}"


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """A plan as plain data."""
    return {
        "verb": plan.verb,
        "title": plan.title,
        "summary": plan.summary,
        "environment": plan.environment,
        "release": plan.release,
        "before": plan.before,
        "after": plan.after,
        "changes": [change.model_dump(mode="json") for change in plan.changes],
        "checks": [
            {"name": one.name, "verdict": one.verdict, "text": one.text, "overridable": one.overridable}
            for one in plan.checks
        ],
        "effects": list(plan.effects),
        "risk": plan.risk.name.lower(),
        "gate": plan.gate,
        "unmet": [one.text for one in plan.unmet],
        "command": plan.command,
    }


def show_plan(plan: Plan) -> None:
    """A plan as text."""
    say(plan.title)
    for change in plan.changes:
        what = f"  {change.what}" if change.what else ""
        say(f"  {change.component}  {change.before or '—'} → {change.after or '—'}{what}")
    for check in plan.checks:
        say(f"  {check_line(check)}")
    for effect in plan.effects:
        say(f"  · {effect}")


def carry_out(workspace: Workspace, plan: Plan, why: str, dry_run: bool, as_json: bool) -> int:
    """Shows `plan` (--dry-run) or applies it and prints its record; returns the exit code."""
    if dry_run:
        return show_dry_run(with_rights(workspace, plan), why, as_json)
    applied = apply_again(workspace, plan, why, report=progress)
    show_applied(applied, plan, as_json)
    unpublished = any(problem.startswith(f"{plan.environment} is not") for problem in applied.problems)
    return MachineryError.exit_code if unpublished else 0


def show_dry_run(plan: Plan, why: str, as_json: bool, more: Mapping[str, object] | None = None) -> int:
    """Shows `plan` with a note that it lacks, and `more` in its JSON; returns what it would end with."""
    lacks_note = plan.note_required and not why.strip()
    if lacks_note:
        note = Check("note", "unmet", f"{plan.environment or 'this'} wants a note: say why with -m.")
        shown = dataclasses.replace(plan, checks=(*plan.checks, note))
    else:
        shown = plan
    if as_json:
        print_json({"dry_run": True, **plan_as_json(shown), **(more or {})})
    else:
        show_plan(shown)
        say("Dry run: nothing was changed.")
    try:
        plan.demand()
    except LockgateError as error:
        return error.exit_code
    return InputError.exit_code if lacks_note else 0


def show_applied(applied: Applied, plan: Plan, as_json: bool) -> None:
    """The record of what was done, and what this machine could not follow up."""
    record = applied.record
    for problem in applied.problems:
        warn(problem)
    if as_json:
        print_json(
            {**record.model_dump(mode="json"), "commit": applied.commit, "problems": list(applied.problems)}
        )
        return
    say(record.summary)
    for check in plan.checks:
        if check.verdict == "warn":
            say(f"  {check_line(check)}")
    say(f"  record {record.id}, commit {applied.commit[:10]}")
