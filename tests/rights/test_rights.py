"""Who may do what: looked at when planning, again when applying, and the same for people and controllers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.operations import freeze, note, promote, rollback, switch
from console.operations.policy import plan as policy_plan
from console.operations.rights import with_rights
from store.errors import Blocked
from store.records.policy import Policy
from store.rules.rights import lacking, may, wanted
from tests.commands.conftest import Lockgate
from tests.rights.team import Team, policy, team
from tests.signing.keyring import wants_ssh_keygen

pytestmark = wants_ssh_keygen
ROLES = {"managers": ("ana@example.org",), "oncall": ("cy@example.org", "*@ops.example.org")}
MAY = {"promote": ("managers",), "rollback": ("managers", "oncall"), "policy": ("managers",)}


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    """Ana may promote; she and Cy may roll back; everybody may do the rest."""
    return team(tmp_path, policy(may=MAY, roles=ROLES))


def test_who_may_not_is_told_who_may(acme: Team) -> None:
    bo = acme.as_("bo")
    plan = with_rights(bo, promote.plan(bo, "r2", "production"))
    assert [check.name for check in plan.unmet] == ["right"]
    with pytest.raises(
        Blocked, match=r"bo@example.org has no right to promote in production; .* gives it to managers"
    ):
        acme.do("bo", promote.plan(bo, "r2", "production"))
    acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production"))


def test_who_may_only_go_back_may_go_to_what_served(acme: Team) -> None:
    acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production"))
    with pytest.raises(Blocked, match="no right to rollback"):
        acme.do("bo", rollback.plan(acme.as_("bo"), "production", ["prompt"]))
    acme.do("cy", rollback.plan(acme.as_("cy"), "production"), "vague")


def test_switching_back_is_going_back(acme: Team) -> None:
    acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production"))
    acme.do("cy", switch.plan(acme.as_("cy"), "prompt/support@v1", "production"), "short again")
    with pytest.raises(Blocked, match=r"cy@example.org has no right to promote"):
        acme.do("cy", promote.plan(acme.as_("cy"), "r2", "production"))


def test_what_is_not_named_everybody_may(acme: Team) -> None:
    here = acme.as_("bo")
    acme.do("bo", note.plan(here, here.store.at().environment("production").record or "", "seen"))
    from store.history.moments import coming

    acme.do("bo", freeze.plan(here, "production", coming("2d", acme.clock.now())), "the fair")


def test_rights_to_change_rights(acme: Team) -> None:
    with pytest.raises(Blocked, match=r"bo@example.org has no right to policy"):
        acme.do("bo", policy_plan(acme.as_("bo"), policy()))
    acme.do("ana", policy_plan(acme.as_("ana"), policy()))
    acme.do("bo", promote.plan(acme.as_("bo"), "r2", "production"))


def test_what_changes_between_plan_and_commit_counts(acme: Team) -> None:
    """Ana loses the right after she planned and before she applies."""
    here = acme.as_("ana")
    plan = promote.plan(here, "r2", "production")
    acme.do("ana", policy_plan(here, policy(may={**MAY, "promote": ("bo@example.org",)}, roles=ROLES)))
    with pytest.raises(Blocked, match=r"ana@example.org has no right to promote"):
        acme.do("ana", plan)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('may = {promote = ["nobody"]}\n', "'nobody' is neither an address, nor one of"),
        ('may = {jump = ["ana@example.org"]}\n', "jump"),
        ('roles = {"x" = ["y"]}\n', "the role x holds 'y', which is no address"),
        ('may = {promote = ["a b@c"]}\n', "promote"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(
    acme: Team, lockgate: Lockgate, tmp_path: Path, text: str, says: str
) -> None:
    acme.as_("ana")
    file = tmp_path / "lockgate.toml"
    file.write_text(text + '[[environments]]\nname = "staging"\n')
    done = lockgate("-C", acme.root, "policy", "set", "--from", file, "-m", "x")
    assert done.code == 2 and says.replace(", nor", " nor") in done.err.replace(", nor", " nor")


NAMES = st.sampled_from(["managers", "oncall", "ana@example.org", "*@ops.example.org", "*"])
RULES = st.dictionaries(st.sampled_from(["promote", "rollback", "policy"]), st.lists(NAMES).map(tuple))


@given(RULES, RULES, st.sampled_from(["ana@example.org", "x@ops.example.org", "eve@evil.example", ""]))
def test_the_environment_goes_before_the_store(
    whole: dict[str, tuple[str, ...]], here: dict[str, tuple[str, ...]], email: str
) -> None:
    rules: Policy = policy(may=whole or None, roles=ROLES)
    last = rules.environments[1].model_copy(update={"may": here or None})
    rules = rules.model_copy(update={"environments": (rules.environments[0], last)})
    members = {"managers": {"ana@example.org"}, "oncall": {"x@ops.example.org", "cy@example.org"}}
    for action in ("promote", "rollback", "policy"):
        people = here[action] if action in here else whole.get(action)
        allowed = people is None or any(
            one == "*"
            or one == email
            or email in members.get(one, ())
            or (one.startswith("*@") and email.endswith(one[1:]))
            for one in people
        )
        assert may(rules, action, "production", email) == allowed
        assert (not list(lacking(rules, ((action,),), "production", email))) == allowed


def test_every_kind_that_moves_users_wants_a_right() -> None:
    for kind in ("stage", "promote", "switch", "advance", "resume", "rollback", "abort", "policy", "approve"):
        assert wanted(kind), kind
    assert wanted("promote", overrides=True) == (("promote",), ("override",))
