"""Drift report: how the categories of what serves did, week by week, from verdicts and drift runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

from console.operations.drift.reading import Watched, file_of, incidents, watched
from console.operations.drift.suite import by_category, suites_of
from store.errors import InputError
from store.records.component import Kind, Pin
from store.records.drift import DriftIncident
from store.records.environment import Environment
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.weekly import Line, Point


@dataclass(frozen=True, slots=True)
class Watch:
    """Where the checks of one model stand."""

    pin: str
    since: datetime
    """Of its baseline."""
    checks: int
    e_value: float
    last: datetime | None
    drifted: bool


@dataclass(frozen=True, slots=True)
class DriftReport:
    """One environment over some weeks."""

    environment: str
    since: datetime
    at: datetime
    lines: tuple[Line, ...]
    incidents: tuple[DriftIncident, ...]
    """In that time, newest first."""
    watches: tuple[Watch, ...]


def report(workspace: Workspace, environment: str | None, weeks: int) -> DriftReport:
    """The last `weeks` weeks of `environment`, by default the first production environment.

    Raises InputError for an environment that is not, MachineryError where local results cannot be read.
    """
    from evals.drift.weekly import lines, monday

    snapshot, now = workspace.store.at(), workspace.clock.now()
    pointer = snapshot.environment(environment or _production(snapshot))
    since = monday(now) - timedelta(weeks=weeks - 1)
    watches = watched(snapshot, pointer.name)
    points = [*_verdicts(snapshot, pointer), *_runs(workspace, snapshot, watches)]
    releases = {id: dict(_versions(snapshot, id)) for id in {point.release for point in points}}
    return DriftReport(
        environment=pointer.name,
        since=since,
        at=now,
        lines=lines((point for point in points if point.at <= now), releases, since),
        incidents=_incidents(snapshot, pointer.name, since),
        watches=tuple(_watch(workspace, one) for one in watches),
    )


def _production(snapshot: Snapshot) -> str:
    for one in snapshot.policy.environments:
        if one.production:
            return one.name
    raise InputError("no environment of lockgate.toml is marked production: name one with --env.")


def _verdicts(snapshot: Snapshot, pointer: Environment) -> Iterator[Point]:
    """Every verdict on a release that served, whenever it was given."""
    from evals.drift.weekly import Point

    served = {one.release for one in pointer.served} | ({pointer.stable} if pointer.stable else set())
    for id in sorted(served):
        for verdict in snapshot.verdicts(id):
            for one in verdict.categories:
                yield Point(verdict.at, one.suite, one.name, id, one.candidate, one.cases, "verdict")


def _runs(workspace: Workspace, snapshot: Snapshot, watches: tuple[Watched, ...]) -> Iterator[Point]:
    """Every run of suites after an alarm."""
    from evals.drift.file import BEFORE
    from evals.drift.weekly import Point

    file = file_of(workspace)
    for one in watches:
        for run in file.runs(one.baseline.id):
            release = snapshot.find_release(run.release)
            if run.name == BEFORE or release is None:
                continue
            scores = by_category(file.scores(one.baseline.id, run.name), suites_of(snapshot, release))
            for (suite, category), cases in scores.items():
                mean = fmean(fmean(each) for each in cases.values())
                at, name = datetime.fromtimestamp(run.at, UTC), suite.partition("@")[0]
                yield Point(at, name, category, run.release, mean, len(cases), "drift run")


def _versions(snapshot: Snapshot, id: str) -> Iterator[tuple[str, str]]:
    release = snapshot.find_release(id)
    if release is not None:
        yield from ((str(pin.component), pin.version) for pin in release.pins())


def _incidents(snapshot: Snapshot, environment: str, since: datetime) -> tuple[DriftIncident, ...]:
    """All that were found in `environment`, whether or not the version still serves."""
    pins = (
        Pin(component, version)
        for component in snapshot.components(Kind.MODEL)
        for version in snapshot.versions(component)
    )
    found = (one for pin in pins for one in incidents(snapshot, pin))
    chosen = [one for one in found if one.environment == environment and one.at >= since]
    return tuple(sorted(chosen, key=lambda one: one.at, reverse=True))


def _watch(workspace: Workspace, one: Watched) -> Watch:
    standing = file_of(workspace).standing(one.baseline.id)
    last = standing.last_at
    return Watch(
        pin=str(one.pin),
        since=one.baseline.at,
        checks=len(standing.checks),
        e_value=standing.evidence.e_value,
        last=None if last is None else datetime.fromtimestamp(last, UTC),
        drifted=one.incident is not None or standing.is_alarm,
    )
