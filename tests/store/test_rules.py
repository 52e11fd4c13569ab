"""The rules: what serves, what is ready, what evidence counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.bounded import read_toml, write_toml
from store.canonical import digest_of
from store.errors import InputError
from store.records.base import Person
from store.records.component import Component, Kind
from store.records.environment import Environment
from store.records.policy import EnvironmentPolicy, GatePolicy
from store.records.release import PinnedVersion, Release, release_digest
from store.records.rollout import Rollout, Stage
from store.records.rollout_policy import RolloutPolicy, Step
from store.records.shadow import Shadow
from store.records.verdict import CategoryVerdict, Outcome, Verdict
from store.rules import gate, serving
from store.rules.index_status import releases_named, statuses

ANA = Person(name="Ana")
START = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
HANDBOOK = Component(Kind.INDEX, "handbook")


def release(number: int, version: str | None = None, suite: str = "v1") -> Release:
    components = {
        "index/handbook": PinnedVersion(version=version or f"v{number}", digest=digest_of([number])),
        "evals/support": PinnedVersion(version=suite, digest=digest_of(suite)),
    }
    return Release(
        id=f"r{number}",
        created_at=START,
        created_by=ANA,
        digest=release_digest(components),
        components=components,
    )


RELEASES = {f"r{n}": release(n) for n in range(1, 9)}


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 72)), min_size=1, max_size=60))
def test_the_pointer_tells_what_served_when(moves: list[tuple[int, int]]) -> None:
    pointer, now, log = Environment(name="production"), START, []
    for number, hours in moves:
        now += timedelta(hours=hours)
        before = pointer
        pointer = serving.serve(pointer, f"r{number}", "0" * 26, now, WEEK)
        log.append((f"r{number}", now))
        assert pointer.generation == before.generation + 1
        assert (pointer.stable, pointer.previous) == (f"r{number}", before.stable)
    assert [one.release for one in pointer.served[:20]] == [id for id, _ in reversed(log)][:20]
    assert [one.until for one in pointer.served].count(None) == 1
    for newer, older in pairwise(pointer.served):
        assert older.until == newer.since

    target = serving.rollback_target(pointer, RELEASES)
    different = [id for id, _ in reversed(log) if id != log[-1][0]]
    assert target == (different[0] if different else None)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 200)), min_size=1, max_size=30),
    st.integers(0, 500),
)
def test_a_version_is_ready_for_exactly_the_retention_after_it_last_served(
    moves: list[tuple[int, int]], later: int
) -> None:
    pointer, now = Environment(name="production"), START
    ended: dict[str, datetime] = {}
    for number, hours in moves:
        now += timedelta(hours=hours)
        if pointer.stable:
            ended[f"v{pointer.stable[1:]}"] = now
        pointer = serving.serve(pointer, f"r{number}", "0" * 26, now, WEEK)
    at = now + timedelta(hours=later)
    current = f"v{str(pointer.stable)[1:]}"
    found = statuses(HANDBOOK, ["v1", "v2", "v3", "v4", "v5"], [pointer], RELEASES, at, WEEK)
    for version, status in found.items():
        if version == current:
            assert status.status == "production"
        elif version not in ended:
            assert status.status == "built"
        elif at - ended[version] < WEEK:
            assert status.status == "rollback_ready" and status.left == ended[version] + WEEK - at
        else:
            assert status.status == "archived"


def test_a_rejected_release_is_no_target() -> None:
    pointer = Environment(name="production")
    for number in (1, 2, 3):
        pointer = serving.serve(pointer, f"r{number}", "0" * 26, START + timedelta(hours=number), WEEK)
    pointer = serving.reject(pointer, "r2", (), "bad", ANA, START, "0" * 26)
    assert serving.rollback_target(pointer, RELEASES) == "r1"
    assert serving.component_target(pointer, HANDBOOK, "v3", RELEASES) == "v1"
    assert serving.has_served(pointer, HANDBOOK, "v2", RELEASES) is None
    pointer = serving.reject(pointer, "r1", ("index/handbook@v1",), "bad", ANA, START, "0" * 26)
    assert serving.rollback_target(pointer, RELEASES) is None
    cleared = serving.cleared(pointer, "r1", "1" * 26)
    assert serving.rollback_target(cleared, RELEASES) == "r1" and cleared.record == "1" * 26


def category(outcome: Outcome = "pass") -> CategoryVerdict:
    return CategoryVerdict(
        name="relevance",
        suite="evals/support",
        outcome=outcome,
        cases=60,
        repeats=3,
        candidate=0.9,
        margin=0.02,
        reason="within the margin" if outcome == "pass" else "worse",
    )


def verdict(of: Release, baseline: Release | None, **changes: object) -> Verdict:
    found = Verdict(
        id="0" * 26,
        at=START,
        release=of.id,
        release_digest=of.digest,
        baseline=baseline.id if baseline else None,
        baseline_digest=baseline.digest if baseline else None,
        tier="full",
        suites={"evals/support": of.components["evals/support"].digest},
        graders_digest=digest_of("graders"),
        policy_digest=digest_of("policy"),
        outcome="pass",
        categories=(category(),),
        cases=60,
        answers=360,
    )
    return found.model_copy(update=changes)


POLICY = EnvironmentPolicy(name="production", gate=GatePolicy(tier="full"))
R1, R2, R3 = (RELEASES[f"r{n}"] for n in (1, 2, 3))


def test_only_a_verdict_on_exactly_this_counts() -> None:
    assert gate.rule(POLICY, R2, R1, [verdict(R2, R1)]).met
    assert gate.rule(POLICY, R2, R1, [verdict(R2, R1, tier="extended")]).met
    for wrong in (
        verdict(R3, R1),
        verdict(R2, None),
        verdict(R2, R3),
        verdict(R2, R1, tier="smoke"),
        verdict(R2, R1, suites={"evals/support": digest_of("another")}),
        verdict(R2, R1, suites={}),
        verdict(R2, R1, outcome="block"),
        verdict(R2, R1, outcome="inconclusive"),
    ):
        ruling = gate.rule(POLICY, R2, R1, [wrong])
        assert not ruling.met and "r2" in ruling.text
    assert not gate.rule(POLICY, R2, R1, []).met


def test_the_newest_matching_verdict_decides() -> None:
    pass_, block = verdict(R2, R1), verdict(R2, R1, outcome="block")
    assert not gate.rule(POLICY, R2, R1, [block, pass_]).met
    assert gate.rule(POLICY, R2, R1, [pass_, block]).met
    assert gate.rule(POLICY, R2, R1, [verdict(R2, R3), pass_]).met


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"categories": (category(), category("block"))}, "relevance of evals/support says block"),
        ({"categories": (category("inconclusive"),)}, "relevance of evals/support says inconclusive"),
        ({"categories": ()}, "no suite or no category"),
        ({"suites": {}}, "no suite or no category"),
        ({"cases": 0}, "counts 0 cases"),
        ({"answers": 0}, "0 answers"),
        ({"errors": 4}, "4 of 364 answers failed"),
        ({"reasons": ("relevance fell",)}, "gives reasons against"),
        ({"baseline": None}, "a baseline has both"),
        (
            {"outcome": "inconclusive", "categories": (category("block"),)},
            "says inconclusive, but a category blocks",
        ),
    ],
)
def test_a_verdict_that_contradicts_itself_is_not_believed(changes: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        read_toml(Verdict, write_toml(verdict(R2, R1).model_copy(update=changes)), "verdicts/r2/x.toml")
    assert caught.value.message.startswith("verdicts/r2/x.toml")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"errors": 3},
        {"baseline": None, "baseline_digest": None},
        {"outcome": "block", "categories": (category("block"),), "reasons": ("worse",)},
        {"outcome": "inconclusive", "categories": (), "cases": 0, "answers": 0, "reasons": ("none",)},
    ],
)
def test_what_the_gate_says_is_believed(changes: dict[str, object]) -> None:
    said = verdict(R2, R1).model_copy(update=changes)
    assert read_toml(Verdict, write_toml(said), "verdicts/r2/x.toml") == said


def test_a_canary_is_production_too() -> None:
    pointer = serving.serve(Environment(name="production"), "r1", "0" * 26, START, WEEK)
    policy = RolloutPolicy(steps=(Step(percent=5), Step(percent=100)))
    rollout = Rollout(
        attempt="0" * 26,
        release="r2",
        stable="r1",
        state="progressing",
        policy=policy,
        step=0,
        percent=5,
        salt="s",
        stages=(Stage(step=0, generation=2, percent=5, since=START),),
        by=ANA,
        started_at=START,
        since=START,
    )
    running = pointer.model_copy(update={"rollout": rollout})
    found = statuses(HANDBOOK, ["v1", "v2", "v3"], [running], RELEASES, START, WEEK)
    assert [found[v].status for v in ("v1", "v2", "v3")] == ["production", "production", "built"]
    assert found["v1"].environments == ("production",)
    ended = rollout.model_copy(update={"state": "rolled back", "percent": 0, "since": START + WEEK})
    over = pointer.model_copy(update={"rollout": ended})
    for later, status in ((WEEK, "rollback_ready"), (2 * WEEK, "archived")):
        found = statuses(HANDBOOK, ["v1", "v2"], [over], RELEASES, START + later, WEEK)
        assert (found["v1"].status, found["v2"].status) == ("production", status)


def test_the_index_of_a_shadow_serves() -> None:
    pointer = serving.serve(Environment(name="production"), "r1", "0" * 26, START, WEEK)
    shadow = Shadow(
        attempt="0" * 26,
        release="r2",
        percent=10,
        generation=2,
        since=START,
        until=START + WEEK,
        by=ANA,
    )
    shadowed = pointer.model_copy(update={"shadow": shadow})
    found = statuses(HANDBOOK, ["v1", "v2"], [shadowed], RELEASES, START, WEEK)
    assert {one.status for one in found.values()} == {"production"}
    assert releases_named(shadowed) == {"r1", "r2"}


def test_what_cannot_be_read_never_makes_a_version_look_less_protected() -> None:
    pointer = serving.serve(Environment(name="staging"), "r1", "0" * 26, START, WEEK)
    pointer = serving.serve(pointer, "r2", "0" * 26, START + WEEK, WEEK)
    at = START + 3 * WEEK
    versions = ["v1", "v2", "v3"]
    known = statuses(HANDBOOK, versions, [pointer], RELEASES, at, WEEK)
    assert [known[v].status for v in versions] == ["archived", "production", "built"]
    gap = statuses(HANDBOOK, versions, [pointer], RELEASES, at, WEEK, unreadable=["production"])
    assert [gap[v].status for v in versions] == ["unknown", "production", "unknown"]
    assert gap["v1"].unreadable == ("production",) and gap["v1"].last_served == START + WEEK
    without = {id: one for id, one in RELEASES.items() if id != "r2"}
    gap = statuses(HANDBOOK, versions, [pointer], without, at, WEEK)
    assert {one.status for one in gap.values()} == {"unknown"}
    assert gap["v2"].unreadable == ("staging (r2)",)
    long_ago = {id: one for id, one in RELEASES.items() if id != "r1"}
    past = statuses(HANDBOOK, versions, [pointer], long_ago, at, WEEK)
    assert past["v2"].status == "production" and past["v3"].status == "built"


def test_an_environment_may_want_no_gate() -> None:
    free = EnvironmentPolicy(name="staging", gate=GatePolicy(required=False))
    assert gate.rule(free, R2, R1, []).met
