"""The auditor's questions, asked of a store in which each of them has an answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.controller.tick import tick as look
from console.operations import promote, rollback, switch
from console.operations.approval import give, review
from console.operations.audit.questions.answer import Answer, Asked
from console.operations.audit.questions.catalogue import QUESTIONS
from console.operations.audit.questions.past import Past
from console.operations.conditions import BreakGlass
from console.operations.policy import plan as policy_plan
from store.errors import InputError
from store.records.policy import ApprovalPolicy
from tests.commands.conftest import Lockgate
from tests.operations.rollouts import QUICK, traffic
from tests.rights.forging import forge
from tests.rights.team import Team, policy, team
from tests.signing.keyring import key, wants_ssh_keygen
from tests.support.workspaces import NOON, tick

pytestmark = wants_ssh_keygen


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    """r2 was approved and promoted an hour after noon, taken back at two, forced in again at three; the
    policy gave the right to promote to Ana at four."""
    found = team(tmp_path, policy(ApprovalPolicy()))
    here = found.as_("ana")
    found.do("bo", give.plan(found.as_("bo"), "r2", "production"), "read it")
    tick(here, NOON + timedelta(hours=1))
    found.do("ana", promote.plan(found.as_("ana"), "r2", "production"), "longer answers")
    tick(here, NOON + timedelta(hours=2))
    found.do("cy", rollback.plan(found.as_("cy"), "production"), "answers got vague")
    tick(here, NOON + timedelta(hours=3))
    glass = promote.plan(found.as_("ana"), "r2", "production", override=BreakGlass("the fair begins"))
    found.do("ana", glass, "no time")
    tick(here, NOON + timedelta(hours=4))
    rules = policy(ApprovalPolicy(), may={"promote": ("managers",)}, roles={"managers": ("ana@example.org",)})
    found.do("ana", policy_plan(found.as_("ana"), rules), "only Ana")
    return found


def ask(acme: Team, name: str, **asked: Any) -> Answer:
    """The answer to the question `name`."""
    question = next(one for one in QUESTIONS if one.name == name)
    return question.answer(Past(acme.as_("ana")), Asked(**asked))


def column(answer: Answer, *names: str) -> list[Any]:
    """The cells below `names`, as rows."""
    return [tuple(row[name] for name in names) for row in answer.as_data()]


def test_every_change_to_an_environment_is_counted_against_the_commits(acme: Team) -> None:
    answer = ask(acme, "changes", environment="production")
    kinds = ["promote", "rollback", "promote", "approve", "promote"]
    assert [row[0] for row in column(answer, "kind")] == kinds
    assert (
        answer.said == "5 changes; 4 commits moved production, none of what is listed without a record."
        and not answer.wrong
    )
    part = ask(acme, "changes", environment="production", since=NOON + timedelta(minutes=90))
    assert len(part.rows) == 2
    here = acme.as_("ana")
    pointer = here.store.at().environment("production")
    from store.bounded import write_toml

    moved = pointer.model_copy(update={"generation": pointer.generation + 1})
    id = forge(here, {"environments/production.toml": write_toml(moved)}, by=key("ana"))
    bare = ask(acme, "changes", environment="production")
    assert bare.wrong and column(bare, "commit", "record")[0] == (id, None)
    assert "1 of what is listed without a record" in bare.said


def test_all_changes_are_all_commits(acme: Team) -> None:
    answer = ask(acme, "changes")
    assert len(answer.rows) == len(acme.as_("ana").store.history(acme.as_("ana").store.tip()))


@pytest.mark.parametrize(("hours", "prompt"), [(0.5, "v1"), (1.5, "v2"), (2.5, "v1"), (3.5, "v2")])
def test_what_ran_at_an_instant(acme: Team, hours: float, prompt: str) -> None:
    answer = ask(acme, "ran", environment="production", at=NOON + timedelta(hours=hours))
    assert ("prompt/support", prompt, 100.0) in column(answer, "component", "version", "users_percent")
    before = NOON - timedelta(days=1)
    with pytest.raises(InputError, match="the store begins after"):
        ask(acme, "ran", at=before)


def test_a_canary_ran_beside(tmp_path: Path) -> None:
    acme = team(tmp_path, policy(rollout=QUICK))
    here = acme.as_("ana")
    acme.do("ana", promote.plan(here, "r2", "production"))
    look(here)
    answer = ask(acme, "ran", environment="production")
    assert set(column(answer, "release", "users_percent")) == {("r1", 75.0), ("r2", 25.0)}
    began = here.clock.now()
    traffic(here, 3)
    acme.do("ana", rollback.plan(acme.as_("ana"), "production"), "vague")
    uses = column(
        ask(acme, "uses", what="prompt/support@v2"), "release", "environment", "arm", "since", "until"
    )
    assert ("r2", "production", "canary", f"{began:%Y-%m-%dT%H:%M:%SZ}", "2026-03-02T12:03:00Z") in uses
    (back,) = ask(acme, "rollbacks").as_data()
    assert (back["from_release"], back["to_release"], back["minutes_served"]) == ("r2", "r1", 3.0)


def test_changes_that_nobody_else_approved(acme: Team) -> None:
    answer = ask(acme, "unapproved", environment="production")
    (forced, first) = answer.as_data()
    assert forced["what"].startswith("nobody approved it; ")
    assert "approval was overridden: the fair begins" in forced["what"]
    assert first["release"] == "r1" and answer.said == "3 forward changes, 2 to ask about." and answer.wrong


def test_emergencies_wait_for_somebody_else(acme: Team) -> None:
    answer = ask(acme, "emergencies")
    (row,) = answer.as_data()
    assert answer.wrong and row["glass_broken"] == "yes" and row["reviewed_by"] is None
    assert row["conditions"] == "approval rejected"
    here = acme.as_("bo")
    tick(here, NOON + timedelta(hours=27))
    acme.do("bo", review.plan(acme.as_("bo"), row["record"]), "it was right")
    after = ask(acme, "emergencies")
    assert not after.wrong and column(after, "reviewed_by", "reviewed_after_days") == [("Bo", 1.0)]


def test_rollbacks_with_cause_and_time(acme: Team) -> None:
    (row,) = ask(acme, "rollbacks").as_data()
    assert (row["by"], row["automatic"], row["cause"]) == ("Cy", "no", "answers got vague")
    assert (row["from_release"], row["to_release"], row["minutes_served"]) == ("r2", "r1", 60.0)
    assert not ask(acme, "rollbacks", until=NOON).rows


def test_where_a_version_was_used(acme: Team) -> None:
    answer = ask(acme, "uses", what="prompt/support@v2", environment="production")
    spans = column(answer, "release", "arm", "since", "until")
    assert spans == [
        ("r2", "stable", "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z"),
        ("r2", "stable", "2026-03-02T15:00:00Z", None),
    ]
    every = ask(acme, "uses", what="prompt/support", environment="production")
    assert {row[0] for row in column(every, "version")} == {"prompt/support@v1", "prompt/support@v2"}
    period = ask(
        acme, "uses", what="prompt/support@v2", environment="production", since=NOON + timedelta(hours=3)
    )
    assert len(period.rows) == 1
    with pytest.raises(InputError, match="there is no prompt/other"):
        ask(acme, "uses", what="prompt/other")


def test_who_had_a_right_and_since_when(acme: Team) -> None:
    answer = ask(acme, "people", what="promote", environment="production")
    rows = column(answer, "since", "until", "who")
    assert [row[2] for row in rows] == ["everybody", "managers (ana@example.org)"]
    assert rows[0][1] == rows[1][0] == "2026-03-02T16:00:00Z"
    with pytest.raises(InputError, match="'jump' is no right; there are stage"):
        ask(acme, "people", what="jump")


def test_evidence_that_does_not_fit_any_more_is_named(acme: Team) -> None:
    good = ask(acme, "recheck")
    assert not good.wrong and {row[0] for row in column(good, "holds")} == {"yes"}
    forge(acme.as_("ana"), {"prompts/support/v1/system.md": b"Say anything.\n"})
    bad = ask(acme, "recheck")
    assert bad.wrong and "the files of prompt/support@v1 are not those that were bound" in str(bad.rows)


def test_a_switch_back_is_no_change_to_ask_about(acme: Team) -> None:
    before = len(ask(acme, "unapproved").rows)
    acme.do("ana", switch.plan(acme.as_("ana"), "prompt/support@v1", "production"), "shorter")
    assert len(ask(acme, "unapproved").rows) == before


@pytest.mark.parametrize("name", [one.name for one in QUESTIONS])
def test_every_question_from_the_shell(acme: Team, lockgate: Lockgate, name: str) -> None:
    question = next(one for one in QUESTIONS if one.name == name)
    argument = {"uses": ["prompt/support"], "people": ["promote"]}.get(name, [])
    words = ("-C", acme.root, "audit", name, *argument)
    answer = ask(acme, name, what=argument[0] if argument else "")
    table = lockgate(*words)
    said = answer.said.split(" UTC ")[-1]  # what ran is asked of now, by this machine's clock
    assert table.code == (1 if answer.wrong else 0) and table.out.rstrip().endswith(said), question
    as_json = lockgate(*words, "--json")
    assert len(as_json.data["rows"]) == len(answer.rows) and as_json.data["ok"] is not answer.wrong
    lines = lockgate(*words, "--format", "csv").out.splitlines()
    assert not answer.rows or lines[0] == ",".join(answer.head)
    assert not lockgate(*words, "--json", "--match", "no such thing").data["rows"]


def test_an_environment_that_is_not_there(acme: Team, lockgate: Lockgate) -> None:
    done = lockgate("-C", acme.root, "audit", "changes", "--env", "nowhere")
    assert done.code == 2 and "lockgate.toml has staging, production" in done.err
