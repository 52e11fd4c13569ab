"""Broken glass: it goes ahead, the record says so, and it is on the list until somebody else looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operations import promote
from console.operations.approval import review
from console.operations.conditions import BreakGlass
from console.operations.status import attention
from store.errors import Blocked, InputError
from store.records.policy import ApprovalPolicy, GatePolicy
from tests.commands.conftest import Lockgate
from tests.rights.team import Team, policy, team
from tests.signing.keyring import wants_ssh_keygen

pytestmark = wants_ssh_keygen


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    """Production wants an approval, and takes no overrides."""
    found = team(tmp_path, policy(ApprovalPolicy(), break_glass=True))
    return found


def test_it_answers_for_approvals_and_freezes_and_is_reviewed(acme: Team, lockgate: Lockgate) -> None:
    here = acme.as_("ana")
    frozen = lockgate("-C", acme.root, "freeze", "--env", "production", "--until", "2d", "-m", "the fair")
    assert frozen.code == 0
    words = ("-C", acme.root, "promote", "r2", "--to", "production", "-m", "outage")
    refused = lockgate(*words, "--override", "outage")
    assert refused.code == 1 and "approval" in refused.err
    done = lockgate(*words, "--break-glass", "checkout is down", "--json")
    assert done.code == 0 and done.data["emergency"] is True
    assert {one["condition"] for one in done.data["overrides"]} == {"approval", "freeze"}
    record = done.data["id"]
    assert any(f"lockgate review {record}" in one for one in attention(here, here.store.at()))
    assert "broke the glass" in lockgate("-C", acme.root, "status").out
    own = lockgate("-C", acme.root, "review", record, "-m", "looks fine to me")
    assert own.code == 1 and "somebody else has to review it" in own.err
    acme.as_("bo")
    assert lockgate("-C", acme.root, "review", record).code == 2
    seen = lockgate("-C", acme.root, "review", record, "-m", "read the incident, it was right", "--json")
    assert seen.code == 0 and (seen.data["kind"], seen.data["about"]) == ("review", record)
    assert not any("broke the glass" in one for one in attention(here, here.store.at()))
    again = lockgate("-C", acme.root, "review", record, "-m", "again")
    assert again.code == 2 and "nothing is: nobody broke the glass" in again.err


def test_it_answers_for_the_gate_where_no_override_does(tmp_path: Path) -> None:
    rules = policy(None)
    strict = rules.environments[1].model_copy(update={"gate": GatePolicy(allow_override=False)})
    acme = team(tmp_path, rules.model_copy(update={"environments": (rules.environments[0], strict)}))
    with pytest.raises(Blocked, match="allows no override"):
        acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production", override="trust me"))
    plan = promote.plan(acme.as_("ana"), "r2", "production", override=BreakGlass("outage"))
    assert acme.do("ana", plan).record.gate == "override"


def test_where_nothing_had_to_be_broken_nothing_is_reviewed(tmp_path: Path) -> None:
    acme = team(tmp_path, policy())
    done = acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production", override=BreakGlass("hurry")))
    assert not done.record.emergency
    assert acme.as_("ana").store.at().environment("production").reviews == ()


def test_an_environment_may_have_no_glass(tmp_path: Path) -> None:
    acme = team(tmp_path, policy(ApprovalPolicy(), break_glass=False))
    with pytest.raises(Blocked, match="production accepts no --break-glass"):
        promote.plan(acme.as_("ana"), "r2", "production", override=BreakGlass("hurry"))


def test_it_wants_the_right_to_override(tmp_path: Path) -> None:
    may = {"override": ("bo@example.org",)}
    acme = team(tmp_path, policy(ApprovalPolicy(), may=may))
    with pytest.raises(Blocked, match=r"ana@example.org has no right to override"):
        acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production", override=BreakGlass("hurry")))
    acme.do("bo", promote.plan(acme.as_("bo"), "r2", "production", override=BreakGlass("hurry")))


def test_both_answers_at_once_are_refused(acme: Team, lockgate: Lockgate) -> None:
    words = ("-C", acme.root, "promote", "r2", "--to", "production", "--override", "a", "--break-glass", "b")
    both = lockgate(*words)
    assert both.code == 2 and "not both" in both.err
    empty = lockgate("-C", acme.root, "promote", "r2", "--to", "production", "--break-glass", " ")
    assert empty.code == 2 and "--break-glass wants a reason" in empty.err


def test_what_is_not_on_the_list_is_refused(acme: Team) -> None:
    with pytest.raises(InputError, match="is not to be reviewed; nothing is"):
        review.plan(acme.as_("bo"), "01ARZ3NDEKTSV4RRFFQ69G5FAV")
