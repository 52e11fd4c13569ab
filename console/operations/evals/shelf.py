"""Runs of evals, from the store's verdicts and this machine's journals: one list, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from console.operations.evals.journals import Journaled, journals
from console.operations.evaluate import Task
from store.errors import LockgateError
from store.records.component import Kind
from store.records.policy import TIERS, Tier
from store.records.verdict import Outcome, Verdict
from store.snapshot import Snapshot
from store.workspace import Workspace

MOST = 60
"""Verdicts that are listed."""
RunState = Literal["evidence", "not kept", "look", "stopped", "going on"]
"""A verdict in the store; one that nobody kept; some cases only; without its end; written to now."""
_LOOK = "look"


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as far as it came."""

    key: str
    """The verdict's id, or the journal's name."""
    at: datetime
    release: str
    baseline: str | None
    tier: str
    suites: tuple[str, ...]
    """`evals/name@vN`."""
    state: RunState
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    journal: Path | None = None
    """Where every answer is, if this machine has it still."""

    @property
    def cases_of(self) -> Tier:
        """The tier whose cases were run; all of them where it is called like none."""
        return next((one for one in TIERS if one == self.tier), "extended")


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that this console began and that was stopped or failed: nobody writes to it after `at`."""

    task: Task
    at: datetime

    def is_of(self, file: Journaled) -> bool:
        """Whether `file` is that run's journal, and nobody has gone on with it since."""
        start, task = file.start, self.task
        same = (start.release, start.baseline, start.tier) == (task.release.id, task.baseline_id, task.tier)
        return same and file.last_at <= self.at


class Shelf:
    """The runs of one workspace. Verdicts never change, so each is read once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, Verdict] = {}

    def runs(self, own: Sequence[Verdict] = (), ended: Sequence[Ended] = ()) -> tuple[Run, ...]:
        """Every run, newest first; `own` are verdicts that this console made and nobody has kept yet, `ended`
        its runs that came to no verdict."""
        snapshot = self._workspace.store.at()
        kept = tuple(self._verdicts(snapshot))
        ids = {(one.at, one.release_digest) for one in kept}
        fresh = tuple(one for one in own if (one.at, one.release_digest) not in ids)
        found = journals(self._workspace)
        files = {_key(one): one for one in reversed(found) if one.end is not None}
        runs = [_of(snapshot, one, "evidence", files.pop(_verdict_key(one), None)) for one in kept]
        runs += [_of(snapshot, one, "not kept", files.pop(_verdict_key(one), None)) for one in fresh]
        now = self._workspace.clock.now()
        taken = {run.journal for run in runs}
        left = [one for one in found if one.path not in taken]
        runs += [_alone(one, one.goes_on(now) and not any(run.is_of(one) for run in ended)) for one in left]
        return tuple(sorted(runs, key=lambda run: (run.at, run.key), reverse=True))

    def _verdicts(self, snapshot: Snapshot) -> Iterator[Verdict]:
        """The newest verdicts. One that cannot be believed is left out: `lockgate check` tells of it."""
        names = [(id, release) for release in snapshot.release_ids() for id in snapshot.verdict_ids(release)]
        for id, release in sorted(names, reverse=True)[:MOST]:
            path = f"verdicts/{release}/{id}.toml"
            if path not in self._known:
                try:
                    found = snapshot.record(Verdict, path)
                except LockgateError:
                    continue
                if found is None or (found.release, found.id) != (release, id):
                    continue
                self._known[path] = found
            yield self._known[path]


def run_of(workspace: Workspace, snapshot: Snapshot, verdict: Verdict) -> Run:
    """The run that `verdict`, which nobody may have kept yet, came from, with its journal if it is here."""
    ended = (one for one in journals(workspace) if one.end is not None)
    file = next((one for one in ended if _key(one) == _verdict_key(verdict)), None)
    return _of(snapshot, verdict, "not kept", file)


def look_of(workspace: Workspace, task: Task, seen: Verdict) -> Run:
    """The newest look at some cases of `task`; `seen` is what came of it."""
    wanted = (task.release.id, task.baseline_id, task.tier)
    found = (
        one
        for one in journals(workspace)
        if one.end is not None
        and one.end.outcome == _LOOK
        and (one.start.release, one.start.baseline, one.start.tier) == wanted
    )
    file = next(found, None)
    return Run(
        key=seen.id,
        at=seen.at,
        release=seen.release,
        baseline=seen.baseline,
        tier=seen.tier,
        suites=file.start.suites if file else (),
        state="look",
        outcome=seen.outcome,
        verdict=seen,
        journal=file.path if file else None,
    )


def _of(snapshot: Snapshot, verdict: Verdict, state: RunState, file: Journaled | None) -> Run:
    release = snapshot.find_release(verdict.release)
    suites = tuple(map(str, release.pins(Kind.EVALS))) if release else ()
    return Run(
        key=verdict.id,
        at=verdict.at,
        release=verdict.release,
        baseline=verdict.baseline,
        tier=verdict.tier,
        suites=file.start.suites if file else suites,
        state=state,
        outcome=verdict.outcome,
        verdict=verdict,
        journal=file.path if file else None,
    )


def _alone(file: Journaled, goes_on: bool) -> Run:
    start, end = file.start, file.end
    state: RunState = "going on" if goes_on else "stopped"
    if end is not None:
        state = "look" if end.outcome == _LOOK else "not kept"
    return Run(
        key=file.path.stem,
        at=file.last_at,
        release=start.release,
        baseline=start.baseline,
        tier=start.tier,
        suites=start.suites,
        state=state,
        outcome=_outcome(end.outcome) if end else None,
        journal=file.path,
    )


def _outcome(word: str) -> Outcome | None:
    known: tuple[Outcome, ...] = ("pass", "block", "inconclusive")
    return next((one for one in known if one == word), None)


_Key = tuple[datetime, str, str, str | None]


def _key(file: Journaled) -> _Key:
    """What a run and its verdict have in common. The release's number may have changed when it landed."""
    return file.last_at, file.end.outcome if file.end else "", file.start.tier, file.start.baseline


def _verdict_key(verdict: Verdict) -> _Key:
    return verdict.at, verdict.outcome, verdict.tier, verdict.baseline
