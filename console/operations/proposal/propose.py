"""Check a proposed change: every file of it, then its combination against what production serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from console.operations import check as checking
from console.operations.check import Checked
from console.operations.proposal.combination import (
    Combination,
    Nothing,
    combination,
    needed,
    new_versions,
    unbound,
)
from console.operations.run_options import USUAL, RunOptions
from store.errors import Blocked, Cancelled, Inconclusive, InputError, LockgateError, MachineryError
from store.progress import Report as Progress
from store.progress import Stop, never, silent
from store.records.component import Kind, Pin
from store.records.verdict import Verdict
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.reports.report import Report

Outcome = Literal["pass", "block", "inconclusive", "invalid", "error"]
THE_CHANGE = "this change"
"""What reports call the candidate, which has no number."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that has been read."""

    base: str
    """The commit that it is held against (40 hex)."""
    checked: Checked
    new: tuple[Pin, ...]
    """Versions that it adds."""
    warnings: tuple[str, ...]
    """What the lint and the coverage of suites say of them, and what is left out of the evals."""
    plan: Combination | Nothing


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of it."""

    proposal: Proposal
    verdict: Verdict | None = None
    report: Report | None = None
    trouble: LockgateError | None = None
    """What kept the evals from a verdict."""

    @property
    def outcome(self) -> Outcome:
        """In one word."""
        if self.proposal.checked.count:
            return "invalid"
        if self.trouble is not None:
            words: dict[int, Outcome] = {1: "block", 2: "invalid", 3: "inconclusive"}
            return words.get(self.trouble.exit_code, "error")
        return self.verdict.outcome if self.verdict else "pass"

    def demand(self) -> None:
        """Raises what the change ends with, unless it passed: InputError, Blocked, Inconclusive,
        MachineryError."""
        if self.proposal.checked.count:
            many = self.proposal.checked.count
            raise InputError(f"{many:,} thing{'s' * (many > 1)} in the change cannot land.")
        if self.trouble is not None:
            raise self.trouble
        if self.verdict is None or self.verdict.outcome == "pass":
            return
        kind = Blocked if self.verdict.outcome == "block" else Inconclusive
        said = "is blocked" if self.verdict.outcome == "block" else "is undecided"
        reasons = "; ".join(one.rstrip(".") for one in self.verdict.reasons)
        against = self.verdict.baseline or "nothing"
        raise kind(f"the change {said} against {against}: {reasons}.", self.verdict.reasons)


def read(workspace: Workspace, base: str, ref: str | None, *, report: Progress = silent) -> Proposal:
    """Reads the change from `base` to `ref`.

    Raises InputError for refs that are not there, or where `ref` does not stand on `base`.
    """
    store = workspace.store
    older, newer = checking.find(store, base), checking.find(store, ref)
    if not store.is_ancestor(str(older.id), str(newer.id)):
        name = one_line(base, 60)
        raise InputError(
            f"{name} ({str(older.id)[:10]}) went on without this change: merge it in (git merge {name}), so "
            "that what is checked is what would land."
        )
    checked = checking.check(store, str(newer.id), base=str(older.id), report=report)
    if checked.count:
        return Proposal(str(older.id), checked, (), (), Nothing("The files are not well."))
    before, after = store.at(str(older.id)), store.at(str(newer.id))
    pins = new_versions(before, after)
    plan = combination(workspace, before, after, pins)
    return Proposal(str(older.id), checked, pins, tuple(_warnings(after, pins, plan)), plan)


async def judge(
    workspace: Workspace,
    proposal: Proposal,
    *,
    options: RunOptions = USUAL,
    report: Progress = silent,
    stop: Stop = never,
) -> Outcomes:
    """Runs the evals of `proposal`, if it has any to run. What goes wrong is part of what is returned."""
    plan = proposal.plan
    if proposal.checked.count or isinstance(plan, Nothing):
        return Outcomes(proposal)
    from console.operations.evals.reporting import report_on
    from console.operations.evals.shelf import run_of
    from console.operations.evaluate import judged

    head = workspace.store.at(proposal.checked.commit)
    try:
        _require_bytes(workspace, head, plan)
        verdict = await judged(
            workspace,
            head,
            plan.candidate,
            plan.current,
            plan.tier,
            options=options,
            report=report,
            stop=stop,
        )
        run = run_of(workspace, head, verdict)
        made = report_on(workspace, head, run, plan.candidate, plan.current)
    except Cancelled:
        raise
    except LockgateError as error:
        return Outcomes(proposal, trouble=error)
    candidate = replace(made.candidate, release=THE_CHANGE)
    return Outcomes(proposal, verdict, replace(made, candidate=candidate, verdict=None))


def _warnings(head: Snapshot, pins: tuple[Pin, ...], plan: Combination | Nothing) -> Iterator[str]:
    from evals.suite import parse_suite
    from prompts.lint import lint
    from prompts.prompt import parse_prompt

    for pin in pins:
        if pin.component.kind is Kind.PROMPT:
            yield from (f"{pin}: {one.text}" for one in lint(parse_prompt(head.files(pin), pin.path)))
        if pin.component.kind is Kind.EVALS:
            yield from (f"{pin}: {one}" for one in parse_suite(head.files(pin), pin.path).coverage())
    if isinstance(plan, Combination):
        for change in plan.changes:
            if change.component.startswith(f"{Kind.EVALS}/"):
                yield f"{change.component} is new too: both sides are judged by the new one."
        for component in unbound(pins, plan.current):
            yield f"{component} is not part of {plan.current.id}, so the evals do not try it."


def _require_bytes(workspace: Workspace, head: Snapshot, plan: Combination) -> None:
    """Raises MachineryError where an index version has no bytes here: git holds their digests only."""
    from evals.suite import parse_suite
    from indexes.archive import has_archive
    from indexes.sealed import sealed_path

    suites = plan.candidate.pins(Kind.EVALS)
    if not any(parse_suite(head.files(pin), pin.path).info.target == "pipeline" for pin in suites):
        return
    home = workspace.indexes
    for pin in needed(plan.candidate, plan.current):
        name, digest = pin.component.name, head.index(pin).digest
        if not sealed_path(home, name, digest).is_dir() and not has_archive(home, name, digest):
            raise MachineryError(
                f"the bytes of {pin} are not here, and git holds only their digest: copy the folder indexes "
                "of a workspace, and name the copy with --indexes."
            )
