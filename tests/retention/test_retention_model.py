"""Whatever happens, in whatever order: nothing that is needed goes, and all that went comes back bit by bit.

The real store, the real archives; the clocks, restarts, crashes and paused changes are made up. What is
needed is worked out here again, from the pointers alone and in other words than the rules have.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from console.operations import rollback, switch
from console.operations.apply import apply_again
from console.operations.index import archive, pin, restore, unpin
from console.operations.index.settle import settled
from console.operations.plan import Plan
from indexes.archive import check_archive, has_archive
from indexes.archive import restore as unpack
from store.errors import Blocked, InputError, LockgateError, StaleTip
from store.index_readiness import readiness
from store.workspace import Workspace
from tests.retention.keeping_world import HANDBOOK, NAME, copied, hashes, new_world

ENVIRONMENTS = ("staging", "production")
POINTS = ("looked", "marked", "packed", "recorded", "checked", "settling", "aside", "removed")
WEEK, DAY = timedelta(days=7), timedelta(hours=24)
COUNTS: Counter[str] = Counter()
FAST = Path("/dev/shm")


class Died(BaseException):
    """The process is gone."""


class Keeping(RuleBasedStateMachine):
    """One workspace and its days."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
        self.world = copied(self.template, self.folder / "acme")
        self.seed = 0
        self.idle: dict[str, timedelta] = {}
        """By version: since when, in true time, nobody is served it."""
        self.paused: list[Plan] = []
        for _ in range(3):
            self.add_and_serve()

    # -- what people do ---------------------------------------------------------------------------

    @rule()
    def add_and_serve(self) -> None:
        self.seed += 1
        version = self.world.add(self.seed)
        self.done(lambda: self.world.serve(version, "production"))

    @precondition(lambda self: len(self.world.manifests) > 1)
    @rule(data=st.data(), environment=st.sampled_from(ENVIRONMENTS))
    def switch_to(self, data: st.DataObject, environment: str) -> None:
        version = self.any(data)
        self.done(lambda: self.apply(switch.plan(self.workspace, f"index/{NAME}@{version}", environment)))

    @rule(environment=st.sampled_from(ENVIRONMENTS))
    def roll_back(self, environment: str) -> None:
        self.done(lambda: self.apply(rollback.plan(self.workspace, environment)))

    @rule(data=st.data(), environment=st.sampled_from(ENVIRONMENTS))
    def pause_a_switch(self, data: st.DataObject, environment: str) -> None:
        version = self.any(data)
        self.done(
            lambda: self.paused.append(switch.plan(self.workspace, f"index/{NAME}@{version}", environment))
        )

    @precondition(lambda self: self.paused)
    @rule()
    def go_on_with_it(self) -> None:
        plan = self.paused.pop(0)
        self.done(lambda: self.apply(plan))

    @rule(data=st.data())
    def pin_or_unpin(self, data: st.DataObject) -> None:
        version = self.any(data)
        pinned = readiness(self.workspace.store.at(), NAME, self.world.clock.now()).keepings.get(version)
        if pinned is not None and pinned.pin is not None:
            self.done(lambda: self.apply(unpin.plan(self.workspace, f"{NAME}@{version}")))
        else:
            self.done(lambda: self.apply(pin.plan(self.workspace, f"{NAME}@{version}", "for the audit")))

    @rule(data=st.data())
    def restore_one(self, data: st.DataObject) -> None:
        ref = f"{NAME}@{self.any(data)}"

        def go() -> None:
            self.apply(restore.plan(self.workspace, ref))
            restore.finish(self.workspace, ref)

        self.done(go)

    @rule(data=st.data())
    def archive_by_hand(self, data: st.DataObject) -> None:
        ref = f"{NAME}@{self.any(data)}"
        before = self.sealed(), self.packed()

        def go() -> None:
            self.apply(archive.plan(self.workspace, ref))
            settled(self.workspace, ref)

        self.done(go)
        self.judge(*before, by_hand=True)

    # -- what time and machines do ------------------------------------------------------------------

    @rule(hours=st.sampled_from((1, 5, 25, 24 * 8)))
    def wait(self, hours: int) -> None:
        self.world.wait(hours)

    @rule(days=st.sampled_from((-2, 1, 8, 365)))
    def set_the_clock(self, days: int) -> None:
        COUNTS["jumps"] += 1
        self.world.jump(24 * days)

    @rule(hours=st.sampled_from((1, 50)), wrong_days=st.sampled_from((0, 0, 30, -3)))
    def restart(self, hours: int, wrong_days: int) -> None:
        COUNTS["restarts"] += 1
        self.world.reboot(hours, 24 * wrong_days)

    @rule(hour=st.sampled_from(("none", *POINTS)))
    def sweep(self, hour: str) -> None:
        self.swept(hour)

    @rule(hour=st.sampled_from(("none", *POINTS)))
    def weeks_go_by(self, hour: str) -> None:
        self.swept("none")
        self.world.wait(24 * 8)
        self.swept("none")
        self.world.wait(25)
        self.swept(hour)

    @rule(hour=st.sampled_from(("none", *POINTS)))
    def a_month_of_releases(self, hour: str) -> None:
        self.add_and_serve()
        self.add_and_serve()
        self.weeks_go_by(hour)

    # -- what has to hold -----------------------------------------------------------------------------

    @invariant()
    def every_version_has_its_bytes(self) -> None:
        for version, manifest in self.world.manifests.items():
            sealed = self.world.sealed(version)
            assert sealed.is_dir() or has_archive(self.world.home, NAME, manifest.digest), version

    def teardown(self) -> None:
        try:
            COUNTS["runs"] += 1
            self.swept("none")
            for version, manifest in self.world.manifests.items():
                if has_archive(self.world.home, NAME, manifest.digest):
                    check_archive(self.world.home, NAME, manifest)
                if not self.world.sealed(version).is_dir():
                    unpack(self.world.home, NAME, manifest)
                    COUNTS["restored"] += 1
                assert hashes(self.world.sealed(version)) == self.world.held[manifest.digest], version
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def workspace(self) -> Workspace:
        return self.world.workspace

    def any(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.world.manifests)))

    def apply(self, plan: Plan) -> None:
        apply_again(self.workspace, plan, "because")

    def done(self, work: object) -> None:
        """Does it, or is told why not; what is needed is looked at before and after."""
        self.note()
        with contextlib.suppress(Blocked, InputError, StaleTip):
            work()  # type: ignore[operator]
            COUNTS["changes"] += 1
        self.note()

    def swept(self, where: str) -> None:
        self.note()
        before = self.sealed(), self.packed()

        def die(point: str) -> None:
            if point == where:
                raise Died

        try:
            self.world.sweep(point=die)
        except Died:
            COUNTS["crashes"] += 1
            self.world.workspace = Workspace(self.workspace.root, self.world.clock)
        self.judge(*before, by_hand=False)

    def sealed(self) -> set[str]:
        return {version for version in self.world.manifests if self.world.sealed(version).is_dir()}

    def packed(self) -> set[str]:
        kept = readiness(self.workspace.store.at(), NAME, self.world.clock.now()).keepings
        return {version for version, one in kept.items() if one.archive is not None}

    def judge(self, sealed: set[str], packed: set[str], *, by_hand: bool) -> None:
        """Nothing that was archived or taken away is needed, or was until a short while before the record."""
        needed = self.needed()
        for version in self.packed() - packed:
            assert version not in needed, f"{version} is archived, and {needed} are needed"
            assert has_archive(self.world.home, NAME, self.world.manifests[version].digest)
            if not by_hand:
                passed = self.world.true - self.idle[version]
                assert passed >= WEEK + DAY, f"{version} was archived {passed} after it served"
        for version in sealed - self.sealed():
            assert version not in needed, f"{version} went, and {needed} are needed"
            assert has_archive(self.world.home, NAME, self.world.manifests[version].digest)
            COUNTS["archived"] += 1

    def note(self) -> None:
        """Since when nobody is served what."""
        serving = self.serving()
        for version in self.world.manifests:
            if version in serving:
                self.idle.pop(version, None)
            else:
                self.idle.setdefault(version, self.world.true)

    def serving(self) -> set[str]:
        snapshot = self.workspace.store.at()
        releases = [snapshot.find_release(one.stable) for one in snapshot.environments() if one.stable]
        return {one.version_of(HANDBOOK) or "" for one in releases if one is not None}

    def needed(self) -> set[str]:
        """In other words than the rules: what serves, what would be gone back to, what is held or pinned."""
        snapshot = self.workspace.store.at()
        kept = readiness(snapshot, NAME, self.world.clock.now()).keepings
        found = {version for version, one in kept.items() if one.pin is not None}
        for pointer in snapshot.environments():
            named = [pointer.stable, pointer.previous]
            for hold in pointer.holds:
                named += [one.release for one in pointer.rejected if one.record == hold.record]
            releases = [snapshot.find_release(one) for one in named if one]
            found |= {one.version_of(HANDBOOK) or "" for one in releases if one is not None}
            with contextlib.suppress(LockgateError):
                plan = rollback.plan(self.workspace, pointer.name)
                target = snapshot.find_release(plan.after or "")
                found |= {target.version_of(HANDBOOK) or ""} if target is not None else set()
        return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = new_world(tmp_path_factory.mktemp("template") / "acme")
    return world.workspace.root


def run(template: Path, runs: int, steps: int, chosen: int = 0) -> Counter[str]:
    """What was seen in `runs` histories of up to `steps` steps, the same ones for the same `chosen`."""
    COUNTS.clear()
    machine = seed(chosen)(type("Machine", (Keeping,), {"template": template}))
    asked = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=asked)
    return Counter(COUNTS)


def test_nothing_that_is_needed_goes_and_all_that_went_comes_back(template: Path) -> None:
    seen = run(template, 7, 22)
    assert seen["runs"] >= 7 and seen["archived"] >= 5 and seen["restored"], seen
    assert seen["crashes"] and seen["jumps"] and seen["restarts"], seen


@pytest.mark.heavy
@pytest.mark.parametrize("part", range(10))
def test_five_thousand_runs(template: Path, part: int) -> None:
    """Ten parts of 500, so that every core can have some; each has to have seen its share."""
    seen = run(template, 500, 30, chosen=part + 1)
    assert seen["runs"] >= 500 and seen["archived"] >= 200 and seen["restored"] >= 100, seen
    assert seen["crashes"] >= 50 and seen["jumps"] >= 50 and seen["restarts"] >= 50, seen
