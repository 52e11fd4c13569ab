"""The worker grades sampled answers of both arms, and what it finds moves the rollout."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.controller.tick import tick as look
from console.controller.work import Worked, work_once
from console.operations import promote
from console.operations.apply import apply
from evals.live.work_file import WorkFile
from lockgate_client import Resolution
from store.records.rollout import Rollout
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace
from tests.evals.server import FaultServer
from tests.live.fake_prometheus import FakePrometheus
from tests.operations.shadows import (
    App,
    another,
    answer_from_context,
    copied,
    later,
    made,
    still,
    with_policy,
)

ROOT = Path(__file__).parents[2]
TRIGGERS = Triggers(quality_drop=0.3, error_rate=None, p99_rise=None, bad_feedback=False)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(answer=answer_from_context) as running:
        yield running


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    root = tmp_path_factory.mktemp("graded")
    acme = made(root, server)
    another(acme, root / "scratch", "Answer kindly from these passages:\n\n{{context}}\n")
    return acme


def on_its_way(template: Path, target: Path, **policy: Any) -> Workspace:
    """A copy in which r2 is the canary of half of production's users."""
    workspace = still(copied(template, target))
    rollout = RolloutPolicy(
        steps=(Step(percent=50, hold_minutes=2, min_scored=4), Step(percent=100)),
        triggers=TRIGGERS,
        **{"graded_percent": 100, **policy},
    )
    with_policy(workspace, rollout)
    apply(workspace, promote.plan(workspace, "r2", "production", override="x"), "on")
    look(workspace)
    assert rollout_of(workspace).percent == 50
    return workspace


def rollout_of(workspace: Workspace) -> Rollout:
    found = workspace.store.at().environment("production").rollout
    assert found is not None
    return found


def observed(workspace: Workspace) -> dict[str, tuple[Any, ...]]:
    """What amendments say, by request, in order."""
    connection = sqlite3.connect(workspace.state / "observations.sqlite")
    rows = connection.execute("select request_id, quality, harmful, confirmed from amendments order by id")
    found: dict[str, tuple[Any, ...]] = {}
    for request, *facts in rows:
        assert request not in found, "graded twice"
        found[request] = tuple(facts)
    connection.close()
    return found


def right(_: Resolution, __: str) -> str:
    return "Within 30 days."


def test_both_arms_are_graded_once_and_the_step_gets_its_scores(template: Path, tmp_path: Path) -> None:
    workspace = on_its_way(template, tmp_path / "acme")
    app = App(workspace)
    ids = app.serve(40, answer=right)
    assert work_once(workspace) == Worked(graded=40)
    assert observed(workspace) == dict.fromkeys(ids, (1.0, 0, None))
    assert work_once(workspace) == Worked()
    later(workspace, minutes=1)
    (found,) = [sight for _, sight in look(workspace).sights]
    assert found.observed.scored > 10


def test_a_rollouts_quality_drop_is_found_by_the_worker_alone(template: Path, tmp_path: Path) -> None:
    workspace = on_its_way(template, tmp_path / "acme")
    app = App(workspace)
    for _ in range(3):
        app.serve(60, answer=lambda served, _: "Roses are red." if served.arm == "canary" else "30 days")
        work_once(workspace)
        later(workspace, minutes=1)
        look(workspace)
    assert rollout_of(workspace).state == "rolled back"
    assert app.client.resolve("anybody").release == "r1"


def test_a_harmful_answer_freezes_the_ramp_and_a_confirmed_one_takes_it_back(
    template: Path, tmp_path: Path
) -> None:
    workspace = on_its_way(template, tmp_path / "acme")
    app = App(workspace)
    app.serve(20, answer=lambda served, _: "poison!" if served.arm == "canary" else "30 days")
    work_once(workspace)
    facts = set(observed(workspace).values())
    assert (0.0, 1, 0) in facts and not any(one[2] == 1 for one in facts)
    look(workspace)
    assert rollout_of(workspace).state == "progressing"  # the second grader cleared them
    app.serve(16, answer=lambda served, _: "drink the poison" if served.arm == "canary" else "30 days")
    work_once(workspace)
    look(workspace)
    assert rollout_of(workspace).state == "rolled back" and "confirmed" in rollout_of(workspace).reason


def test_the_rate_is_capped_for_all_workers_together(template: Path, tmp_path: Path) -> None:
    workspace = on_its_way(template, tmp_path / "acme", graded_per_minute=15)
    App(workspace).serve(40, answer=right)
    assert [work_once(workspace).graded for _ in range(3)] == [15, 0, 0]
    later(workspace, seconds=61)
    assert [work_once(workspace).graded for _ in range(2)] == [15, 0]
    later(workspace, seconds=61)
    assert work_once(workspace).graded == 10 and len(observed(workspace)) == 40


def test_nothing_is_captured_or_graded_where_the_policy_says_zero(template: Path, tmp_path: Path) -> None:
    workspace = on_its_way(template, tmp_path / "acme", graded_percent=0)
    App(workspace).serve(20, answer=right)
    assert work_once(workspace) == Worked() and not (workspace.state / "requests.sqlite").exists()


@pytest.mark.heavy
def test_grading_goes_on_while_the_finished_rollout_is_watched(template: Path, tmp_path: Path) -> None:
    workspace = on_its_way(template, tmp_path / "acme", graded_per_minute=1_000)
    app = App(workspace)
    for _ in range(5):
        app.serve(80, answer=right)
        work_once(workspace)
        later(workspace, minutes=1)
        look(workspace)
    assert rollout_of(workspace).state == "succeeded"
    ids = app.serve(5, answer=right)
    assert work_once(workspace).graded == 5 and set(ids) <= observed(workspace).keys()


PROGRAM = """
import sys
from pathlib import Path
import console.controller.work_grading as grading
from console.controller.work import work_once
from store.workspace import Workspace
if sys.argv[2] == "die":
    real = grading.GradingDesk._report
    def report(self, captured, said):
        real(self, captured, said)
        print("reported", captured.mark.request_id, flush=True)
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    grading.GradingDesk._report = report
print(work_once(Workspace(Path(sys.argv[1]))).graded)
"""


def test_workers_share_the_work_and_one_that_is_killed_loses_and_doubles_nothing(
    template: Path, tmp_path: Path
) -> None:
    workspace = on_its_way(template, tmp_path / "acme")
    ids = App(workspace).serve(60, answer=right)
    died = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(workspace.root), "die"], cwd=ROOT, capture_output=True, text=True
    )
    assert died.returncode == -9 and "reported" in died.stdout
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(workspace.root), "live"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    graded = [int(process.communicate(timeout=100)[0]) for process in running]
    assert sum(graded) == 59 and len(observed(workspace)) == 60
    later(workspace, minutes=10)  # the lease of the dead one has run out
    assert work_once(workspace).graded == 1
    connection = sqlite3.connect(workspace.state / "observations.sqlite")
    rows = connection.execute("select request_id, count(*) from amendments group by request_id").fetchall()
    assert {request for request, _ in rows} == set(ids) and sum(count for _, count in rows) == 61
    job = f"grade/{rollout_of(workspace).attempt}"
    assert WorkFile(workspace.state / "work.sqlite").states(job) == {"done": 60}
    later(workspace, minutes=1)
    (found,) = [sight for _, sight in look(workspace).sights]
    assert sum(one.canary_samples + one.control_samples for one in found.observed.findings[:1]) <= 60


def test_an_answer_that_cannot_be_graded_now_is_tried_again_and_then_given_up(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = on_its_way(template, tmp_path / "acme")
    App(workspace).serve(1, answer=right)
    from evals.graders import killable
    from store.errors import MachineryError

    def broken(*_: object) -> bool:
        raise MachineryError("no process.")

    monkeypatch.setattr("evals.graders.text.Contains.grade", broken)
    monkeypatch.setattr(killable, "search", broken)
    for _ in range(6):
        work_once(workspace)
        later(workspace, seconds=200)
    job = f"grade/{rollout_of(workspace).attempt}"
    assert WorkFile(workspace.state / "work.sqlite").states(job) == {"failed": 1}
    assert all(quality is None for quality, *_ in observed_all(workspace))


def observed_all(workspace: Workspace) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(workspace.state / "observations.sqlite")
    return connection.execute("select quality, harmful from amendments").fetchall()


def test_a_damaged_file_is_one_sentence_and_keeps_nothing_else_from_going_on(
    template: Path, tmp_path: Path
) -> None:
    workspace = on_its_way(template, tmp_path / "acme")
    app = App(workspace)
    app.serve(2, answer=right)
    assert app.client.close()
    (workspace.state / "requests.sqlite").write_bytes(b"no database at all" * 100)
    done = work_once(workspace)
    assert done.graded == 0 and any("move it away" in problem for problem in done.problems)
    assert all("\n" not in problem for problem in done.problems)


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as running:
        yield running


def reported_elsewhere(workspace: Workspace, prometheus: FakePrometheus) -> Workspace:
    """The same, with evidence from Prometheus, which has the canary's requests and no scores."""
    settings = workspace.root / "settings.toml"
    settings.write_text(f'prometheus = "{prometheus.url}"\n' + settings.read_text())
    now, generation = workspace.clock.now().timestamp(), str(rollout_of(workspace).stages[-1].generation)
    for name, pace in (("lockgate_requests_total", 10.0), ("lockgate_errors_total", 0.0)):
        samples = [(now - 60 + 15 * n, pace * n) for n in range(40)]
        prometheus.add(name, samples, generation=generation)
    return Workspace(workspace.root, workspace.clock)


def captured(workspace: Workspace, count: int, answer: str, *, users: int = 10**9) -> None:
    """Answers that nobody reports to this machine."""
    app = App(workspace)
    for number in range(count):
        user = f"somebody-{number % users}"
        app.client.capture(
            app.client.resolve(user),
            request_id=f"{answer}-{number}",
            input="Where?",
            answer=answer,
            unit=user,
        )
    assert app.client.close()


def test_what_is_graded_here_counts_where_requests_are_reported_to_prometheus(
    template: Path, tmp_path: Path, prometheus: FakePrometheus
) -> None:
    workspace = reported_elsewhere(on_its_way(template, tmp_path / "acme"), prometheus)
    captured(workspace, 40, "Within 30 days.", users=20)
    assert work_once(workspace) == Worked(graded=40)
    later(workspace, minutes=1)
    (found,) = [sight for _, sight in look(workspace).sights]
    assert found.analysis is not None and found.trouble is None
    client = App(workspace).client
    new = sum(client.resolve(f"somebody-{number}").arm == "canary" for number in range(20))
    assert found.observed.scored == new > 0, "one score a user"


def test_a_harmful_answer_graded_here_takes_back_what_prometheus_watches(
    template: Path, tmp_path: Path, prometheus: FakePrometheus
) -> None:
    workspace = reported_elsewhere(on_its_way(template, tmp_path / "acme"), prometheus)
    captured(workspace, 10, "drink the poison")
    work_once(workspace)
    look(workspace)
    assert rollout_of(workspace).state == "rolled back" and "confirmed" in rollout_of(workspace).reason
