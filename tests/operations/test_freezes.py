"""Nothing moves forward while an environment is frozen, and everything may go back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.operations import freeze, promote, rollback
from console.operations.apply import apply, apply_again
from console.operations.policy import plan as policy_plan
from console.operations.rollout import verbs
from console.operations.rollout.status import status
from store.errors import Blocked, InputError
from store.records.rollout import Rollout
from store.records.window import Window
from store.workspace import Workspace
from tests.operations.rollouts import QUICK, stepped, traffic
from tests.support.workspaces import promote_to, tick

NIGHT = Window(start="12:00", end="06:00", reason="nights and afternoons")


@pytest.fixture
def acme(tmp_path: Path) -> Workspace:
    """r1 serves production, r2 is staged; it is noon."""
    return stepped(tmp_path)


def rollout(workspace: Workspace) -> Rollout:
    found = workspace.store.at().environment("production").rollout
    assert found is not None
    return found


def windowed(workspace: Workspace, *windows: Window) -> None:
    """Writes `windows` into production's policy."""
    policy = workspace.store.at().policy
    staging, production = policy.environments
    changed = policy.model_copy(
        update={"environments": (staging, production.model_copy(update={"windows": windows}))}
    )
    apply_again(workspace, policy_plan(workspace, changed), "windows")


def test_a_freeze_blocks_promotions_until_it_is_over_or_lifted(acme: Workspace) -> None:
    now = acme.clock.now()
    done = apply(acme, freeze.plan(acme, "production", now + timedelta(days=3)), "the fair")
    assert done.record.kind == "freeze" and done.record.environment == "production"
    with pytest.raises(Blocked, match=r"production is frozen until 2026-03-05 12:00 UTC .the fair."):
        apply(acme, promote.plan(acme, "r2", "production"), "now")
    apply(acme, freeze.lift(acme, "production"), "the fair was called off")
    apply(acme, promote.plan(acme, "r2", "production"), "now")
    with pytest.raises(InputError, match="no freeze is on in production"):
        freeze.lift(acme, "production")


def test_a_window_of_the_policy_blocks_as_well_and_says_when_it_opens(acme: Workspace) -> None:
    windowed(acme, NIGHT)
    with pytest.raises(Blocked, match=r"frozen until 2026-03-03 06:00 UTC .nights and afternoons."):
        apply(acme, promote.plan(acme, "r2", "production"), "now")
    tick(acme, acme.clock.now() + timedelta(hours=18))
    apply(acme, promote.plan(acme, "r2", "production"), "in the morning")


def test_a_rollout_waits_through_a_window_and_goes_on_by_itself(acme: Workspace) -> None:
    tick(acme, acme.clock.now() - timedelta(minutes=4))
    windowed(acme, NIGHT)
    apply(acme, promote.plan(acme, "r2", "production"), "just in time")
    look(acme)
    assert rollout(acme).percent == QUICK.steps[0].percent
    traffic(acme, 5)
    assert [one.kind for one in look(acme).records] == ["pause"] and rollout(acme).pause == "freeze"
    assert "nights and afternoons" in (status(acme, "production").frozen or "")
    with pytest.raises(Blocked, match="nights and afternoons"):
        apply(acme, verbs.advance(acme, "production"), "hurry")
    tick(acme, acme.clock.now() + timedelta(hours=18))
    look(acme)  # nobody asked in the night: it waits for traffic now, which the canary gets again
    traffic(acme, 6)
    assert [one.kind for one in look(acme).records] == ["resume"]
    assert rollout(acme).state == "progressing"


def test_going_back_does_not_ask(acme: Workspace) -> None:
    promote_to(acme, "r2")
    look(acme)
    windowed(acme, Window(reason="closed"))
    apply(acme, freeze.plan(acme, "production", acme.clock.now() + timedelta(days=1)), "closed")
    apply(acme, rollback.plan(acme, "production"), "bad answers")
    assert acme.store.at().environment("production").stable == "r1"


def test_one_that_is_to_come_blocks_then(acme: Workspace) -> None:
    now = acme.clock.now()
    begins = now + timedelta(hours=1)
    apply(acme, freeze.plan(acme, "production", now + timedelta(hours=2), begins), "backup")
    assert not promote.plan(acme, "r2", "production").unmet
    tick(acme, begins)
    assert [check.name for check in promote.plan(acme, "r2", "production").unmet] == ["freeze"]


def test_what_makes_no_sense_is_refused(acme: Workspace) -> None:
    now = acme.clock.now()
    with pytest.raises(InputError, match="is over before it begins"):
        freeze.plan(acme, "production", now)
    with pytest.raises(InputError, match="is over before it begins"):
        freeze.plan(acme, "production", now + timedelta(hours=1), now + timedelta(hours=2))
    with pytest.raises(InputError, match="there is no environment"):
        freeze.plan(acme, "moon", now + timedelta(hours=1))
    with pytest.raises(InputError, match="wants a note"):
        apply(acme, freeze.plan(acme, "production", now + timedelta(hours=1)))
