"""The rules: what serves, what is ready, what evidence counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from store.canonical import digest_of
from store.records.base import Person
from store.records.component import Component, Kind
from store.records.environment import Environment
from store.records.policy import EnvironmentPolicy, GatePolicy
from store.records.release import PinnedVersion, Release, release_digest
from store.records.verdict import Verdict
from store.rules import gate, serving
from store.rules.index_status import statuses

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
        cases=60,
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


def test_an_environment_may_want_no_gate() -> None:
    free = EnvironmentPolicy(name="staging", gate=GatePolicy(required=False))
    assert gate.rule(free, R2, R1, []).met
