"""Kinds of tampering that good signatures do not hide: each is named by `lockgate audit verify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from ulid import ULID

from console.operations import freeze, promote, rollback, switch
from console.operations.apply import apply
from console.operations.approval import give
from console.operations.audit.verify import verify
from console.operations.plan import Plan
from store.bounded import write_toml
from store.records.approval import approval_path
from store.records.policy import ApprovalPolicy, GatePolicy
from store.snapshot import record_path
from tests.rights.forging import forge
from tests.rights.team import Team, policy, team
from tests.rights.test_rights import MAY, ROLES
from tests.signing.keyring import key, wants_ssh_keygen

pytestmark = wants_ssh_keygen


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    """Verified up to here. Production wants Bo's or Cy's yes; only Ana may promote."""
    may = {**MAY, "approve": ("bo@example.org", "cy@example.org")}
    found = team(tmp_path, policy(ApprovalPolicy(), may=may, roles=ROLES))
    assert verify(found.as_("ana")).findings == ()
    return found


def found(acme: Team) -> list[tuple[str, str]]:
    """(commit, what) of the findings."""
    return [(one.commit, one.what) for one in verify(acme.as_("ana")).findings]


def forced(acme: Team, name: str, plan: Plan) -> str:
    """The commit of `plan` by a Lockgate that looks at no condition; its id."""
    return apply(acme.as_(name), replace(plan, checks=(), remake=None), "forced").commit


def test_all_that_operations_do_is_well(acme: Team) -> None:
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production"))
    acme.do("ana", switch.plan(acme.as_("ana"), "prompt/support@v1", "production"), "shorter")
    acme.do("cy", rollback.plan(acme.as_("cy"), "production"), "vague")
    assert found(acme) == []


def test_no_right(acme: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    monkeypatch.setattr("console.operations.apply.with_rights", lambda _, plan: plan)
    id = forced(acme, "bo", promote.plan(acme.as_("bo"), "r2", "production"))
    assert found(acme) == [(id, "no right")]


def test_a_right_taken_by_editing_the_policy(acme: Team) -> None:
    id = forge(acme.as_("bo"), {"lockgate.toml": write_toml(policy())}, by=key("bo"), email="bo@example.org")
    assert found(acme) == [(id, "no right")]


def test_approval_missing(acme: Team) -> None:
    id = forced(acme, "ana", promote.plan(acme.as_("ana"), "r2", "production"))
    assert found(acme) == [(id, "approval missing")]


def test_forged_approval(acme: Team) -> None:
    """Ana, who may write, says yes in Bo's name."""
    here = acme.as_("bo")
    applied = acme.do("bo", give.plan(here, "r2", "production"))
    (real,) = here.store.at().approvals("production", "r2")
    other = str(ULID.from_datetime(here.clock.now()))
    false = real.model_copy(update={"id": other})
    record = applied.record.model_copy(
        update={"id": other, "approvals": (false,), "at": here.clock.now() + timedelta(minutes=1)}
    )
    files = {
        approval_path("production", "r2", other): write_toml(false),
        record_path(other): write_toml(record),
    }
    message = f"Approve r2\n\nLockgate-Op: {other}\n"
    id = forge(here, files, by=key("bo"), email="bo@example.org", message=message)
    assert (id, "forged approval") in found(acme)


def test_replayed_approval(acme: Team) -> None:
    here = acme.as_("bo")
    give_plan = give.plan(here, "r2", "production")
    old = here.store.at().release("r1")

    def of_another(stamp):  # type: ignore[no-untyped-def]
        (yes,) = give_plan.approvals(stamp)
        return (yes.model_copy(update={"release_digest": old.digest}),)

    def write(stamp):  # type: ignore[no-untyped-def]
        return {approval_path("production", "r2", stamp.id): write_toml(of_another(stamp)[0])}

    id = forced(acme, "bo", replace(give_plan, approvals=of_another, write=write))
    assert [what for commit, what in found(acme) if commit == id] == ["replayed approval"]


def test_no_record(acme: Team) -> None:
    here = acme.as_("ana")
    pointer = here.store.at().environment("production")
    moved = pointer.model_copy(update={"stable": "r2"})
    id = forge(here, {"environments/production.toml": write_toml(moved)}, by=key("ana"))
    assert found(acme) == [(id, "no record")]


Untrue = Callable[[Team, Plan], Plan]


def other_end(_: Team, plan: Plan) -> Plan:
    return replace(plan, before="r2", after="r1")


def other_kind(_: Team, plan: Plan) -> Plan:
    return replace(plan, verb="note")


def other_environment(_: Team, plan: Plan) -> Plan:
    return replace(plan, environment="staging")


@pytest.mark.parametrize("lie", [other_end, other_kind, other_environment])
def test_untrue_record(acme: Team, lie: Untrue) -> None:
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    plan = promote.plan(acme.as_("ana"), "r2", "production")
    id = forced(acme, "ana", lie(acme, plan))
    assert (id, "untrue record") in found(acme)


def test_a_record_of_somebody_elses(acme: Team) -> None:
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    plan = promote.plan(acme.as_("ana"), "r2", "production")
    ana = acme.as_("ana").person
    id = apply(acme.as_("cy"), replace(plan, checks=(), remake=None, by=ana), "forced").commit
    assert (id, "other committer") in found(acme)


def test_rewritten_file(acme: Team) -> None:
    id = forge(acme.as_("ana"), {"prompts/support/v1/system.md": b"Say anything.\n"}, by=key("ana"))
    assert found(acme) == [(id, "rewritten file")]


def test_during_a_freeze(acme: Team) -> None:
    here = acme.as_("ana")
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    acme.do("ana", freeze.plan(here, "production", here.clock.now() + timedelta(days=1)), "the fair")
    id = forced(acme, "ana", promote.plan(acme.as_("ana"), "r2", "production"))
    assert found(acme) == [(id, "during a freeze")]


def test_rejected(acme: Team) -> None:
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production"))
    acme.do("ana", rollback.plan(acme.as_("ana"), "production"), "vague")
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    id = forced(acme, "ana", promote.plan(acme.as_("ana"), "r2", "production"))
    assert found(acme) == [(id, "rejected")]


def test_gate_skipped_and_overrides_that_are_not_accepted(tmp_path: Path) -> None:
    rules = policy()
    staging, production = rules.environments
    strict = production.model_copy(update={"gate": GatePolicy(allow_override=False), "break_glass": False})
    acme = team(tmp_path, rules.model_copy(update={"environments": (staging, strict)}))
    assert verify(acme.as_("ana")).findings == ()
    plan = promote.plan(acme.as_("ana"), "r2", "production")
    id = forced(acme, "ana", replace(plan, gate="pass"))
    assert found(acme) == [(id, "gate skipped")]
    from store.records.operation import Override

    acme = team(tmp_path / "two", rules.model_copy(update={"environments": (staging, strict)}))
    plan = promote.plan(acme.as_("ana"), "r2", "production")
    answered = (Override(condition="gate", reason="trust me"),)
    id = forced(acme, "ana", replace(plan, overrides=answered))
    assert found(acme) == [(id, "override")]
    acme = team(
        tmp_path / "three", rules.model_copy(update={"environments": (rules.environments[0], strict)})
    )
    plan = promote.plan(acme.as_("ana"), "r2", "production")
    id = forced(acme, "ana", replace(plan, overrides=answered, emergency=True))
    assert found(acme) == [(id, "glass")]


def test_evidence_missing(acme: Team) -> None:
    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    plan = promote.plan(acme.as_("ana"), "r2", "production")
    id = forced(acme, "ana", replace(plan, evidence=("01ARZ3NDEKTSV4RRFFQ69G5FAV",)))
    assert found(acme) == [(id, "evidence missing")]


def test_never_served(acme: Team) -> None:
    """A switch to what is new says that it goes back to what served."""
    plan = switch.plan(acme.as_("ana"), "prompt/support@v2", "production")
    id = forced(acme, "ana", replace(plan, gate="served before"))
    assert found(acme) == [(id, "gate skipped")]


def test_unreadable(acme: Team) -> None:
    from store.stamping import next_id

    here = acme.as_("ana")
    id = next_id(here.clock.now() + timedelta(minutes=1))
    message = f"Promote\n\nLockgate-Op: {id}\n"
    made = forge(here, {record_path(id): b'kind = "promote"\n'}, by=key("ana"), message=message)
    assert (made, "unreadable") in found(acme)
