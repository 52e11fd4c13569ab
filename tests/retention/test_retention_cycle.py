"""From serving to the archive and back: what goes, what stays, what is refused meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operations import rollback, switch
from console.operations.apply import apply, apply_again
from console.operations.check import check
from console.operations.index import archive, pin, purge, restore, unpin
from console.operations.index.gc import gc
from console.operations.index.settle import settled
from console.operations.index.sweep import preview
from console.operations.index_look import verify
from indexes.archive import archive_path, check_archive, has_archive
from store.bounded import write_toml
from store.errors import Blocked, InputError, MachineryError
from store.git.tracking import put_aside
from store.index_readiness import index_statuses
from store.records.policy import Policy
from tests.retention.keeping_world import NAME, POLICY, World, hashes, new_world


def statuses(world: World) -> dict[str, str]:
    found = index_statuses(world.workspace.store.at(), NAME, world.clock.now())
    return {version: f"{one.status} {one.phase or ''}".strip() for version, one in found.items()}


def test_a_version_goes_through_its_phases_and_comes_back_bit_by_bit(world: World) -> None:
    assert statuses(world) == {"v1": "rollback_ready", "v2": "rollback_ready", "v3": "production"}
    seen, marked, archived = world.weeks()
    assert not seen.marked and not seen.archived
    assert marked.marked == ["Marked index/handbook@v1: their time is over"] and not marked.archived
    assert archived.archived == archived.removed == ["index/handbook@v1"]
    assert statuses(world) == {"v1": "archived packed", "v2": "rollback_ready", "v3": "production"}
    assert not world.sealed("v1").exists() and world.sealed("v2").is_dir()
    kinds = [entry.kind for entry in _records(world)]
    assert kinds[:2] == ["archive", "mark"]
    assert check(world.workspace.store).count == 0

    assert verify(world.workspace, "handbook@v1").packed
    with pytest.raises(Blocked, match=r"restore it first: `lockgate index restore index/handbook@v1"):
        apply(world.workspace, switch.plan(world.workspace, "index/handbook@v1", "production"), "back")
    apply(world.workspace, restore.plan(world.workspace, "handbook@v1"), "needed tonight")
    restore.finish(world.workspace, "handbook@v1")
    assert hashes(world.sealed("v1")) == world.held[world.manifests["v1"].digest]
    assert statuses(world)["v1"] == "rollback_ready", "its time begins again"
    apply(world.workspace, switch.plan(world.workspace, "index/handbook@v1", "production"), "back")
    assert statuses(world)["v1"] == "production"


def _records(world: World) -> list[object]:
    from store.history.newest import newest

    return list(newest(world.workspace.store, 10))


def test_what_can_be_gone_back_to_stays_whatever_its_age(world: World) -> None:
    for _ in range(3):
        world.weeks()
    assert world.sealed("v2").is_dir() and not has_archive(world.home, NAME, world.manifests["v2"].digest)
    found = index_statuses(world.workspace.store.at(), NAME, world.clock.now())["v2"]
    assert found.status == "rollback_ready" and found.left is None
    assert "production can go back to it" in found.kept
    apply_again(world.workspace, rollback.plan(world.workspace, "production", ["index"]), "bad answers")
    assert statuses(world)["v2"] == "production"


def test_a_pin_keeps_and_its_end_lets_go(world: World) -> None:
    with pytest.raises(InputError, match="a pin wants a reason"):
        pin.plan(world.workspace, "handbook@v1", " ")
    apply(world.workspace, pin.plan(world.workspace, "handbook@v1", "audit of March"))
    with pytest.raises(InputError, match=r"is pinned already, by .*: audit of March"):
        pin.plan(world.workspace, "handbook@v1", "again")
    assert not any(done.archived or done.marked for done in world.weeks())
    kept = index_statuses(world.workspace.store.at(), NAME, world.clock.now())["v1"].kept
    assert any(one.endswith("audit of March") for one in kept)
    apply(world.workspace, unpin.plan(world.workspace, "handbook@v1"))
    with pytest.raises(InputError, match="is not pinned"):
        unpin.plan(world.workspace, "handbook@v1")
    assert world.weeks()[2].archived == ["index/handbook@v1"]


def test_a_mark_is_lifted_when_something_needs_the_version_again(world: World) -> None:
    world.sweep()
    world.wait(24 * 8)
    assert world.sweep().marked
    apply(world.workspace, switch.plan(world.workspace, "index/handbook@v1", "production"), "needed")
    world.wait(30)
    done = world.sweep()
    assert done.marked == ["Lifted the mark off index/handbook@v1: needed again"]
    assert not done.archived and world.sealed("v1").is_dir()


def test_a_promotion_that_was_paused_meets_the_archive(world: World) -> None:
    paused = switch.plan(world.workspace, "index/handbook@v1", "production")
    world.weeks()
    with pytest.raises(Blocked, match="restore it first"):
        apply_again(world.workspace, paused, "resumed")
    assert statuses(world)["v1"] == "archived packed"


def test_an_archive_that_was_packed_meets_the_promotion(world: World) -> None:
    world.sweep()
    world.wait(24 * 8)
    world.sweep()
    world.wait(25)

    def serve(name: str) -> None:
        if name == "packed":
            plan = switch.plan(world.workspace, "index/handbook@v1", "production")
            apply(world.workspace, plan, "at the same moment")

    done = world.sweep(point=serve)
    assert not done.archived and not done.removed and world.sealed("v1").is_dir()
    assert statuses(world)["v1"] == "production"


@pytest.mark.parametrize("torn", ["environments/production.toml", "retention/handbook/v1.toml"])
def test_what_cannot_be_read_stops_the_sweep_with_the_reason(world: World, torn: str) -> None:
    world.sweep()
    world.wait(24 * 8)
    store = world.workspace.store
    with store.writing() as writer:
        writer.commit(
            store.tip(),
            {torn: b'format = "lockgate.other/9"\n'},
            "torn",
            world.workspace.person,
            world.clock.at,
        )
    before = hashes(world.home)
    for _ in range(3):
        done = world.sweep()
        assert not done.marked and not done.archived
        world.wait(30)
    assert hashes(world.home) == before
    assert _said_why(world, torn)


def _said_why(world: World, torn: str) -> bool:
    stopped = preview(world.workspace, boot=lambda: world.boot).stopped or ""
    name = torn.rpartition("/")[2].removesuffix(".toml")
    return name in stopped


def test_another_branch_that_needs_it_keeps_it(world: World) -> None:
    store = world.workspace.store
    store.repo.references.create("refs/remotes/origin/main", store.tip())
    apply(world.workspace, switch.plan(world.workspace, "index/handbook@v1", "staging"), "needed there")
    ahead = store.tip()
    store.repo.references["refs/remotes/origin/main"].set_target(ahead)
    base = str(store.commit(ahead).parent_ids[0])
    store.repo.references["refs/heads/main"].set_target(base)
    assert not any(done.marked for done in world.weeks())
    store.repo.references["refs/remotes/origin/main"].set_target(base)
    assert world.weeks()[2].archived == ["index/handbook@v1"]


def test_commits_that_were_put_aside_keep_what_they_serve_until_they_are_forgotten(world: World) -> None:
    store = world.workspace.store
    base = store.tip()
    apply(world.workspace, switch.plan(world.workspace, "index/handbook@v1", "staging"), "needed there")
    ref = put_aside(store, "0" * 26, store.tip())
    store.repo.references["refs/heads/main"].set_target(base)
    assert not any(done.marked for done in world.weeks())
    with pytest.raises(Blocked, match=rf"staging serves it \(on {ref}\)"):
        apply(world.workspace, archive.plan(world.workspace, "handbook@v1"), "tidy")
    store.repo.references[ref].delete()
    assert world.weeks()[2].archived == ["index/handbook@v1"]


def test_the_pointer_of_an_environment_that_is_listed_no_more_still_keeps(world: World) -> None:
    apply(world.workspace, switch.plan(world.workspace, "index/handbook@v1", "staging"), "for a while")
    last = POLICY.environments[1:]
    changed = {"lockgate.toml": write_toml(Policy(environments=last))}
    store, person = world.workspace.store, world.workspace.person
    with store.writing() as writer:
        writer.commit(store.tip(), changed, "one less", person, world.clock.at)
    assert not any(done.marked for done in world.weeks())
    with store.writing() as writer:
        torn = {"environments/staging.toml": b"name = 1"}
        writer.commit(store.tip(), torn, "torn", person, world.clock.at)
    world.wait(1)
    assert "environments/staging.toml" in (preview(world.workspace, lambda: world.boot).stopped or "")


def test_a_clock_behind_the_newest_commit_stops_the_sweep(world: World) -> None:
    world.sweep()
    world.wait(24 * 8)
    world.sweep()
    world.wait(25)
    world.jump(-24 * 20)
    done = world.sweep()
    assert "the newest commit" in (done.stopped or "") and not done.archived
    assert world.sealed("v1").is_dir()
    world.jump(24 * 20)
    assert world.sweep().stopped is not None, "a clock that jumped is not believed for a day"
    world.wait(25)
    assert world.sweep().archived == ["index/handbook@v1"]


def test_a_person_may_archive_what_nothing_needs_but_not_what_is_ready(world: World) -> None:
    for version, why in (("v3", "production serves it"), ("v1", "it stays ready for rollback")):
        with pytest.raises(Blocked, match=why):
            apply(world.workspace, archive.plan(world.workspace, f"handbook@{version}"), "tidy")
    fresh = world.add(4)
    apply(world.workspace, archive.plan(world.workspace, f"handbook@{fresh}"), "never used")
    assert settled(world.workspace, f"handbook@{fresh}")
    assert not world.sealed(fresh).exists() and statuses(world)[fresh] == "archived packed"
    with pytest.raises(Blocked, match="archived already"):
        apply(world.workspace, archive.plan(world.workspace, f"handbook@{fresh}"), "again")


def test_a_damaged_archive_never_costs_the_sealed_copy(world: World) -> None:
    world.sweep()
    world.wait(24 * 8)
    world.sweep()
    world.wait(25)
    digest = world.manifests["v1"].digest

    def harm(name: str) -> None:
        if name == "recorded":
            path = archive_path(world.home, NAME, digest)
            data = bytearray(path.read_bytes())
            data[len(data) // 3] ^= 1
            path.write_bytes(data)

    done = world.sweep(point=harm)
    assert done.archived
    check_archive(world.home, NAME, world.manifests["v1"])  # it was packed again from the sealed copy


def test_retention_is_per_index_and_targets_are_counted(tmp_path: Path) -> None:
    policy = Policy(environments=POLICY.environments, retention={NAME: 30}, rollback_targets=2)
    world = new_world(tmp_path / "acme", policy)
    for seed in (1, 2, 3, 4):
        world.serve(world.add(seed), "production")
        world.wait(1)
    world.weeks()
    assert statuses(world)["v1"] == "rollback_ready"
    world.wait(24 * 30)
    found = index_statuses(world.workspace.store.at(), NAME, world.clock.now())
    assert found["v1"].phase == "over" and found["v2"].kept and found["v3"].kept


def test_keyframes_stay_while_anything_hangs_on_them_and_purge_refuses(world: World) -> None:
    world.weeks()
    for seed in (4, 5):
        world.serve(world.add(seed), "production")
        world.wait(1)
    world.weeks()
    first, second = world.manifests["v1"], world.manifests["v2"]
    assert check_archive(world.home, NAME, second).keyframe == first.digest
    why = r"index/handbook@v2.* cannot be unpacked without it"
    with pytest.raises(Blocked, match=why):
        apply(world.workspace, purge.plan(world.workspace, "handbook@v1"), "gone for good")
    apply(world.workspace, restore.plan(world.workspace, "handbook@v1"), "back")
    restore.finish(world.workspace, "handbook@v1")
    found = [one for one in gc(world.workspace) if one.what.startswith("archive")]
    assert [bool(one.stays) for one in found] == [True]
    assert archive_path(world.home, NAME, first.digest).is_file()
    for ref in ("handbook@v2", "handbook@v3"):
        apply(world.workspace, restore.plan(world.workspace, ref), "back")
        restore.finish(world.workspace, ref)
    assert not any(one.stays for one in gc(world.workspace) if one.what.startswith("archive"))
    assert not has_archive(world.home, NAME, first.digest) and world.sealed("v1").is_dir()


def test_purge_never_touches_what_a_pointer_remembers(world: World) -> None:
    world.weeks()
    with pytest.raises(Blocked, match=r"production \(r1\).* still refers to index/handbook@v1"):
        apply(world.workspace, purge.plan(world.workspace, "handbook@v1"), "gone for good")
    fresh = world.add(9)
    apply(world.workspace, archive.plan(world.workspace, f"handbook@{fresh}"), "never used")
    settled(world.workspace, f"handbook@{fresh}")
    apply(world.workspace, purge.plan(world.workspace, f"handbook@{fresh}"), "it held names")
    assert purge.finish(world.workspace, f"handbook@{fresh}")
    assert not has_archive(world.home, NAME, world.manifests[fresh].digest)
    with pytest.raises(Blocked, match="was purged; build it again"):
        apply(world.workspace, restore.plan(world.workspace, f"handbook@{fresh}"), "back")
    with pytest.raises(MachineryError):
        verify(world.workspace, f"handbook@{fresh}")


def test_an_archive_that_is_recorded_and_needed_again_is_taken_back(world: World) -> None:
    world.sweep()
    world.wait(24 * 8)
    world.sweep()
    world.wait(25)

    def die(name: str) -> None:
        if name == "recorded":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.sweep(point=die)
    assert statuses(world)["v1"] == "archived packed" and world.sealed("v1").is_dir()
    apply(world.workspace, pin.plan(world.workspace, "handbook@v1", "needed after all"))
    assert world.sweep().marked == ["Lifted the mark off index/handbook@v1: needed again"]
    assert statuses(world)["v1"] == "rollback_ready" and world.sealed("v1").is_dir()
