"""Promotions by steps, moved by the controller and by people, on observations of the real client."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.operations import promote, rollback, switch
from console.operations.apply import apply, apply_again
from console.operations.reconcile import CANARY_LASTS, reconcile
from console.operations.rollout import verbs
from console.operations.rollout.status import status
from console.operations.rollout.why import why
from lockgate_client import Client
from store.errors import Blocked, InputError
from store.history.newest import newest
from store.kill_file import read_kill
from store.records.environment import Environment
from store.workspace import Workspace
from tests.operations.rollouts import stepped, traffic
from tests.support.workspaces import add_prompt, stage_all, tick


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return stepped(tmp_path)


def begin(workspace: Workspace, release: str = "r2") -> None:
    """Promotes and lets the controller begin the first step."""
    apply_again(workspace, promote.plan(workspace, release, "production"), "kinder")
    assert [one.kind for one in look(workspace).records] == ["advance"]


def pointer(workspace: Workspace) -> Environment:
    return workspace.store.at().environment("production")


def state(workspace: Workspace) -> str:
    rollout = pointer(workspace).rollout
    assert rollout is not None
    return f"{rollout.state} {rollout.step} {rollout.percent:g}"


def live(workspace: Workspace) -> dict[str, object]:
    found: dict[str, object] = json.loads(workspace.live("production").read_text())
    return found


def test_a_promotion_waits_for_a_controller_and_then_serves_its_first_users(workspace: Workspace) -> None:
    plan = promote.plan(workspace, "r2", "production")
    assert plan.after == "r1" and "25 % of users, 50 % of users, 100 % of users" in plan.effects[0]
    record = apply(workspace, plan, "kinder").record
    assert record.rollout is not None and record.rollout.attempt == record.id
    assert state(workspace) == "pending -1 0" and live(workspace)["canary"] is None
    assert [one.rollout.step for one in look(workspace).records if one.rollout] == [0]
    document = live(workspace)
    assert document["percent"] == 25 and document["canary"]["release"] == "r2"  # type: ignore[index]
    assert document["stable"]["release"] == "r1" and document["salt"] == record.id  # type: ignore[index]
    assert look(workspace).records == ()  # nothing is known yet, so nothing moves


def test_a_good_release_climbs_to_everybody_and_every_step_has_its_record(workspace: Workspace) -> None:
    begin(workspace)
    kinds = []
    for _ in range(30):
        traffic(workspace, 1, per_minute=120)
        kinds += [one.kind for one in look(workspace).records]
        if pointer(workspace).stable == "r2":
            break
    assert kinds == ["advance", "advance"] and state(workspace) == "succeeded 2 0"
    first = newest(workspace.store)[0]
    assert first.kind == "advance" and "Deployed prompt support v2 (changed tone)" in first.summary
    record = workspace.store.at().operation(first.id)
    assert record is not None and record.rollout is not None
    quality = next(one for one in record.rollout.findings if one.metric == "quality")
    assert quality.outcome == "pass" and quality.canary_samples > 20 and quality.control_samples > 20
    assert live(workspace)["canary"] is None and live(workspace)["stable"]["release"] == "r2"  # type: ignore[index]
    tick(workspace, workspace.clock.now() + timedelta(days=1))
    assert look(workspace).records == (), "a clock may have jumped"
    tick(workspace, workspace.clock.now() + timedelta(minutes=10))
    assert [one.kind for one in look(workspace).records] == ["settle"]


def test_a_plan_tells_how_long_each_step_takes_at_the_traffic_seen(workspace: Workspace) -> None:
    def outlook() -> list[str]:
        plan = promote.plan(workspace, "r2", "production")
        assert plan.unmet == ()
        return [f"{one.verdict}: {one.text}" for one in plan.checks if one.name == "outlook"]

    assert outlook() == ["warn: production reports no traffic yet: its steps will wait for some"]
    traffic(workspace, 3, per_minute=60)
    first, second = outlook()[:2]
    assert first.startswith("ok: step 1 (25 %) notices a drop of 30 points in about")
    assert "min at today's traffic" in first
    assert second.startswith("ok: step 2 (50 %)")
    tick(workspace, workspace.clock.now() + timedelta(days=3))
    traffic(workspace, 3, per_minute=4, scored=False)
    assert "scores no answers: it cannot notice a drop of quality" in outlook()[0]


def test_a_bad_release_is_taken_back_with_its_evidence_and_stays_away(workspace: Workspace) -> None:
    begin(workspace)
    for _ in range(20):
        traffic(workspace, 1, canary_quality=0.2)
        records = look(workspace).records
        if records:
            break
    (record,) = records
    assert record.kind == "rollback" and record.by.name.startswith("Lockgate controller for")
    assert record.rollout is not None and record.rollout.state == "rolled back"
    assert record.rollout.seconds_to_detect is not None and record.rollout.seconds_to_detect < 15 * 60
    blocked = [one for one in record.rollout.findings if one.outcome == "block"]
    assert [one.metric for one in blocked] == ["quality"]
    assert blocked[0].canary == pytest.approx(0.2) and blocked[0].control == pytest.approx(0.9)
    assert "quality" in record.why.lower() and "Rolled back to prompt support v1" in record.summary
    after = pointer(workspace)
    assert after.stable == "r1" and [one.component for one in after.holds] == ["*"]
    assert after.rejected[0].pins == ("prompt/support@v2",)
    assert live(workspace)["canary"] is None and read_kill(workspace.live("production")) is None
    with pytest.raises(Blocked, match="r2 was rolled back in production"):
        apply(workspace, promote.plan(workspace, "r2", "production"), "again")


def test_a_step_holds_for_whole_minutes_whatever_the_clock_shows(workspace: Workspace) -> None:
    tick(workspace, workspace.clock.now() + timedelta(seconds=50))
    begin(workspace)
    traffic(workspace, 2, per_minute=200)  # in three minutes of the clock
    assert look(workspace).records == () and state(workspace) == "progressing 0 25"
    traffic(workspace, 1, per_minute=200)
    assert [one.kind for one in look(workspace).records] == ["advance"]


def test_errors_of_the_canary_alone_take_it_back(workspace: Workspace) -> None:
    begin(workspace)
    traffic(workspace, 5, canary_errors=5, scored=False)
    (record,) = look(workspace).records
    assert record.kind == "rollback" and record.rollout is not None
    assert [one.metric for one in record.rollout.findings if one.outcome == "block"] == ["error_rate"]


def test_without_traffic_it_waits_and_with_traffic_it_goes_on(workspace: Workspace) -> None:
    begin(workspace)
    tick(workspace, workspace.clock.now() + timedelta(minutes=11))
    (record,) = look(workspace).records
    assert record.kind == "pause" and state(workspace) == "paused 0 25"
    assert "no request" in record.why
    assert look(workspace).records == ()
    traffic(workspace, 1)
    assert look(workspace).records == (), "one busy minute is no traffic yet"
    traffic(workspace, 2)
    assert [one.kind for one in look(workspace).records] == ["resume"]


def test_a_harmful_answer_freezes_at_once_and_takes_back_when_it_is_confirmed(workspace: Workspace) -> None:
    begin(workspace)
    now = workspace.clock.now
    client = Client(workspace.live("production"), check_seconds=0, wall=lambda: now().timestamp())
    unit = next(f"u{n}" for n in range(100) if client.resolve(f"u{n}").arm == "canary")
    client.observe(client.resolve(unit), request_id="bad", unit=unit, latency_ms=9, harmful=True)
    client.flush()
    (record,) = look(workspace).records
    assert record.kind == "pause" and "harmful" in record.why and state(workspace) == "paused 0 25"
    with pytest.raises(Blocked, match="harmful"):
        apply(workspace, verbs.advance(workspace, "production", override="hurry"), "hurry")
    client.amend("bad", confirmed=True)
    client.close()
    (record,) = look(workspace).records
    assert record.kind == "rollback" and "harmful" in record.summary.lower()


def test_people_may_advance_pause_resume_and_abort(workspace: Workspace) -> None:
    apply(workspace, promote.plan(workspace, "r2", "production"), "kinder")
    salt = pointer(workspace).rollout.salt  # type: ignore[union-attr]
    apply(workspace, verbs.advance(workspace, "production"), "go")
    assert state(workspace) == "progressing 0 25"
    with pytest.raises(Blocked, match=r"still waits for 3 more healthy minutes"):
        apply(workspace, verbs.advance(workspace, "production"), "go")
    apply(workspace, verbs.advance(workspace, "production", override="friends and family"), "go")
    assert state(workspace) == "progressing 1 50"
    apply(workspace, verbs.pause(workspace, "production"))
    traffic(workspace, 5)
    assert look(workspace).records == () and state(workspace) == "paused 1 50"
    apply(workspace, verbs.resume(workspace, "production"), "lunch is over")
    assert pointer(workspace).rollout.salt == salt  # type: ignore[union-attr]
    apply(workspace, verbs.abort(workspace, "production"))
    assert state(workspace) == "aborted 1 0" and live(workspace)["canary"] is None
    assert pointer(workspace).rejected == ()
    with pytest.raises(InputError, match="no rollout is on its way in production; the last one"):
        verbs.pause(workspace, "production")
    apply(workspace, promote.plan(workspace, "r2", "production"), "again")
    assert pointer(workspace).rollout.salt == salt  # type: ignore[union-attr]
    apply(workspace, verbs.advance(workspace, "production", full=True, override="no traffic here"), "go")
    assert pointer(workspace).stable == "r2"


def test_another_release_waits_or_takes_the_place(workspace: Workspace, tmp_path: Path) -> None:
    begin(workspace)
    add_prompt(workspace, tmp_path / "p", "Answer at length.\n\n{{context}}\n")
    stage_all(workspace, "prompt/support")
    with pytest.raises(Blocked, match=r"r2 is progressing at 25 % in production.*--supersede"):
        apply(workspace, promote.plan(workspace, "r3", "production"), "newer")
    with pytest.raises(Blocked, match="a rollout of r2 is progressing"):
        apply(workspace, switch.plan(workspace, "prompt/support@v3", "production"), "now")
    old = pointer(workspace).rollout
    apply(workspace, promote.plan(workspace, "r3", "production", supersede=True), "newer")
    new = pointer(workspace).rollout
    assert old is not None and new is not None
    assert (new.release, new.stable, new.state) == ("r3", "r1", "pending") and new.salt != old.salt


def test_a_rollback_during_a_rollout_takes_the_canary_away(workspace: Workspace) -> None:
    begin(workspace)
    plan = rollback.plan(workspace, "production")
    assert (plan.before, plan.after) == ("r1", "r1")
    apply(workspace, plan, "users complain")
    after = pointer(workspace)
    assert state(workspace) == "rolled back 0 0" and after.stable == "r1"
    assert after.rejected[0].release == "r2" and after.holds[0].reason == "users complain"
    assert live(workspace)["canary"] is None


def test_a_rollback_of_what_the_canary_left_alone_ends_the_rollout_too(
    workspace: Workspace, tmp_path: Path
) -> None:
    for release in ("r2", "r3"):
        if release == "r3":
            add_prompt(workspace, tmp_path / "g", "Greet.\n", name="greeting")
            stage_all(workspace, "prompt/greeting")
        apply(workspace, promote.plan(workspace, release, "production"), "x")
        if release == "r2":
            apply(workspace, verbs.advance(workspace, "production", full=True, override="x"), "x")
    look(workspace)
    apply(workspace, rollback.plan(workspace, "production", ["prompt/support"]), "tone")
    after = pointer(workspace)
    assert after.stable == "r1" and state(workspace) == "aborted 0 0"
    assert [one.pins for one in after.rejected] == [("prompt/support@v2",)]


def test_why_a_user_got_what_they_got_now_and_then(workspace: Workspace) -> None:
    before = workspace.clock.now()
    tick(workspace, before + timedelta(hours=1))
    begin(workspace)
    client = Client(workspace.live("production"), check_seconds=0, wall=lambda: before.timestamp())
    for unit in ("ana", "ben", "cleo", "dora", "emil"):
        got, told = client.resolve(unit), why(workspace, unit, "production")
        assert (told.release, told.arm, told.bucket) == (got.release, got.arm, got.bucket)
        assert told.step == 1 and told.generation == got.generation
    then = why(workspace, "ana", "production", before)
    assert (then.release, then.arm, then.step) == ("r1", "stable", None)
    with pytest.raises(InputError, match="the store begins after"):
        why(workspace, "ana", "production", before - timedelta(days=400))


def test_a_canary_lasts_only_while_a_controller_looks(workspace: Workspace) -> None:
    begin(workspace)
    until = live(workspace)["valid_until"]
    tick(workspace, workspace.clock.now() + timedelta(minutes=5))
    reconcile(workspace)
    assert live(workspace)["valid_until"] == until  # a person's command prolongs nothing
    look(workspace)
    assert str(live(workspace)["valid_until"]) > str(until)
    assert not status(workspace, "production").unattended
    at = workspace.clock.now() + CANARY_LASTS
    assert (
        Client(workspace.live("production"), wall=lambda: at.timestamp()).resolve("ana").reason == "expired"
    )
    tick(workspace, at)
    assert status(workspace, "production").unattended


def test_evidence_that_cannot_be_read_is_no_evidence_and_after_a_while_an_error(workspace: Workspace) -> None:
    begin(workspace)
    (workspace.state / "observations.sqlite").write_bytes(b"no database at all" * 300)
    first = look(workspace)
    assert first.records == () and first.problems == ()
    tick(workspace, workspace.clock.now() + timedelta(minutes=16))
    (record,) = look(workspace).records
    assert record.kind == "error" and state(workspace) == "errored 0 0"
    assert pointer(workspace).rejected == ()
