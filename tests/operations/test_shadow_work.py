"""A shadow at work: replays by the real pipeline, caps counted at the model's server, verdicts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from console.controller.tick import Ticked
from console.controller.tick import tick as look
from console.controller.visit import visit
from console.controller.watch import watch
from console.controller.work import Worked, work_once
from console.operations import promote
from console.operations.apply import apply
from console.operations.shadow import start, stop
from console.operations.shadow.status import ShadowStatus, status
from console.operations.shadow.verdicts import job_of
from evals.live.work_file import WorkFile
from evals.models.embedded import DEFAULT_MODEL, is_available
from store.errors import Blocked, InputError
from store.live import decode
from store.records.operation import Operation
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.records.shadow import ShadowPolicy
from store.rules.shadow import running
from store.workspace import Workspace
from tests.evals.server import FaultServer
from tests.operations.shadows import (
    QUESTIONS,
    App,
    another,
    answer_from_context,
    copied,
    did,
    later,
    made,
    staged,
    still,
    with_policy,
)

ROOT = Path(__file__).parents[2]
QUICK = ShadowPolicy(
    cap_rpm=10_000, quality_drop=0.3, retrieval_drop=0.4, similarity_drop=0.4, again_percent=50, queue=10_000
)
KINDLY = "Answer kindly from these passages:\n\n{{context}}\n"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[FaultServer]:
    with FaultServer(answer=answer_from_context) as running_server:
        yield running_server


@pytest.fixture
def server(shared_server: FaultServer) -> FaultServer:
    shared_server.answer, shared_server.delay_s, shared_server.most_at_once = answer_from_context, 0, 0
    shared_server.requests.clear()
    return shared_server


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, shared_server: FaultServer) -> Path:
    """r1 serves; r2 says it kindly, r3 nonsense, r4 poison; r5 has half of the pages."""
    root = tmp_path_factory.mktemp("shadows")
    acme = made(root, shared_server)
    for text in (KINDLY, "ANSWER NONSENSE\n\n{{context}}\n", "ANSWER POISON\n\n{{context}}\n"):
        another(acme, root / "scratch", text)
    pages = root / "half"
    shutil.copytree(root / "material/pages", pages)
    for name in ("returns.md", "shipping.md", "prices.html"):
        (pages / name).unlink()
    did("-C", acme, "add", "index", "pages", "--from", pages, "--embedder", "lexical")
    staged(Workspace(acme), "prompt/support=v1", "index/pages")
    return acme


def shadowed(
    template: Path, target: Path, release: str = "r2", percent: float = 100, policy: ShadowPolicy = QUICK
) -> tuple[Workspace, App]:
    """A copy in which `release` is in the shadow of production, and its application."""
    workspace = still(copied(template, target))
    apply(workspace, start.plan(workspace, release, "production", percent=percent, policy=policy), "see")
    return workspace, App(workspace)


def answers_of_r1(app: App) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What r1 answers and retrieves, by question: asked once, for the application is not what is tested."""
    found = {question: app.asked("r1", question) for question in QUESTIONS}
    return {one: (answer.text, tuple(p.id for p in answer.retrieved)) for one, answer in found.items()}


def served(app: App, count: int, **more: Any) -> list[str]:
    known = answers_of_r1(app)
    return app.serve(
        count, answer=lambda _, question: known[question][0], retrieved=lambda one: known[one][1], **more
    )


def now(workspace: Workspace) -> ShadowStatus:
    later(workspace, minutes=1)
    return status(workspace, "production")


def test_a_shadow_is_answered_for_the_log_and_no_user_meets_it(
    template: Path, tmp_path: Path, server: FaultServer
) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    document = decode(workspace.live("production").read_bytes())
    assert document.canary is not None and document.canary.release == "r2"
    assert (document.percent, document.shadow_percent) == (0, 100)
    ids = served(app, 60)
    assert {app.client.resolve(f"user-{n}").release for n in range(500)} == {"r1"}
    asked_before = len(server.requests)
    done = work_once(workspace)
    assert done == Worked(replayed=60)
    assert work_once(workspace) == Worked()
    found = now(workspace)
    assert found.candidate is not None and found.again is not None and found.verdict is not None
    assert found.candidate.compared == 60 and 15 < found.again.compared < 45
    assert len(server.requests) - asked_before == 60 + found.again.compared
    assert found.verdict.outcome == "pass", found.verdict.reasons
    assert found.states == {"done": 60} and found.spent is not None
    # What users were answered is what the application said; nothing of the shadow is anywhere near them.
    observed = (workspace.state / "observations.sqlite").read_bytes()
    assert set(app.answers) >= set(ids) and b"r2" not in observed
    for name in ("requests", "work", "observations"):
        assert b"kindly" not in (workspace.state / f"{name}.sqlite").read_bytes()


@pytest.mark.usefixtures("server")
def test_a_visit_of_the_controller_for_cron_replays_too(template: Path, tmp_path: Path) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    served(app, 3)
    visited = visit(workspace)
    assert visited.problems == ()
    assert now(workspace).states == {"done": 3}


@pytest.mark.parametrize(("release", "metric"), [("r3", "quality"), ("r5", "retrieval")])
@pytest.mark.usefixtures("server")
def test_a_release_that_is_worse_is_blocked(
    template: Path, tmp_path: Path, release: str, metric: str
) -> None:
    workspace, app = shadowed(template, tmp_path / "acme", release)
    for _ in range(2):
        served(app, 60)
        work_once(workspace)
        found = now(workspace)
    assert found.verdict is not None and found.verdict.outcome == "block"
    blocking = {one.name: one for one in found.verdict.metrics if one.outcome == "block"}
    assert metric in blocking and "certainly a drop" in blocking[metric].reason
    assert app.client.resolve("anybody").release == "r1"


@pytest.mark.usefixtures("server")
def test_a_harmful_answer_of_a_shadow_blocks_and_is_named(template: Path, tmp_path: Path) -> None:
    workspace, app = shadowed(template, tmp_path / "acme", "r4")
    (request,) = served(app, 1)
    work_once(workspace)
    found = now(workspace)
    assert found.verdict is not None and found.verdict.outcome == "block" and found.flagged == (request,)


@pytest.mark.heavy
def test_the_same_release_again_is_never_blocked(template: Path, tmp_path: Path, server: FaultServer) -> None:
    workspace, app = shadowed(template, tmp_path / "acme", "r2")
    turn = iter(range(10**6))

    def noisy(body: dict[str, Any]) -> str:
        """Every third answer is nonsense, whoever asks."""
        return "Roses are red." if next(turn) % 3 == 0 else answer_from_context(body)

    known = answers_of_r1(app)
    server.answer = noisy
    for _ in range(2):
        app.serve(60, answer=lambda _, one: known[one][0], retrieved=lambda one: known[one][1])
        work_once(workspace)
        found = now(workspace)
        assert found.verdict is not None and found.verdict.outcome != "block", found.verdict.reasons
    assert found.again is not None and found.again.same < found.again.compared  # there was noise


def test_calls_a_minute_are_capped_as_the_server_counts_them(
    template: Path, tmp_path: Path, server: FaultServer
) -> None:
    policy = QUICK.model_copy(update={"cap_rpm": 10})
    workspace, app = shadowed(template, tmp_path / "acme", policy=policy)
    served(app, 40)
    for passes in range(1, 4):
        before = len(server.requests)
        work_once(workspace)
        work_once(workspace)
        assert len(server.requests) - before <= 10, passes
        assert len(server.requests) - before >= 9
        later(workspace, seconds=61)


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_a_cap_of_one_call_a_minute_still_gets_on(template: Path, tmp_path: Path) -> None:
    policy = QUICK.model_copy(update={"cap_rpm": 1, "again_percent": 100})
    workspace, app = shadowed(template, tmp_path / "acme", policy=policy)
    served(app, 3)
    for replayed in (1, 1, 1, 0):
        assert work_once(workspace).replayed == replayed
        later(workspace, seconds=61)


@pytest.mark.heavy
def test_money_is_capped_and_nothing_is_called_beyond_it(
    template: Path, tmp_path: Path, server: FaultServer
) -> None:
    policy = QUICK.model_copy(update={"cap_usd_per_day": 0.01, "concurrency": 1})
    target = tmp_path / "acme"
    copied(template, target)
    # 2 tokens out in each reply of the server: 0.0002 dollars, and 0.0064 booked before for 64.
    prices = '[prices]\n"test-model-2026-01-01" = { input = 0, output = 100 }\n'
    (target / "settings.toml").write_text((target / "settings.toml").read_text() + prices)
    workspace = still(target)
    apply(workspace, start.plan(workspace, "r2", "production", percent=100, policy=policy), "see")
    app = App(workspace)
    served(app, 60)
    before = len(server.requests)
    work_once(workspace)
    found = now(workspace)
    assert found.spent is not None and 0 < found.spent.usd_last_day <= 0.01
    called = len(server.requests) - before
    assert called == 19 and found.candidate is not None and found.candidate.compared < 60
    assert work_once(workspace).replayed == 0 and len(server.requests) - before == called
    later(workspace, hours=25)
    assert work_once(workspace).replayed > 0


@pytest.mark.heavy
def test_so_many_at_once_and_no_more(template: Path, tmp_path: Path, server: FaultServer) -> None:
    policy = QUICK.model_copy(update={"concurrency": 3})
    workspace, app = shadowed(template, tmp_path / "acme", policy=policy)
    served(app, 24)
    server.most_at_once, server.delay_s = 0, 0.02
    work_once(workspace)
    assert 2 <= server.most_at_once <= 3


def test_an_answer_has_its_deadline_and_a_late_one_is_a_failure(
    template: Path, tmp_path: Path, server: FaultServer
) -> None:
    policy = QUICK.model_copy(update={"deadline_s": 0.2, "concurrency": 8})
    workspace, app = shadowed(template, tmp_path / "acme", policy=policy)
    served(app, 8)
    server.delay_s = 5
    assert work_once(workspace).replayed == 8
    found = now(workspace)
    assert found.candidate is not None and found.candidate.failed == 8
    assert found.verdict is not None and found.verdict.outcome == "inconclusive"


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_of_too_many_the_oldest_are_dropped_and_counted(template: Path, tmp_path: Path) -> None:
    policy = QUICK.model_copy(update={"queue": 10})
    workspace, app = shadowed(template, tmp_path / "acme", policy=policy)
    ids = served(app, 30)
    assert work_once(workspace).replayed == 10
    found = now(workspace)
    assert found.states == {"done": 10, "dropped": 20}
    rows = WorkFile(workspace.state / "work.sqlite").rows("select distinct request_id from comparisons", ())
    assert {row[0] for row in rows} == set(ids[-10:])


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_one_user_counts_once(template: Path, tmp_path: Path) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    served(app, 6, unit="ana")
    served(app, 6)
    assert work_once(workspace).replayed == 7
    assert now(workspace).states == {"done": 7, "repeat": 5}


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_a_share_of_requests_is_replayed(template: Path, tmp_path: Path) -> None:
    workspace, app = shadowed(template, tmp_path / "acme", percent=20)
    served(app, 200)
    assert 20 < work_once(workspace).replayed < 62


PROGRAM = """
import os, signal, sys
from pathlib import Path
import console.controller.work_shadow as shadow
from console.controller.work import work_once
from store.workspace import Workspace
if sys.argv[2] == "die":
    def insert(*_):
        os.kill(os.getpid(), signal.SIGKILL)  # answered, and not written down
    shadow.insert = insert
print(work_once(Workspace(Path(sys.argv[1]))).replayed)
"""


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_workers_share_a_shadow_and_one_that_is_killed_loses_and_doubles_nothing(
    template: Path, tmp_path: Path
) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    ids = served(app, 40)

    def started(how: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(workspace.root), how]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    dead = started("die")
    assert dead.wait(60) == -9
    both = [started("live") for _ in range(2)]
    replayed = [int(process.communicate(timeout=100)[0]) for process in both]
    lost = 40 - sum(replayed)
    assert 1 <= lost <= QUICK.concurrency
    later(workspace, minutes=10)
    assert work_once(workspace).replayed == lost
    file = WorkFile(workspace.state / "work.sqlite")
    rows = file.rows("select request_id, count(*) from comparisons where arm = 'candidate' group by 1", ())
    assert dict(rows) == dict.fromkeys(ids, 1)


@pytest.mark.usefixtures("server")
def test_it_is_stopped_by_a_person_or_by_its_time_with_one_record(template: Path, tmp_path: Path) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    apply(workspace, stop.plan(workspace, "production"), "seen enough")
    assert decode(workspace.live("production").read_bytes()).canary is None
    served(app, 5)
    assert work_once(workspace) == Worked() and not (workspace.state / "requests.sqlite").exists()
    with pytest.raises(InputError, match="has no shadow"):
        stop.plan(workspace, "production")
    apply(workspace, start.plan(workspace, "r2", "production", percent=10, policy=QUICK, days=7), "again")
    later(workspace, days=7, seconds=1)
    assert work_once(workspace).ended == ("production",)
    assert work_once(workspace).ended == ()
    record = newest(workspace)
    assert record.kind == "unshadow" and "controller" in record.by.name and "time is over" in record.summary
    assert workspace.store.at().environment("production").shadow is None


def newest(workspace: Workspace) -> Operation:
    snapshot = workspace.store.at()
    found = snapshot.operation(str(snapshot.environment("production").record))
    assert found is not None
    return found


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_the_release_that_served_before_may_be_kept_as_a_shadow(template: Path, tmp_path: Path) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    with_policy(workspace, None)
    apply(workspace, promote.plan(workspace, "r2", "production", override="x"), "on")
    apply(workspace, start.plan(workspace, "r1", "production", percent=50, policy=QUICK, days=14), "keep it")
    app = App(workspace)
    assert app.client.resolve("ana").release == "r2"
    app.serve(20)
    assert work_once(workspace).replayed > 0
    on = running(workspace.store.at().environment("production"))
    assert on is not None and job_of(on).endswith("/r1/r2")


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_a_shadow_rests_while_a_rollout_serves_and_goes_on_afterwards(template: Path, tmp_path: Path) -> None:
    from console.operations.rollout import verbs

    workspace, app = shadowed(template, tmp_path / "acme", "r3")
    with_policy(workspace, RolloutPolicy(steps=(Step(percent=50), Step(percent=100)), triggers=Triggers()))
    apply(workspace, promote.plan(workspace, "r2", "production", override="x"), "on")
    look(workspace)
    document = decode(workspace.live("production").read_bytes())
    assert document.canary is not None and (document.canary.release, document.percent) == ("r2", 50)
    found = status(workspace, "production")
    assert found.shadow is None and "rollout of r2" in str(found.rests)
    served(app, 5)
    assert work_once(workspace).replayed == 0
    apply(workspace, verbs.abort(workspace, "production"), "no")
    document = decode(workspace.live("production").read_bytes())
    assert document.canary is not None and (document.canary.release, document.percent) == ("r3", 0)


STEPS = RolloutPolicy(
    steps=(
        Step(percent=100, shadow=True, hold_minutes=2, min_scored=30),
        Step(percent=50),
        Step(percent=100),
    ),
    triggers=Triggers(quality_drop=None, error_rate=None, p99_rise=None, bad_feedback=False),
    shadow=QUICK,
)


@pytest.mark.parametrize(("release", "state"), [("r2", "progressing"), ("r3", "failed")])
@pytest.mark.usefixtures("server")
def test_a_shadow_step_of_a_rollout_passes_or_fails_by_its_replays(
    template: Path, tmp_path: Path, release: str, state: str
) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    with_policy(workspace, STEPS)
    apply(workspace, promote.plan(workspace, release, "production", override="x"), "on")
    look(workspace)
    app = App(workspace)
    reached = []
    for _ in range(4):
        served(app, 40)
        assert {app.client.resolve(f"user-{n}").release for n in range(50)} == {"r1"} or reached
        work_once(workspace)
        later(workspace, minutes=1)
        reached += look(workspace).records
        if reached:
            break
    rollout = workspace.store.at().environment("production").rollout
    assert rollout is not None and rollout.state == state, rollout.reason
    assert rollout.percent == (50 if state == "progressing" else 0)
    if state == "failed":
        assert reached[-1].kind == "fail" and reached[-1].rollout is not None
        assert any(one.metric == "quality" for one in reached[-1].rollout.findings)
        assert not workspace.store.at().environment("production").holds


@pytest.mark.heavy
@pytest.mark.usefixtures("server")
def test_a_shadow_step_without_traffic_waits(template: Path, tmp_path: Path) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    with_policy(workspace, STEPS)
    apply(workspace, promote.plan(workspace, "r2", "production", override="x"), "on")
    look(workspace)
    later(workspace, minutes=11)
    look(workspace)
    rollout = workspace.store.at().environment("production").rollout
    assert rollout is not None and (rollout.state, rollout.pause) == ("paused", "no traffic")


def test_the_controller_does_it_beside_its_ticks(template: Path, tmp_path: Path, server: FaultServer) -> None:
    acme = copied(template, tmp_path / "acme")
    workspace = Workspace(acme)
    apply(workspace, start.plan(workspace, "r2", "production", percent=100, policy=QUICK), "see")
    served(App(workspace), 10)
    stopped, told, slow = Event(), list[Ticked](), Event()

    def answer(body: dict[str, Any]) -> str:
        slow.wait(5)  # no answer comes before some ticks went by
        return answer_from_context(body)

    server.answer = answer

    def tell(one: Ticked) -> None:
        told.append(one)
        if len(told) == 5:
            slow.set()
        if WorkFile(workspace.state / "work.sqlite").states(job).get("done") == 10 or len(told) > 600:
            stopped.set()

    on = running(workspace.store.at().environment("production"))
    assert on is not None
    job = job_of(on)
    watch(Workspace(acme), every=0.05, stopped=stopped, told=tell)
    assert WorkFile(workspace.state / "work.sqlite").states(job) == {"done": 10}
    assert not [problem for one in told for problem in one.problems]


@pytest.mark.heavy
@pytest.mark.skipif(not is_available(), reason="needs the packages of the extra `local`")
def test_with_the_embedded_model_and_embedder(tmp_path: Path, server: FaultServer) -> None:
    acme = made(tmp_path, server)
    here = ("-C", acme, "add")
    did(*here, "model", "chat", "--provider", "gguf", "--id", DEFAULT_MODEL, "--set", "max_tokens=24")
    did(*here, "index", "pages", "--from", tmp_path / "material/pages", "--embedder", "minilm")
    workspace = still(acme)
    staged(workspace, "model/chat", "index/pages")
    with_policy(workspace, None)
    apply(workspace, promote.plan(workspace, "r2", "production", override="x"), "on")
    another(acme, tmp_path / "scratch", KINDLY)
    policy = QUICK.model_copy(update={"again_percent": 100, "deadline_s": 300})
    apply(workspace, start.plan(workspace, "r3", "production", percent=100, policy=policy), "see")
    app = App(workspace)
    app.serve(2)
    asked_before = len(server.requests)
    while work_once(workspace).replayed:
        pass
    found = now(workspace)
    assert found.candidate is not None and found.again is not None and len(server.requests) == asked_before
    assert found.candidate.answered == found.again.answered == 2 and found.candidate.failed == 0
    rows = WorkFile(workspace.state / "work.sqlite").rows("select similarity, ranked from comparisons", ())
    assert all(0 <= similarity <= 1 and ranked == 1 for similarity, ranked in rows)


@pytest.mark.usefixtures("server")
def test_what_cannot_be_a_shadow_is_refused_with_the_way_out(template: Path, tmp_path: Path) -> None:
    workspace, _ = shadowed(template, tmp_path / "acme")
    with pytest.raises(InputError, match="a shadow is another release"):
        start.plan(workspace, "r1", "production", percent=10)
    with pytest.raises(Blocked, match="shadow stop"):
        start.plan(workspace, "r3", "production", percent=10).demand()
    for percent in (0, 101, float("nan")):
        with pytest.raises(InputError, match="--percent"):
            start.plan(workspace, "r3", "staging", percent=percent)
    with pytest.raises(InputError, match="there is no release"):
        start.plan(workspace, "r99", "staging", percent=10)
