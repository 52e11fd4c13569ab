"""What came of a proposed change, as Markdown for its discussion, as JUnit, and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.operations.counted import counted
from console.operations.proposal.combination import Combination
from console.operations.proposal.propose import Outcomes
from evals.reports import junit, markdown
from evals.reports.bounds import bounded, cut, left_out
from evals.reports.markdown_text import block, code
from store.records.operation import Change
from store.text import one_line

_WORDS = {
    "pass": "passed",
    "block": "blocked",
    "inconclusive": "inconclusive",
    "invalid": "not well",
    "error": "could not be evaluated",
}
_FINDINGS = 50
_CHANGES = 50


def as_markdown(done: Outcomes) -> bytes:
    """At most about 60,000 characters, in UTF-8."""
    parts = [f"## Lockgate: {_WORDS[done.outcome]}", *_read(done), *_evaluated(done)]
    size = sum(map(len, parts))
    if done.report is not None:
        report = bounded(done.report)
        parts += [f"### {markdown.title(report)}", markdown.body(report, markdown.LIMIT - size)]
    return ("\n\n".join(parts).rstrip("\n") + "\n").encode()


def as_junit(done: Outcomes) -> bytes:
    """One suite for the files of the store, one for the evals."""
    found = done.proposal.checked.findings
    files = [junit.Test("store", cut(one, 100), "failure", "invalid", one, one) for one in found[:_FINDINGS]]
    if not files:
        files.append(junit.Test("store", "every file reads well", detail="\n".join(done.proposal.warnings)))
    suites = [junit.Tests("store", tuple(files))]
    if done.report is not None:
        suites.append(junit.tests_of(bounded(done.report)))
    elif done.trouble is not None:
        kind = done.outcome
        text = done.trouble.message
        suites.append(junit.Tests("evals", (junit.Test("evals", "verdict", "error", kind, text, text),)))
    return junit.document(suites)


def as_data(done: Outcomes) -> dict[str, Any]:
    """For --json."""
    proposal, plan = done.proposal, done.proposal.plan
    data: dict[str, Any] = {
        "ok": done.outcome == "pass",
        "outcome": done.outcome,
        "base": proposal.base,
        "commit": proposal.checked.commit,
        "files": proposal.checked.files,
        "count": proposal.checked.count,
        "findings": list(proposal.checked.findings),
        "known": proposal.checked.known,
        "warnings": list(proposal.warnings),
        "new": [str(pin) for pin in proposal.new],
        "current": None,
        "changes": [],
        "tier": None,
        "not_evaluated": None if done.verdict else done.trouble.message if done.trouble else _idle(done),
        "verdict": None,
    }
    if isinstance(plan, Combination):
        data |= {
            "current": plan.current.id,
            "tier": plan.tier,
            "changes": [one.model_dump(mode="json") for one in plan.changes],
        }
    if done.verdict is not None:
        data["verdict"] = {
            **done.verdict.model_dump(mode="json", exclude={"id", "release"}),
            "took_seconds": round(done.verdict.took_seconds, 3),
        }
    return data


def _read(done: Outcomes) -> Iterator[str]:
    checked = done.proposal.checked
    if checked.count:
        told = [one_line(one, 400) for one in checked.findings[:_FINDINGS]]
        if checked.count > len(told):
            told.append(left_out(checked.count - len(told), "thing"))
        yield f"{counted(checked.count, 'thing')} cannot land:"
        yield block("\n".join(told))
        return
    yield f"Every file reads well: {counted(checked.files, 'file')} at {code(checked.commit[:10])}."
    if checked.known:
        yield f"{counted(checked.known, 'thing')} on the base already needed mending before."
    if done.proposal.warnings:
        yield block("\n".join(one_line(one, 300) for one in done.proposal.warnings[:_FINDINGS]))


def _evaluated(done: Outcomes) -> Iterator[str]:
    plan = done.proposal.plan
    if isinstance(plan, Combination):
        lines = [_change(one) for one in plan.changes[:_CHANGES]]
        yield f"Against {code(plan.current.id)}, which {code(plan.environment)} serves:"
        yield "\n".join(lines)
    if done.trouble is not None:
        yield block(done.trouble.message)
    elif done.verdict is None and not done.proposal.checked.count:
        yield f"No evals were run. {_idle(done)}"


def _idle(done: Outcomes) -> str | None:
    plan = done.proposal.plan
    return "It was asked to leave them out." if isinstance(plan, Combination) else plan.why


def _change(one: Change) -> str:
    what = f": {code(one.what, 200)}" if one.what else ""
    return f"- {code(one.component)} {code(one.before or '—')} → {code(one.after or '—')}{what}"
