"""After an alarm the suite is asked again, and the report tells how categories went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.operations import evaluate
from console.operations.apply import apply
from console.operations.drift.reading import file_of, incidents
from console.operations.drift.report import report
from evals.drift.file import BEFORE
from store.records.drift import DriftIncident
from store.workspace import Workspace
from tests.drift.probe_server import FakeModel, Served, serving
from tests.drift.watching import check_on, made_with, stored, take_baseline
from tests.support.workspaces import NOON, tick

CHANGED = {"t3": 2.0, "t7": -2.0}


def good(_: dict[str, Any]) -> str:
    return "all good"


def worse_at_facts(body: dict[str, Any]) -> str:
    return "no idea" if "facts" in body["messages"][-1]["content"] else "all good"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeModel(text=good)) as running:
        yield running


@pytest.fixture
def acme(tmp_path: Path, served: Served) -> Workspace:
    return made_with(tmp_path, served.url, cases=12)


def evaluated(workspace: Workspace) -> None:
    """Runs the evals of r1 and commits the verdict."""
    task = evaluate.prepare(workspace, "r1", no_baseline=True)
    verdict = asyncio.run(evaluate.run(workspace, task))
    apply(workspace, evaluate.plan(workspace, verdict), "so that it is known")


def drifted(workspace: Workspace, served: Served, **options: bool) -> DriftIncident:
    """The incident after the model changed its first tokens."""
    served.answer.bias = CHANGED
    days = iter(range(5, 9))
    while check_on(workspace, next(days), **options).outcome != "drift":
        pass
    snapshot = workspace.store.at()
    (found,) = incidents(snapshot, snapshot.pin("model/chat@v1"))
    return found


def test_scores_that_evals_left_behind_show_which_category_moved(acme: Workspace, served: Served) -> None:
    evaluated(acme)
    take_baseline(acme)
    assert check_on(acme, 1).outcome == "quiet"
    assert len(file_of(acme).scores(stored(acme).id, BEFORE)) >= 24
    served.answer.text = worse_at_facts
    found = drifted(acme, served)
    facts, manners = found.categories
    assert (facts.name, facts.moved, facts.before, facts.now) == ("facts", True, 1.0, 0.0)
    assert (manners.moved, manners.difference) == (False, 0.0)
    assert "what moved: facts -100.0 points" in found.suite_said
    assert [one.split(":")[0] for one in found.advice] == ["Hold", "Switch pin", "Re-baseline"]


def test_a_change_that_the_suite_does_not_show_is_first_a_new_baseline(
    acme: Workspace, served: Served
) -> None:
    evaluated(acme)
    take_baseline(acme)
    check_on(acme, 1)
    found = drifted(acme, served)
    assert "no category of the suite moved for certain (2 compared)" in found.suite_said
    assert [one.split(":")[0] for one in found.advice] == ["Hold", "Re-baseline", "Switch pin"]


def test_without_scores_from_before_the_incident_says_so_and_is_recorded(
    acme: Workspace, served: Served
) -> None:
    take_baseline(acme)
    found = drifted(acme, served)
    assert "was not compared (no scores are known from before" in found.suite_said
    assert found.categories == ()


def test_a_suite_that_cannot_be_asked_does_not_keep_the_incident_away(
    acme: Workspace, served: Served
) -> None:
    evaluated(acme)
    take_baseline(acme)
    check_on(acme, 1)
    served.answer.text = None  # tokens only: not one answer holds what the cases want
    served.answer.bias = CHANGED
    model = served.answer

    def broken(body: dict[str, Any]) -> tuple[int, bytes]:
        return model(body) if body.get("max_tokens") == 1 else (400, b'{"error": "not today"}')

    served.answer = broken
    days = iter(range(5, 9))
    while check_on(acme, next(days)).outcome != "drift":
        pass
    snapshot = acme.store.at()
    (found,) = incidents(snapshot, snapshot.pin("model/chat@v1"))
    assert "was not compared (" in found.suite_said and "status 400" in found.suite_said


def test_the_report_has_a_line_for_each_category_with_what_changed(acme: Workspace, served: Served) -> None:
    evaluated(acme)
    take_baseline(acme)
    check_on(acme, 1)
    served.answer.text = worse_at_facts
    found = drifted(acme, served)
    tick(acme, NOON + timedelta(days=9))
    now = report(acme, None, weeks=2)
    assert (now.environment, [line.category for line in now.lines]) == ("production", ["facts", "manners"])
    weeks = now.lines[0].weeks
    means = {(week.point.source, week.point.mean) for week in weeks}
    assert ("drift run", 0.0) in means
    assert all(week.low <= week.point.mean <= week.high for week in weeks)
    assert now.incidents == (found,) and now.watches[0].drifted
    tick(acme, NOON + timedelta(days=70))
    assert report(acme, "production", weeks=2).lines == ()
