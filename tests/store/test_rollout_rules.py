"""The rollout's state machine: whatever is observed, in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from store.bounded import read_toml, write_toml
from store.records.approval import Approval
from store.records.base import Person
from store.records.environment import Environment, Freeze
from store.records.rollout import Rollout
from store.records.rollout_policy import FIVE_DAYS, FOUR_STEPS, RolloutPolicy, Step, Triggers
from store.rules import serving
from store.rules.rollout import Observed, decide, ended, paused
from store.rules.rollout_pointer import applied, begun, mark, without_rollout

ANA = Person(name="Ana")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
LADDER = RolloutPolicy(
    steps=(
        Step(percent=20, shadow=True),
        Step(percent=5, hold_minutes=10, min_scored=5),
        Step(percent=25, hold_minutes=10, approval=True),
        Step(percent=50, pause=True),
        Step(percent=100),
    )
)
READY = Observed(outcome="pass", healthy_minutes=10, scored=5, idle_minutes=0)
BAD = Observed(outcome="block", reason="the error rate is 5 %", idle_minutes=0)


def a_yes(step: int, at: datetime) -> Approval:
    """Ana's, to one step."""
    digest = "sha256:" + "0" * 64
    return Approval(
        id="01ARZ3NDEKTSV4RRFFQ69G5FAV", environment="production", release="r2", release_digest=digest,
        policy_digest=digest, step=step, by=ANA, at=at,
    )  # fmt: skip


def pointer(policy: RolloutPolicy = LADDER) -> Environment:
    """Production serves r1; a rollout of r2 has not begun."""
    served = serving.serve(Environment(name="production"), "r1", "0" * 26, START, WEEK)
    return begun(served, "r2", policy, "1" * 26, START, ANA)


def moved(environment: Environment, seen: Observed, now: datetime = START) -> Environment | None:
    """The pointer after what a controller does now; None where it does nothing."""
    transition = decide(environment, seen, now)
    if transition is None:
        return None
    return applied(environment, transition, record="2" * 26, at=now, by=ANA, retention=WEEK, taken_away=((),))


def walked(environment: Environment, *seen: Observed) -> list[str]:
    """The states that it goes through."""
    states = []
    for one in seen:
        environment = moved(environment, one) or environment
        assert environment.rollout is not None
        rollout = environment.rollout
        states.append(f"{rollout.state} {rollout.step} {rollout.percent:g}")
    return states


def test_the_ladder_is_climbed_step_by_step_and_waits_where_people_are_wanted() -> None:
    assert walked(pointer(), READY, READY, READY, READY) == [
        "progressing 0 0",
        "progressing 1 5",
        "awaiting approval 1 5",
        "awaiting approval 1 5",
    ]
    environment = pointer()
    for _ in range(3):
        environment = moved(environment, READY) or environment
    rollout = environment.rollout
    assert rollout is not None
    yes = a_yes(2, START)
    environment = environment.model_copy(update={"rollout": rollout.model_copy(update={"approvals": (yes,)})})
    assert walked(environment, READY, READY, READY, READY) == [
        "progressing 2 25",
        "progressing 3 50",
        "paused 3 50",
        "paused 3 50",
    ]


def test_the_last_step_makes_it_stable_and_triggers_act_until_the_watch_is_over() -> None:
    policy = RolloutPolicy(steps=(Step(percent=50), Step(percent=100)), watch_days=7)
    environment = moved(moved(pointer(policy), READY), READY)  # type: ignore[arg-type]
    assert environment is not None and environment.rollout is not None
    assert (environment.stable, environment.rollout.state) == ("r2", "succeeded")
    assert environment.rollout.watch_until == START + timedelta(days=7)
    assert moved(environment, READY, START + timedelta(days=6)) is None
    back = moved(environment, BAD, START + timedelta(days=6))
    assert back is not None and back.stable == "r1" and back.rollout is not None
    assert back.rollout.state == "rolled back" and back.holds and back.rejected[0].release == "r2"
    settled = moved(environment, READY, START + timedelta(days=8))
    assert settled is not None and settled.rollout is not None and settled.rollout.watch_until is None
    assert moved(settled, BAD, START + timedelta(days=9)) is None


def test_a_canary_that_is_bad_is_taken_back_from_every_state_that_serves_it() -> None:
    environment = pointer()
    for _ in range(2):
        environment = moved(environment, READY) or environment
    rollout = environment.rollout
    assert rollout is not None and rollout.percent == 5
    for state in (
        rollout,
        paused(rollout, "manual", "by Ana", START),
        paused(rollout, "freeze", "audit", START),
        rollout.model_copy(update={"state": "awaiting approval"}),
    ):
        back = moved(environment.model_copy(update={"rollout": state}), BAD)
        assert back is not None and back.rollout is not None
        assert back.rollout.state == "rolled back" and back.rollout.percent == 0
        assert back.stable == "r1" and [one.component for one in back.holds] == ["*"]
        assert back.rejected[0].reason == "the error rate is 5 %"


def test_a_bad_shadow_fails_without_a_rollback_because_no_user_met_it() -> None:
    environment = moved(pointer(), READY)
    assert environment is not None
    failed = moved(environment, BAD)
    assert failed is not None and failed.rollout is not None
    assert failed.rollout.state == "failed" and failed.holds == () and failed.rejected == ()


def test_broken_machinery_is_an_error_and_no_verdict() -> None:
    environment = pointer(FOUR_STEPS)
    environment = moved(environment, READY) or environment
    assert moved(environment, Observed(trouble_minutes=14, reason="disk")) is None
    errored = moved(environment, Observed(trouble_minutes=15, reason="the database is malformed"))
    assert errored is not None and errored.rollout is not None
    assert errored.rollout.state == "errored" and errored.rejected == () and errored.holds == ()


@pytest.mark.parametrize(
    ("seen", "pause"),
    [
        (
            Observed(outcome="inconclusive", healthy_minutes=10**6, scored=10**6, reason="undecided"),
            "inconclusive",
        ),
        (Observed(outcome="pass", healthy_minutes=10**6, scored=3), "inconclusive"),
        (Observed(outcome="pass", healthy_minutes=5, idle_minutes=10), "no traffic"),
        (Observed(outcome="pass", healthy_minutes=10**6, scored=10**6, flagged=True), "inconclusive"),
    ],
)
def test_what_does_not_decide_holds_and_goes_on_when_it_does(seen: Observed, pause: str) -> None:
    environment = pointer(FOUR_STEPS)
    environment = moved(environment, READY) or environment
    held = moved(environment, seen)
    assert held is not None and held.rollout is not None
    assert (held.rollout.state, held.rollout.pause, held.rollout.percent) == ("paused", pause, 5)
    assert moved(held, seen) is None  # said once
    good = Observed(outcome="pass", healthy_minutes=10**6, scored=10**6, idle_minutes=0)
    onward = moved(held, good)
    assert onward is not None and onward.rollout is not None
    if onward.rollout.step == 0:  # first resumed, then advanced
        onward = moved(onward, good)
    assert onward is not None and onward.rollout is not None and onward.rollout.percent == 25


def test_a_latency_that_becomes_known_during_a_step_is_written_down_once() -> None:
    environment = moved(pointer(FOUR_STEPS), READY)
    assert environment is not None
    transition = decide(environment, Observed(), START, 1100.0)
    assert transition is not None and transition.kind == "baseline"
    known = applied(environment, transition, record="2" * 26, at=START, by=ANA, retention=WEEK)
    assert known.rollout is not None and known.rollout.stages[-1].slow_ms == 1100
    assert known.rollout.percent == 5 and decide(known, Observed(), START, 1200.0) is None


def test_a_freeze_pauses_and_its_end_resumes() -> None:
    environment = moved(pointer(FOUR_STEPS), READY)
    assert environment is not None
    freeze = Freeze(reason="audit", since=START, until=START + timedelta(hours=1))
    frozen = environment.model_copy(update={"freezes": (freeze,)})
    held = moved(frozen, Observed(outcome="pass", healthy_minutes=10**6, scored=10**6))
    assert held is not None and held.rollout is not None and held.rollout.pause == "freeze"
    assert moved(held, READY) is None
    on = moved(held, Observed(), START + timedelta(hours=1))
    assert on is not None and on.rollout is not None and on.rollout.state == "progressing"
    assert moved(frozen.model_copy(update={"rollout": pointer().rollout}), READY) is None  # nothing begins


def test_a_retry_keeps_the_salt_and_a_new_release_gets_its_own() -> None:
    environment = moved(pointer(), READY)
    assert environment is not None and environment.rollout is not None
    first = environment.rollout
    aborted = without_rollout(environment, "by Ana", START)
    again = begun(aborted, "r2", LADDER, "3" * 26, START, ANA).rollout
    other = begun(aborted, "r3", LADDER, "4" * 26, START, ANA).rollout
    assert again is not None and other is not None
    assert again.salt == first.salt and again.attempt != first.attempt
    assert other.salt != first.salt


SEEN = st.builds(
    Observed,
    outcome=st.sampled_from(["pass", "pass", "pass", "inconclusive", "block"]),
    reason=st.just("because"),
    healthy_minutes=st.integers(0, 2000),
    scored=st.integers(0, 600),
    idle_minutes=st.one_of(st.none(), st.floats(0, 30)),
    flagged=st.booleans(),
    trouble_minutes=st.sampled_from([0.0, 0.0, 0.0, 5.0, 20.0]),
)


@given(
    policy=st.sampled_from([LADDER, FOUR_STEPS, FIVE_DAYS]),
    sights=st.lists(st.tuples(SEEN, st.booleans(), st.booleans()), max_size=40),
)
def test_whatever_happens_the_rules_hold(
    policy: RolloutPolicy, sights: list[tuple[Observed, bool, bool]]
) -> None:
    environment, now = pointer(policy), START
    for seen, frozen, approve in sights:
        now += timedelta(hours=1)
        before = environment.rollout
        assert before is not None
        if approve and before.state == "awaiting approval":
            yes = a_yes(before.step + 1, now)
            before = before.model_copy(update={"approvals": (*before.approvals, yes)})
        freezes = (Freeze(reason="audit", since=now, until=now + timedelta(minutes=30)),) if frozen else ()
        start = environment.model_copy(update={"freezes": freezes, "rollout": before})
        after = moved(start, seen, now)
        if after is None:
            environment = start
            assert not (seen.outcome == "block" and before.active and before.percent)
            continue
        rollout = after.rollout
        assert rollout is not None
        Rollout.model_validate(rollout.model_dump())  # the record's own rules
        Environment.model_validate(after.model_dump())
        assert after.generation > environment.generation
        assert (rollout.salt, rollout.attempt) == (before.salt, before.attempt)
        if rollout.percent > before.percent or after.stable == "r2" != start.stable:
            assert rollout.step == before.step + 1, "never a jump"
            assert not frozen and (before.step < 0 or not seen.flagged)
            assert before.step < 0 or seen.outcome == "pass"
            assert not policy.steps[rollout.step].approval or before.approvals
        if seen.outcome == "block" and before.active and before.percent:
            assert rollout.state == "rolled back" and after.stable == "r1" and after.holds
        again = moved(after, seen, now)
        assert again is None or again.rollout != rollout
        told = mark(after)
        assert told is not None and told.state == rollout.state
        environment = after


def test_ladders_that_make_no_sense_are_refused() -> None:
    for steps in (
        (Step(percent=5),),
        (Step(percent=25), Step(percent=5), Step(percent=100)),
        (Step(percent=5), Step(percent=10, shadow=True), Step(percent=100)),
        (Step(percent=100, shadow=True),),
    ):
        with pytest.raises(ValidationError):
            RolloutPolicy(steps=steps)


def test_an_ended_rollout_serves_nobody() -> None:
    rollout = pointer().rollout
    assert rollout is not None
    with pytest.raises(ValidationError, match="serves nobody"):
        Rollout.model_validate({**rollout.model_dump(), "state": "aborted", "percent": 5.0})
    assert ended(rollout, "aborted", "", 7, START).ended_generation == 7


@pytest.mark.parametrize("name", ["quality_drop", "error_rate", "p99_rise"])
def test_a_trigger_that_is_off_stays_off_in_the_file(name: str) -> None:
    policy = FOUR_STEPS.model_copy(update={"triggers": Triggers.model_validate({name: None})})
    again = read_toml(RolloutPolicy, write_toml(policy), "lockgate.toml")
    assert again == policy and getattr(again.triggers, name) is None
