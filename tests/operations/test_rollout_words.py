"""What records, plans and `rollout status` say of a rollout: how it ended, what is wrong, what comes next."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.controller.work import work_once
from console.operations import promote, rollback, switch
from console.operations.apply import apply, apply_again
from console.operations.heartbeat import beat
from console.operations.rollout import verbs
from console.operations.rollout.scene import Watcher
from console.operations.rollout.status import status
from console.operations.rollout.why import why
from console.views.history import detail_lines
from console.views.rollout import rollout_view
from lockgate_client import Client
from store.bounded import write_toml
from store.errors import Blocked, InputError
from store.history.newest import newest
from store.kill_file import kill_path
from store.records.environment import Environment, Freeze
from store.records.operation import Operation
from store.records.rollout import Rollout
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace
from tests.operations.rollouts import stepped, traffic
from tests.support.workspaces import add_prompt, stage_all, tick

TRIGGERS = Triggers(quality_drop=0.3, error_rate=0.05, p99_rise=None, bad_feedback=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return begun(stepped(tmp_path))


def begun(workspace: Workspace) -> Workspace:
    apply_again(workspace, promote.plan(workspace, "r2", "production"), "kinder")
    look(workspace)
    return workspace


def pointer(workspace: Workspace) -> Environment:
    return workspace.store.at().environment("production")


def rollout(workspace: Workspace) -> Rollout:
    found = pointer(workspace).rollout
    assert found is not None
    return found


def third(workspace: Workspace, tmp_path: Path) -> None:
    add_prompt(workspace, tmp_path / "p", "Answer at length.\n\n{{context}}\n")
    stage_all(workspace, "prompt/support")


def canary_user(workspace: Workspace) -> str:
    """Somebody whom the store gives the canary."""
    found = rollout(workspace)
    at = workspace.clock.now()
    client = Client(workspace.live("production"), check_seconds=0, wall=lambda: at.timestamp())
    user = next(f"u{n}" for n in range(200) if client.resolve(f"u{n}").arm == "canary")
    client.close()
    assert found.percent
    return user


# -- how an attempt ended --------------------------------------------------------------------------


def test_the_record_says_how_the_attempt_ended_whose_place_was_taken(
    workspace: Workspace, tmp_path: Path
) -> None:
    third(workspace, tmp_path)
    traffic(workspace, 2)
    old = rollout(workspace)
    done = apply(workspace, promote.plan(workspace, "r3", "production", supersede=True), "newer").record
    kept = workspace.store.at().operation(done.id)
    assert kept is not None and kept.ended is not None and kept.ended == done.ended
    ended = kept.ended
    assert (ended.attempt, ended.release, ended.state) == (old.attempt, "r2", "superseded")
    assert ended.percent == 25 and ended.step == 0 and ended.findings
    assert "r2 is superseded at 25 %" in done.summary
    assert status(workspace, "production").took_place == "r2 is superseded at 25 %"
    entry = next(one for one in newest(workspace.store, 5) if one.id == done.id)
    told = "\n".join(
        "".join(part.text for part in line)
        for line in detail_lines(workspace.store.at(), entry, workspace.clock.now())
    )
    assert "ended  r2 is superseded at 25 %; " in told
    shown = rollout_view(Watcher(workspace).scene("production"))
    assert any(
        "r2 is superseded at 25 %" in "".join(part.text for cell in row.cells for part in cell)
        for row in shown.records.rows
    )


def test_a_promotion_without_a_rollout_before_it_ended_none(workspace: Workspace) -> None:
    record = workspace.store.at().operation(rollout(workspace).attempt)
    assert record is not None and record.ended is None


def test_what_was_taken_back_says_its_findings_and_the_way_out(workspace: Workspace) -> None:
    traffic(workspace, 5, canary_errors=9, scored=False)
    (record,) = look(workspace).records
    now = status(workspace, "production")
    assert record.rollout is not None and now.last == record.rollout.findings and now.last
    assert now.way_out is not None and now.way_out.startswith("`lockgate clear r2 ")
    assert not now.looked_at


def test_an_abort_may_be_tried_again(workspace: Workspace) -> None:
    apply(workspace, verbs.abort(workspace, "production"), "x")
    assert "`lockgate promote r2 --to production`" in (status(workspace, "production").way_out or "")


def test_what_was_detected_counts_to_the_kill_file(workspace: Workspace) -> None:
    class Stopped(BaseException):
        pass

    def point(name: str) -> None:
        if name == "killed":
            raise Stopped

    traffic(workspace, 5, canary_errors=9, scored=False)
    decided = workspace.clock.now() - rollout(workspace).stages[-1].since
    with pytest.raises(Stopped):
        look(workspace, point=point)
    tick(workspace, workspace.clock.now() + timedelta(minutes=2))
    (record,) = look(workspace).records
    assert record.kind == "rollback" and record.rollout is not None
    assert record.rollout.seconds_to_detect == decided.total_seconds()


# -- who is served what, here and now --------------------------------------------------------------


def test_why_says_what_a_client_here_serves(workspace: Workspace) -> None:
    user = canary_user(workspace)
    before = why(workspace, user, "production")
    assert (before.release, before.arm, before.source) == ("r2", "canary", "live")
    kill = kill_path(workspace.live("production"))
    kill.write_text(json.dumps({"epoch": before.generation + 1, "reason": "by hand"}))
    killed = why(workspace, user, "production")
    assert (killed.release, killed.arm) == ("r1", "stable")
    assert "a kill file keeps everybody on stable (by hand)" in killed.reason
    assert "the store says r2 (canary)" in killed.reason
    kill.unlink()
    tick(workspace, workspace.clock.now() + timedelta(minutes=20))
    late = why(workspace, user, "production")
    assert (late.release, late.arm) == ("r1", "stable") and "ran out" in late.reason
    workspace.live("production").unlink()
    absent = why(workspace, user, "production")
    assert (absent.release, absent.source) == ("r2", "store") and "so says the store" in absent.reason


def test_why_knows_nothing_of_what_is_to_come(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"2030-01-01 00:00 UTC is still to come"):
        why(workspace, "ana", "production", datetime.fromisoformat("2030-01-01T00:00:00+00:00"))


# -- what is wrong ---------------------------------------------------------------------------------


def test_a_key_that_is_not_set_is_told_with_the_rest_of_the_status(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMETHEUS_TOKEN_X", raising=False)
    text = (workspace.root / "settings.toml").read_text()
    (workspace.root / "settings.toml").write_text(
        'prometheus = "http://127.0.0.1:9"\n'
        + text.replace("[keys]", '[keys]\n"127.0.0.1" = "PROMETHEUS_TOKEN_X"')
    )
    fresh = Workspace(workspace.root, workspace.clock)
    look(fresh)
    now = status(fresh, "production")
    assert now.trouble is not None and "PROMETHEUS_TOKEN_X" in now.trouble
    assert now.rollout is not None and now.trouble_since == fresh.clock.now()


def test_what_controller_and_worker_could_not_do_reaches_the_status(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> object:
        raise InputError("the price is not known")

    monkeypatch.setattr("console.controller.work_grading.gradings", lambda _: [])
    monkeypatch.setattr("evals.live.envelopes.Envelopes.prune", refused)
    beat(workspace, ("production: the canary is not served here", "staging: its disk is full"), {}, {})
    work_once(workspace)
    now = status(workspace, "production")
    assert now.problems == (
        "production: the canary is not served here",
        "sampled requests are not forgotten: the price is not known",
    )
    tick(workspace, workspace.clock.now() + timedelta(minutes=10))
    assert status(workspace, "production").problems == ()


# -- before it begins ------------------------------------------------------------------------------

SHADOWED = RolloutPolicy(
    steps=(Step(percent=10, shadow=True), Step(percent=25, hold_minutes=3), Step(percent=100)),
    triggers=TRIGGERS,
)


def test_a_shadow_step_that_cannot_work_is_not_begun(tmp_path: Path) -> None:
    workspace = stepped(tmp_path, SHADOWED)
    plan = promote.plan(workspace, "r2", "production")
    said = [check.text for check in plan.unmet]
    assert len(said) == 2 and all("price of model 'gpt-4o-2024-08-06' is not known" in one for one in said)
    assert "cannot replay r2" in said[0] and "cannot replay r1" in said[1]
    with pytest.raises(Blocked, match=r"under \[prices\]"):
        apply(workspace, plan, "go")
    with (workspace.root / "settings.toml").open("a") as file:
        file.write('\n[prices]\n"gpt-4o-2024-08-06" = { input = 2.5, output = 10 }\n')
        file.write('[shadow_keys]\n"api.openai.com" = "SHADOW_KEY"\n')
    priced = Workspace(workspace.root, workspace.clock)
    assert promote.plan(priced, "r2", "production").unmet == ()


def test_a_promotion_during_the_watch_says_that_it_ends_it(workspace: Workspace, tmp_path: Path) -> None:
    apply(workspace, verbs.advance(workspace, "production", full=True, override="x"), "x")
    third(workspace, tmp_path)
    for plan in (
        promote.plan(workspace, "r3", "production"),
        switch.plan(workspace, "prompt/support@v3", "production"),
    ):
        warned = [check.text for check in plan.checks if check.verdict == "warn"]
        assert any("r2 is watched in production until" in one and "ends the watch" in one for one in warned)


def test_the_plan_of_a_rollback_says_what_it_leaves(workspace: Workspace) -> None:
    effects = " ".join(rollback.plan(workspace, "production").effects)
    assert "r2 is marked rejected" in effects and "a hold on everything stays" in effects
    assert "rejected" not in " ".join(verbs.abort(workspace, "production").effects)


# -- what it waits for -----------------------------------------------------------------------------


def test_a_freeze_is_told_while_nothing_has_begun(tmp_path: Path) -> None:
    workspace = stepped(tmp_path)
    apply_again(workspace, promote.plan(workspace, "r2", "production"), "kinder")
    now = workspace.clock.now()
    freeze = Freeze(reason="xmas", since=now, until=now + timedelta(days=3))
    frozen = pointer(workspace).model_copy(update={"freezes": (freeze,)})
    store = workspace.store
    with store.writing() as writer:
        files = {"environments/production.toml": write_toml(frozen)}
        writer.commit(store.tip(), files, "freeze", workspace.person, now)
    look(workspace)
    assert rollout(workspace).state == "pending"
    assert "frozen until" in (status(workspace, "production").frozen or "")
    assert "frozen until" in rollout_view(Watcher(workspace).scene("production")).alarm


def test_what_a_step_waits_for_is_a_sentence(workspace: Workspace) -> None:
    def said() -> str:
        plan = verbs.advance(workspace, "production")
        return next(check.text for check in plan.unmet if check.name == "analysis")

    assert said().startswith("the step still waits for 3 more healthy minutes")
    traffic(workspace, 6, scored=False)
    tick(workspace, workspace.clock.now() + timedelta(days=266))
    told = said()
    assert told.startswith("the step does not go on yet: ") and "?." not in told and told[-1] in ".?!"


def test_a_rollout_that_is_over_is_one_record_after_another(workspace: Workspace) -> None:
    apply(workspace, verbs.abort(workspace, "production"), "x")
    found = Watcher(workspace).scene("production").records
    assert [one.kind for one in found if isinstance(one, Operation)] == ["abort", "advance", "promote"]
