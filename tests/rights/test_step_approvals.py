"""Steps of a rollout that want a yes: as many as the policy says, signed, and for this attempt only."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.operations import promote
from console.operations.apply import apply
from console.operations.rollout import verbs
from store.errors import Blocked
from store.records.policy import ApprovalPolicy
from store.records.rollout import Rollout
from store.records.rollout_policy import RolloutPolicy, Step
from store.workspace import Workspace
from tests.operations.rollouts import QUICK, traffic
from tests.rights.team import Team, policy, team
from tests.signing.keyring import wants_ssh_keygen

pytestmark = wants_ssh_keygen
STEPS = QUICK.model_copy(
    update={"steps": (Step(percent=25, hold_minutes=3), Step(percent=50, approval=True), Step(percent=100))}
)


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    """r2 is on its way, at 25 %; the next step wants the yes of Bo or Cy."""
    rules = policy(ApprovalPolicy(count=1), rollout=RolloutPolicy.model_validate(STEPS.model_dump()))
    found = team(tmp_path, rules)
    from console.operations.approval import give

    found.do("bo", give.plan(found.as_("bo"), "r2", "production"))
    found.do("ana", promote.plan(found.as_("ana"), "r2", "production"))
    assert [one.kind for one in look(found.as_("ana")).records] == ["advance"]
    return found


def at_the_gate(acme: Team) -> Workspace:
    """Lets the first step go by."""
    here = acme.as_("ana")
    for _ in range(10):
        traffic(here, 3)
        look(here)
        if rollout(here).state == "awaiting approval":
            return here
    raise AssertionError(rollout(here).reason)


def rollout(here: Workspace) -> Rollout:
    found = here.store.at().environment("production").rollout
    assert found is not None
    return found


def test_the_controller_goes_on_once_somebody_else_says_yes(acme: Team) -> None:
    here = at_the_gate(acme)
    with pytest.raises(Blocked, match="r2 was made by Ana"):
        acme.do("ana", verbs.approve(here, "production"))
    with pytest.raises(Blocked, match="1 more signed approval wanted"):
        acme.do("ana", verbs.advance(here, "production"))
    acme.do("cy", verbs.approve(acme.as_("cy"), "production"), "figures look fine")
    (yes,) = rollout(here).approvals
    assert yes.by.name == "Cy" and yes.signature and yes.attempt == rollout(here).attempt
    done = look(acme.as_("ana"))
    assert [one.kind for one in done.records] == ["advance"] and rollout(here).percent == 50
    assert [one.by.name for one in done.records[0].approvals] == ["Cy"]


def test_a_yes_that_nobody_signed_moves_nothing(acme: Team) -> None:
    """Somebody writes Bo's name into the pointer by hand."""
    here = at_the_gate(acme)
    from store.bounded import write_toml
    from store.records.base import Person
    from tests.rights.forging import forge

    acme.do("cy", verbs.approve(acme.as_("cy"), "production"))
    pointer = here.store.at().environment("production")
    assert pointer.rollout is not None
    (yes,) = pointer.rollout.approvals
    false = yes.model_copy(update={"by": Person(name="Bo", email="bo@example.org")})
    moved = pointer.model_copy(update={"rollout": pointer.rollout.model_copy(update={"approvals": (false,)})})
    forge(here, {"environments/production.toml": write_toml(moved)})
    done = look(acme.as_("ana"))
    assert not done.records and any("the yes of Bo does not count" in one for one in done.problems)
    assert rollout(here).percent == 25


def test_a_retry_wants_its_own(acme: Team) -> None:
    here = at_the_gate(acme)
    acme.do("cy", verbs.approve(acme.as_("cy"), "production"))
    acme.do("ana", verbs.abort(here, "production"))
    again = promote.plan(acme.as_("ana"), "r2", "production")
    assert [check.name for check in again.unmet] == ["approval"]
    with pytest.raises(Blocked, match="it carried a promotion already"):
        apply(acme.as_("ana"), again, "again")
