"""When something is broken while users are on a canary: they go back, and everybody is told."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import console.controller.tick as controller
from console.controller.tick import Ticked
from console.controller.tick import tick as look
from console.controller.visit import visit
from console.controller.watch import watch
from console.operations import promote, rollback
from console.operations.apply import apply, apply_again
from console.operations.doctor import doctor
from console.operations.heartbeat import last_beat
from console.operations.reconcile import CANARY_LASTS
from console.operations.rollout import verbs
from console.operations.rollout.status import status
from console.operations.status import status as overview
from lockgate_client import Client
from store.errors import Blocked, InputError, MachineryError
from store.kill_file import kill_path, read_kill
from store.records.environment import Environment
from store.records.finding import MOST_FINDINGS
from store.records.operation import Operation
from store.records.rollout import Rollout
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace
from tests.operations.rollouts import stepped, traffic
from tests.operations.shadows import with_policy
from tests.support.workspaces import add_prompt, stage_all, tick


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return begun(stepped(tmp_path))


def begun(workspace: Workspace) -> Workspace:
    apply_again(workspace, promote.plan(workspace, "r2", "production"), "kinder")
    assert [one.kind for one in look(workspace).records] == ["advance"]
    return workspace


def pointer(workspace: Workspace) -> Environment:
    return workspace.store.at().environment("production")


def rollout(workspace: Workspace) -> Rollout:
    found = pointer(workspace).rollout
    assert found is not None
    return found


def later(workspace: Workspace, **time: float) -> Ticked:
    tick(workspace, workspace.clock.now() + timedelta(**time))
    return look(workspace)


def client(workspace: Workspace) -> Client:
    return Client(
        workspace.live("production"), check_seconds=0, wall=lambda: workspace.clock.now().timestamp()
    )


def arms(workspace: Workspace) -> set[str]:
    here = client(workspace)
    return {here.resolve(f"u{n}").arm for n in range(60)}


def spoil(workspace: Workspace) -> None:
    """What applications reported cannot be read any more."""
    for one in workspace.state.glob("observations.sqlite-*"):
        one.unlink()
    (workspace.state / "observations.sqlite").write_bytes(b"no database at all" * 300)


def broken_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> Operation:
        raise MachineryError("the store's disk is full")

    monkeypatch.setattr(controller, "apply", refuses)


def test_a_release_with_many_bad_categories_is_taken_back_like_any_other(tmp_path: Path) -> None:
    policy = RolloutPolicy(
        steps=(Step(percent=50, hold_minutes=1), Step(percent=100)),
        triggers=Triggers(quality_drop=0.3, error_rate=0.05, p99_rise=None, bad_feedback=False),
    )
    workspace = begun(stepped(tmp_path, policy))
    here = client(workspace)
    for minute in range(3):
        for number in range(2400):
            name = f"c{minute}.{number}"
            one = here.resolve(name)
            here.observe(
                one,
                request_id=name,
                unit=name,
                latency_ms=5,
                quality=0.2 if one.arm == "canary" else 0.9,
                category=f"category {number % 60}",
            )
        here.flush()
        tick(workspace, workspace.clock.now() + timedelta(minutes=1))
    done = look(workspace)
    assert done.problems == () and [one.kind for one in done.records] == ["rollback"]
    mark = done.records[0].rollout
    assert mark is not None and len(mark.findings) == MOST_FINDINGS
    assert "quality" in {one.metric for one in mark.findings if one.outcome == "block"}
    assert {"error_rate", "quality"} <= {one.metric for one in mark.findings}


def test_a_fault_of_ours_in_one_look_is_told_and_ends_no_controller(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nobody")

    done = look(workspace, look=fails)  # type: ignore[arg-type]
    assert done.problems == ("production: ZeroDivisionError: by nobody",)
    assert last_beat(workspace).problems == done.problems
    heard: list[Ticked] = []
    monkeypatch.setattr("console.controller.watch.tick", fails)
    watch(workspace, every=0, stopped=threading.Event(), told=heard.append, ticks=2)
    assert [one.problems for one in heard] == [("ZeroDivisionError: by nobody",)] * 2


def test_full_leaves_no_approval_out(tmp_path: Path) -> None:
    steps = (Step(percent=5), Step(percent=25), Step(percent=100, approval=True))
    workspace = begun(stepped(tmp_path, RolloutPolicy(steps=steps)))
    plan = verbs.advance(workspace, "production", full=True, override="hurry")
    assert any("step 3 (100 % of users) wants an approval" in one.text for one in plan.unmet)
    with pytest.raises(Blocked, match="leave --full out"):
        apply(workspace, plan, "hurry")
    assert rollout(workspace).step == 0


def test_a_canary_that_nobody_can_see_or_take_back_is_not_given_more_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic(workspace, 1)
    assert arms(workspace) == {"canary", "stable"}
    spoil(workspace)
    broken_disk(monkeypatch)
    for _ in range(6):
        later(workspace, minutes=3)
    assert arms(workspace) == {"stable"}


def test_settings_that_cannot_be_read_keep_nobody_from_going_back(workspace: Workspace) -> None:
    (workspace.root / "settings.toml").write_text("prices = what\n")
    broken = Workspace(workspace.root, workspace.clock)
    assert "settings.toml" in dict(look(broken).sights)["production"].observed.reason
    for _ in range(4):
        later(broken, minutes=3)
    assert arms(broken) == {"canary", "stable"}, "a moment of trouble takes nothing away"
    apply(broken, rollback.plan(broken, "production"), "at night")
    assert arms(broken) == {"stable"} and rollout(broken).state == "rolled back"
    with pytest.raises(InputError, match=r"settings\.toml"):
        apply(broken, promote.plan(broken, "r2", "production", override="x"), "again")


def test_what_is_given_up_has_its_kill_file_before_its_commit_and_rejects_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(workspace)
    with monkeypatch.context() as patched:
        broken_disk(patched)
        later(workspace, seconds=1)
        later(workspace, minutes=16)
    kill = read_kill(workspace.live("production"))
    assert kill is not None and kill.kind == "error" and arms(workspace) == {"stable"}
    (record,) = look(workspace).records
    assert record.kind == "error" and record.rollout is not None and record.rollout.state == "errored"
    assert record.why.count("no evidence could be read") == 1
    assert pointer(workspace).rejected == () and pointer(workspace).holds == ()
    assert read_kill(workspace.live("production")) is None


def test_nothing_overtakes_a_rollback_that_is_under_way(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic(workspace, 6, canary_errors=5, scored=False)
    with monkeypatch.context() as patched:
        broken_disk(patched)
        assert "the store's disk is full" in look(workspace).problems[0]
    now = status(workspace, "production")
    assert now.state == "rolling back" and now.kill is not None and "failed" in now.kill.reason
    for verb in (verbs.abort, verbs.pause, verbs.advance):
        with pytest.raises(InputError, match="is being taken back in production"):
            verb(workspace, "production")
    add_prompt(workspace, tmp_path / "q", "Answer at length.\n\n{{context}}\n", what="tone")
    stage_all(workspace, "prompt/support")
    plan = promote.plan(workspace, "r3", "production", supersede=True)
    assert any(one.name == "taking back" for one in plan.unmet), plan.unmet
    assert [one.kind for one in look(workspace).records] == ["rollback"]
    assert pointer(workspace).rejected[0].release == "r2"


def test_a_persons_rollback_may_come_before_the_controllers(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic(workspace, 6, canary_errors=5, scored=False)
    with monkeypatch.context() as patched:
        broken_disk(patched)
        look(workspace)
    apply(workspace, rollback.plan(workspace, "production"), "I saw it too")
    assert look(workspace).records == () and read_kill(workspace.live("production")) is None
    assert pointer(workspace).rejected[0].release == "r2"


def test_a_kill_file_that_a_person_wrote_stands_until_it_is_removed(workspace: Workspace) -> None:
    path = kill_path(workspace.live("production"))
    path.write_text(json.dumps({"epoch": pointer(workspace).generation + 1, "reason": "strange answers"}))
    assert arms(workspace) == {"stable"}
    done = look(workspace)
    assert [one.kind for one in done.records] == ["pause"] and "strange answers" in done.records[0].why
    for _ in range(3):
        traffic(workspace, 5)
        assert look(workspace).records == () and arms(workspace) == {"stable"}
    assert status(workspace, "production").killed_by_hand == "strange answers"
    assert any("live/production.kill" in one for one in overview(workspace).attention)
    assert any("live/production.kill" in one.text for one in doctor(workspace) if not one.ok)
    path.unlink()
    apply(workspace, verbs.resume(workspace, "production"), "it was the cache")
    look(workspace)
    assert arms(workspace) == {"canary", "stable"}


def test_the_record_of_a_rollback_after_full_rollout_says_what_serves_now(workspace: Workspace) -> None:
    plan = verbs.advance(workspace, "production", full=True, override="no users yet")
    apply(workspace, plan, "hurry")
    for _ in range(10):
        traffic(workspace, 1, errors=5, scored=False)
        records = look(workspace).records
        if records:
            break
    (record,) = records
    assert (record.kind, record.before, record.after) == ("rollback", "r2", "r1")
    assert pointer(workspace).stable == "r1"


def test_a_clock_that_ran_ahead_gives_a_canary_no_more_time(workspace: Workspace) -> None:
    traffic(workspace, 1)
    apply(workspace, verbs.pause(workspace, "production"), "let me look")
    now = workspace.clock.now()
    later(workspace, days=3)
    tick(workspace, now + timedelta(seconds=10))
    assert status(workspace, "production").unattended, "a look in the future is no look"
    look(workspace)
    until = json.loads(workspace.live("production").read_text())["valid_until"]
    assert datetime.fromisoformat(until) <= workspace.clock.now() + CANARY_LASTS


def test_what_does_not_decide_waits_without_a_record_for_each_quiet_hour(workspace: Workspace) -> None:
    kinds: list[str] = []
    for _ in range(10):
        traffic(workspace, 1, per_minute=20)
        kinds += [one.kind for one in look(workspace).records]
        kinds += [one.kind for one in later(workspace, minutes=14).records]
    assert kinds.count("pause") <= 3, kinds


def test_a_visit_tells_before_anything_slow_and_forgets_what_is_old(
    workspace: Workspace,
) -> None:
    traffic(workspace, 6, canary_errors=5, scored=False)
    spread: list[str] = []

    def tell() -> tuple[str, ...]:
        spread.append(rollout(workspace).state)
        return ("not pushed: nobody is there",)

    done = visit(workspace, tell)
    assert [one.kind for one in done.records] == ["rollback"] and spread == ["rolled back"]
    assert done.problems == ("not pushed: nobody is there",)
    kept = _rows(workspace)
    tick(workspace, workspace.clock.now() + timedelta(days=15))
    visit(workspace)
    assert _rows(workspace) < kept


def _rows(workspace: Workspace) -> int:
    with closing(sqlite3.connect(workspace.state / "observations.sqlite")) as connection:
        return int(connection.execute("select count(*) from observations").fetchone()[0])


def test_a_plan_says_that_the_traffic_cannot_be_read(tmp_path: Path) -> None:
    steps = (Step(percent=5), Step(percent=100))
    workspace = stepped(tmp_path, RolloutPolicy(steps=steps, graded_percent=10))
    settings = workspace.root / "settings.toml"
    settings.write_text('prometheus = "http://127.0.0.1:9"\n')
    plan = promote.plan(Workspace(workspace.root, workspace.clock), "r2", "production")
    assert not plan.unmet
    outlook = [one for one in plan.checks if one.name == "outlook"]
    assert [one.verdict for one in outlook] == ["warn"] and "cannot be read" in outlook[0].text


def test_a_release_that_needs_no_steps_any_more_ends_the_rollout_that_it_overtakes(
    workspace: Workspace, tmp_path: Path
) -> None:
    add_prompt(workspace, tmp_path / "q", "Answer at length.\n\n{{context}}\n", what="tone")
    stage_all(workspace, "prompt/support")
    with_policy(workspace, None)
    apply(workspace, promote.plan(workspace, "r3", "production", supersede=True), "all of them")
    assert pointer(workspace).stable == "r3" and rollout(workspace).state == "superseded"
    traffic(workspace, 6, errors=30, scored=False)
    assert look(workspace).records == () and arms(workspace) == {"stable"}


def test_a_clock_that_jumps_and_comes_back_ends_no_watch(workspace: Workspace) -> None:
    apply(workspace, verbs.advance(workspace, "production", full=True, override="no users yet"), "hurry")
    now = workspace.clock.now()
    assert later(workspace, days=30).records == ()
    tick(workspace, now + timedelta(minutes=1))
    look(workspace)
    assert later(workspace, days=30).records == (), "it was within its time again meanwhile"
    assert rollout(workspace).watch_until is not None
    assert [one.kind for one in later(workspace, minutes=11).records] == ["settle"]
