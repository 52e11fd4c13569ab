"""The report on a run: from its verdict, and from its journal where this machine has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from console.operations.compose import same_release
from console.operations.evals.flips import Arm, Flipped, flips_of
from console.operations.evals.journals import answers_of
from console.operations.evals.results import CategoryResult, measured_of, results_of, suites_of
from console.operations.evals.shelf import Run, Shelf, look_of, run_of
from console.operations.evaluate import Task
from console.operations.shadow.access import rate_of
from evals.reports.files import write_reports
from evals.reports.report import (
    Answered,
    Category,
    Cost,
    FlippedCase,
    Noise,
    Passage,
    Report,
    Side,
    Word,
)
from evals.runner import ArmName
from evals.running.lines import Entry
from store.errors import InputError
from store.records.component import Kind
from store.records.release import Release
from store.records.verdict import Verdict
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

_ARMS: tuple[ArmName, ...] = ("candidate", "baseline")


def find_run(workspace: Workspace, release: str | None = None, key: str | None = None) -> Run:
    """The newest run, of `release` if given; or the one whose verdict's id or journal's name begins with
    `key`. Raises InputError when there is none, or several."""
    runs = Shelf(workspace).runs()
    found = [run for run in runs if release is None or run.release == release]
    if key is not None:
        found = [run for run in found if run.key.startswith(key)]
        if len({run.key for run in found}) > 1:
            raise InputError(f"{one_line(key, 70)} begins {len(found)} runs; give more of it.")
    if not found:
        named = f"run {one_line(key, 70)!r}" if key is not None else "run"
        of = f" of {one_line(release, 40)}" if release is not None else ""
        raise InputError(
            f"there is no {named}{of} in the store or on this machine; `lockgate eval` makes one."
        )
    return found[0]


def report_on(
    workspace: Workspace,
    snapshot: Snapshot,
    run: Run,
    candidate: Release | None = None,
    baseline: Release | None = None,
) -> Report:
    """The report on `run`. Its releases are those of the store, where others are not given."""
    verdict = run.verdict
    entries = list(answers_of(run.journal)) if run.journal is not None else []
    sides = [
        _side(one or snapshot.find_release(name), name)
        for one, name in ((candidate, run.release), (baseline, run.baseline))
        if name is not None
    ]
    return Report(
        word=_word(run),
        at=run.at,
        candidate=sides[0],
        baseline=sides[1] if len(sides) > 1 else None,
        tier=run.tier,
        reasons=verdict.reasons if verdict else (),
        categories=tuple(_category(one, verdict) for one in results_of(snapshot, run)),
        flips=tuple(_flip(one) for one in flips_of(snapshot, run)),
        cost=_cost(workspace, snapshot, run, entries, (candidate, baseline)),
        noise=tuple(_noise(snapshot, run, entries)),
        digests=tuple(_digests(verdict)) if verdict else (),
        verdict=verdict.id if verdict and run.state != "look" else None,
    )


def write_verdict(
    workspace: Workspace,
    verdict: Verdict,
    paths: Sequence[Path],
    *,
    kept_as: str | None = None,
    look: Task | None = None,
) -> None:
    """Writes the reports on `verdict`, which was kept under the id `kept_as`, or is what came of `look`.

    Raises InputError for a place that nothing can be written to, MachineryError when the disk fails.
    """
    snapshot = workspace.store.at()
    run = run_of(workspace, snapshot, verdict) if look is None else look_of(workspace, look, verdict)
    if kept_as is not None:
        verdict = verdict.model_copy(update={"id": kept_as})
    write_reports(report_on(workspace, snapshot, replace(run, verdict=verdict)), paths)


def write_candidate(workspace: Workspace, draft: Release, verdict: Verdict, paths: Sequence[Path]) -> None:
    """Writes the reports on `verdict`, which was given on `draft` before anybody knew whether it lands.

    Raises as `write_verdict` does.
    """
    snapshot = workspace.store.at()
    landed = same_release(snapshot, draft)
    run = run_of(workspace, snapshot, verdict)
    kept = (
        next((one for one in snapshot.verdicts(landed.id) if one.at == verdict.at), None) if landed else None
    )
    if landed is not None:
        run = replace(run, release=landed.id, verdict=kept or verdict)
    made = report_on(workspace, snapshot, run, landed or draft)
    write_reports(made if kept else replace(made, verdict=None), paths)


def _word(run: Run) -> Word:
    if run.state == "look":
        return "look"
    if run.state in ("stopped", "going on") or run.outcome is None:
        return "unfinished"
    return run.outcome


def _side(release: Release | None, name: str) -> Side:
    if release is None:
        return Side(name)
    pins = tuple((str(pin.component), pin.version) for pin in release.pins())
    return Side(release.id, release.digest, pins)


def _category(one: CategoryResult, verdict: Verdict | None) -> Category:
    key = (one.suite, one.name)
    judged = verdict.categories if verdict else ()
    needs = next((each.needs_repeats for each in judged if (each.suite, each.name) == key), None)
    return Category(
        suite=one.suite,
        name=one.name,
        word=one.word,
        candidate=one.candidate,
        baseline=one.baseline,
        difference=one.difference,
        low=one.low,
        high=one.high,
        margin=one.margin,
        cases=one.cases,
        repeats=one.repeats,
        reason=one.reason,
        needs_repeats=needs,
    )


def _flip(one: Flipped) -> FlippedCase:
    return FlippedCase(
        suite=one.suite,
        case=one.case,
        category=one.category,
        category_word=one.word,
        tags=one.tags,
        question=one.question,
        before=_answered(one.baseline),
        after=_answered(one.candidate),
    )


def _answered(arm: Arm) -> Answered:
    passages = tuple(Passage(one.id, one.source, one.text) for one in arm.passages)
    return Answered(arm.score, arm.scores, arm.text, arm.reasons, passages, arm.refused_by)


def _cost(
    workspace: Workspace,
    snapshot: Snapshot,
    run: Run,
    entries: Sequence[Entry],
    given: tuple[Release | None, Release | None],
) -> Cost:
    verdict = run.verdict
    if not entries:
        return Cost(
            cases=verdict.cases if verdict else 0,
            answers=verdict.answers if verdict else 0,
            errors=verdict.errors if verdict else 0,
            seconds=verdict.took_seconds if verdict else None,
        )
    asked = [one for one in entries if not one.cached]
    failed = sum(one.score is None for one in entries)
    counted = any(one.prompt_tokens or one.completion_tokens for one in entries)
    return Cost(
        cases=verdict.cases if verdict else len({(one.suite, one.case) for one in entries}),
        answers=verdict.answers if verdict else len(entries) - failed,
        errors=verdict.errors if verdict else failed,
        cached=len(entries) - len(asked),
        prompt_tokens=sum(one.prompt_tokens for one in asked) if counted else None,
        completion_tokens=sum(one.completion_tokens for one in asked) if counted else None,
        usd=_usd(workspace, snapshot, run, asked, given) if counted else None,
        seconds=verdict.took_seconds if verdict else None,
    )


def _usd(
    workspace: Workspace,
    snapshot: Snapshot,
    run: Run,
    asked: Sequence[Entry],
    given: tuple[Release | None, Release | None],
) -> float | None:
    """What `asked` cost; None where a price is not known."""
    total = 0.0
    for arm, release, name in zip(_ARMS, given, (run.release, run.baseline), strict=True):
        own = [one for one in asked if one.arm == arm]
        found = release or (snapshot.find_release(name) if name else None)
        if not own:
            continue
        pins = found.pins(Kind.MODEL) if found else ()
        try:
            rate = rate_of(workspace.settings, snapshot.model(pins[0])) if len(pins) == 1 else None
        except InputError:
            rate = None
        if rate is None:
            return None
        total += rate.usd(sum(one.prompt_tokens for one in own), sum(one.completion_tokens for one in own))
    return total


def _noise(snapshot: Snapshot, run: Run, entries: Iterable[Entry]) -> Iterator[Noise]:
    kept = list(entries)
    for name, suite in suites_of(snapshot, run.suites).items() if kept else ():
        measured = measured_of(name, suite, run, kept)
        for category in suite.categories(measured.tier):
            for arm in _ARMS:
                found = measured.noise(arm, category)
                if found is not None:
                    yield Noise(name, category, arm, found.repeats, found.spread, found.is_none)


def _digests(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield from verdict.suites.items()
    yield "graders", verdict.graders_digest
    if verdict.judge_digest is not None:
        yield "judge", verdict.judge_digest
    yield "policy", verdict.policy_digest
