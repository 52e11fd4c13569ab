"""Approvals: signed, for exactly one release, environment, policy and promotion, and never one's own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.operations import clear, promote, rollback
from console.operations.approval import give
from console.operations.policy import plan as policy_plan
from store.errors import Blocked, InputError, MachineryError
from store.records.policy import ApprovalPolicy
from tests.rights.team import Team, policy, team
from tests.signing.keyring import wants_ssh_keygen
from tests.support.workspaces import tick

pytestmark = wants_ssh_keygen


@pytest.fixture
def two(tmp_path: Path) -> Team:
    """Production wants the signed yes of two people."""
    return team(tmp_path, policy(ApprovalPolicy(count=2)))


@pytest.fixture
def one(tmp_path: Path) -> Team:
    """Production wants one."""
    return team(tmp_path, policy(ApprovalPolicy(count=1)))


def unmet(team: Team, release: str = "r2") -> str:
    """What a promotion still wants of approvals."""
    found = promote.plan(team.as_("ana"), release, "production").checks
    (check,) = [check for check in found if check.name == "approval"]
    return check.text if check.verdict == "unmet" else ""


def approve(team: Team, name: str, release: str = "r2") -> None:
    team.do(name, give.plan(team.as_(name), release, "production"), "looks right")


def test_as_many_people_as_are_wanted_and_not_who_made_it(two: Team) -> None:
    with pytest.raises(Blocked, match="2 more signed approvals wanted"):
        two.do("ana", promote.plan(two.as_("ana"), "r2", "production"))
    with pytest.raises(Blocked, match="r2 was made by Ana: somebody else has to approve it"):
        approve(two, "ana")
    approve(two, "bo")
    approve(two, "bo")
    assert "1 more signed approval wanted" in unmet(two)
    approve(two, "cy")
    done = two.do("ana", promote.plan(two.as_("ana"), "r2", "production"))
    assert [one.by.name for one in done.record.approvals] == ["Bo", "Cy"]
    assert two.as_("ana").store.at().environment("production").stable == "r2"


def test_one_without_a_key_is_refused_before_anything_happens(one: Team) -> None:
    here = one.as_("bo", signs=False)
    tip = here.store.tip()
    with pytest.raises(Blocked, match=r"only a signature counts here: name your key as signing_key"):
        one_plan = give.plan(here, "r2", "production")
        one_plan.demand()
    settings = one.root / "settings.toml"
    settings.write_text(settings.read_text() + 'signing_key = "/nowhere/key"\n')
    from console.operations.apply import apply
    from store.workspace import Workspace

    broken = Workspace(one.root, one.clock)
    with pytest.raises(MachineryError, match="could not be signed"):
        apply(broken, give.plan(broken, "r2", "production"), "x")
    assert broken.store.tip() == tip


def test_a_change_of_policy_voids_it(one: Team) -> None:
    approve(one, "bo")
    assert not unmet(one)
    one.do("ana", policy_plan(one.as_("ana"), policy(ApprovalPolicy(count=1, days=29))))
    assert "what lockgate.toml demands of production was changed after it" in unmet(one)


def test_it_carries_one_promotion_only(one: Team) -> None:
    approve(one, "bo")
    one.do("ana", promote.plan(one.as_("ana"), "r2", "production"))
    one.do("ana", rollback.plan(one.as_("ana"), "production"), "vague")
    one.do("ana", clear.plan(one.as_("ana"), "r2"), "mended elsewhere")
    assert "it carried a promotion already" in unmet(one)


def test_it_grows_old(one: Team) -> None:
    approve(one, "bo")
    here = one.as_("ana")
    tick(here, here.clock.now() + timedelta(days=31))
    assert "too long ago" in unmet(one)


def test_a_hand_written_one_does_not_count(one: Team) -> None:
    """Somebody with write access copies Bo's approval of r1 over to r2, or signs with their own key."""
    from store.bounded import write_toml
    from store.records.approval import approval_path
    from tests.rights.forging import forge

    approve(one, "bo")
    here = one.as_("bo")
    (real,) = here.store.at().approvals("production", "r2")
    for changed, why in (
        ({"by": real.by.model_copy(update={"name": "Cy", "email": "cy@example.org"})}, "other bytes"),
        ({"release_digest": "sha256:" + "0" * 64}, "it is for another r2"),
        ({"signature": None}, "it is not signed"),
    ):
        false = real.model_copy(update=changed)
        forge(here, {approval_path("production", "r2", real.id): write_toml(false)})
        assert why in unmet(one)


def test_without_a_list_of_signers_nothing_counts(one: Team) -> None:
    approve(one, "bo")
    one.signers.unlink()
    assert "cannot be read" in unmet(one)


def test_where_names_are_believed_no_key_is_wanted(tmp_path: Path) -> None:
    plain = team(tmp_path, policy(ApprovalPolicy(count=1, signed=False)))
    from console.operations.apply import apply

    here = plain.as_("bo", signs=False)
    apply(here, give.plan(here, "r2", "production"), "fine")
    assert not unmet(plain)


def test_what_makes_no_sense_is_refused(one: Team) -> None:
    here = one.as_("bo")
    with pytest.raises(InputError, match="staging wants no approvals"):
        give.plan(here, "r2", "staging")
    with pytest.raises(InputError, match="production serves r1 already"):
        give.plan(here, "r1", "production")
