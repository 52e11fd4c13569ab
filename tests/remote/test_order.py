"""Forward wants the remote, back does not: two that do not hear each other take away, and give to nobody."""

from __future__ import annotations

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from console.controller.syncing import followed
from console.controller.tick import Ticked
from console.controller.tick import tick as look
from console.controller.watch import watch
from console.operations import note, promote, rollback
from console.operations.apply import StalePlan, apply
from console.operations.check import check
from console.operations.reconcile import published_document
from console.operations.rollout import verbs
from console.operations.sync.following import Conflict
from console.operations.sync.state import remote_state
from console.operations.sync.sync import sync
from lockgate_client import Client
from store.clock import FixedClock
from store.errors import MachineryError
from store.git.tracking import aside
from store.history.newest import newest
from store.kill_file import read_kill
from store.records.environment import Environment
from store.workspace import Workspace
from tests.operations.rollouts import stepped, traffic
from tests.remote.conftest import Pair
from tests.remote.hubs import again, away, git, hub_at, joined, silent_server
from tests.support.workspaces import NOON, add_prompt, promote_to, stage_all, tick


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a hub and two workspaces: production rolls r2 out to 25 % of users, and both know it."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKGATE_AUTHOR", "Ana <ana@example.org>")
        hub = hub_at(folder / "hub.git")
        ana = again(stepped(folder), hub)
        sync(ana)
        promote_to(ana, "r2")
        assert [one.kind for one in look(ana).records] == ["advance"]
        bo = joined(folder / "bo", hub)
        assert look(bo).problems == () and pointer(bo).rollout == pointer(ana).rollout
    return folder


@pytest.fixture
def pair(begun: Path, tmp_path: Path) -> Pair:
    """The two of `begun`, on their own."""
    folder = tmp_path / "of"
    shutil.copytree(begun, folder)
    opened = (Workspace(folder / name, FixedClock(NOON)) for name in ("acme", "bo"))
    ana, bo = (again(one, folder / "hub.git") for one in opened)
    return Pair(folder / "hub.git", ana, bo)


def pointer(workspace: Workspace) -> Environment:
    return workspace.store.at().environment("production")


def kinds(workspace: Workspace) -> list[str]:
    return [entry.kind for entry in newest(workspace.store, 1000)]


def arms(workspace: Workspace) -> set[str]:
    client = Client(
        workspace.live("production"), check_seconds=0, wall=lambda: workspace.clock.now().timestamp()
    )
    found = {client.resolve(f"user-{number}").arm for number in range(200)}
    client.close()
    return found


def refused_for_lack_of_the_remote(workspace: Workspace) -> None:
    tip = workspace.store.tip()
    with pytest.raises(
        MachineryError, match=r"moving forward wants the remote, which .*Rollbacks work"
    ) as no:
        apply(workspace, verbs.advance(workspace, "production", override="in a hurry"), "because")
    assert no.value.exit_code == 4 and workspace.store.tip() == tip


def test_forward_is_on_the_remote_before_it_is_here(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    from store.git.repository import Writer

    seen: list[tuple[str, str]] = []
    real = Writer._move

    def watched(self: Writer, repo: object, parent: str | None, oid: object) -> None:
        seen.append((git(pair.hub, "rev-parse", "main"), str(oid)))
        real(self, repo, parent, oid)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "_move", watched)
    apply(pair.ana, verbs.advance(pair.ana, "production", override="in a hurry"), "because")
    assert seen[-1][0] == seen[-1][1]
    seen.clear()
    apply(pair.ana, rollback.plan(pair.ana, "production"), "no good")
    assert seen[0][0] != seen[0][1] and git(pair.hub, "rev-parse", "main") == pair.ana.store.tip()


def test_forward_takes_what_the_remote_has_first_and_is_looked_at_again(pair: Pair) -> None:
    plan = verbs.advance(pair.bo, "production", override="in a hurry")
    apply(pair.ana, verbs.advance(pair.ana, "production", override="faster"), "because")
    with pytest.raises(StalePlan):
        apply(pair.bo, plan, "because")
    assert (
        pair.bo.store.tip() == pair.ana.store.tip() and pointer(pair.bo).rollout == pointer(pair.ana).rollout
    )


def test_two_that_hear_nobody_both_roll_back_and_neither_advances(pair: Pair) -> None:
    with away(pair.hub):
        for one in (pair.ana, pair.bo):
            refused_for_lack_of_the_remote(one)
            applied = apply(one, rollback.plan(one, "production"), "answers are off")
            assert [text for text in applied.problems if "not pushed yet" in text]
            assert arms(one) == {"stable"}
            with pytest.raises(MachineryError, match="wants the remote"):
                promote_to(one, "r1", "staging")
    assert sync(pair.ana).relation == "ahead"
    done = sync(pair.bo)
    assert done.relation == "diverged" and done.aside == () and done.put_aside == ()
    assert sync(pair.ana).pulled == 1
    assert pair.ana.store.tip() == pair.bo.store.tip() == git(pair.hub, "rev-parse", "main")
    rolled = [entry.id for entry in newest(pair.ana.store, 1000) if entry.kind == "rollback"]
    assert len(rolled) == len(set(rolled)) == 2
    now = pointer(pair.ana)
    assert now.stable == "r1" and now.rollout is not None and now.rollout.state == "rolled back"
    assert len(now.rejected) == 1 and len(now.holds) == 1
    for one in (pair.ana, pair.bo):
        assert look(one).records == () and arms(one) == {"stable"}
        assert read_kill(one.live("production")) is None
    assert check(pair.ana.store).count == 0


def test_what_was_taken_away_here_and_went_on_there_stays_away_and_is_said_again(
    pair: Pair, tmp_path: Path
) -> None:
    """The exception to surfacing conflicts: users are not given a canary back that was taken away."""
    alone = again(pair.bo, tmp_path / "gone.git")
    apply(alone, verbs.pause(alone, "production"))
    record = apply(alone, rollback.plan(alone, "production"), "answers are off").record
    apply(alone, note.plan(alone, record.id, "seen in the morning"))
    apply(alone, note.plan(alone, newest(alone.store, 1000)[-1].id, "something else"))
    apply(pair.ana, verbs.advance(pair.ana, "production", override="in a hurry"), "because")

    bo = again(pair.bo, pair.hub)
    assert arms(bo) == {"stable"}
    done = sync(bo)
    assert done.kept_stable == ("production",) and len(done.put_aside) == 3
    assert done.pushed == 2, "what was beside it, and a record that no generation falls"
    assert done.aside == aside(bo.store) and record.id in git(
        bo.store.path, "log", "--format=%B", done.aside[0]
    )
    kill = read_kill(bo.live("production"))
    theirs = pointer(bo)
    assert theirs.rollout is not None and theirs.rollout.active and theirs.rollout.percent == 50
    assert kill is not None and kill.attempt == theirs.rollout.attempt
    assert kill.epoch == theirs.generation + 1 and "answers are off" in kill.reason
    assert arms(bo) == {"stable"} and arms(pair.ana) == {"stable", "canary"}

    ticked = look(bo)
    assert [one.kind for one in ticked.records] == ["rollback"] and "answers are off" in ticked.records[0].why
    sync(bo)
    sync(pair.ana)
    look(pair.ana)
    for one in (pair.ana, bo):
        assert arms(one) == {"stable"} and pointer(one).stable == "r1" and pointer(one).rejected
        assert read_kill(one.live("production")) is None
    assert pair.ana.store.tip() == bo.store.tip() == git(pair.hub, "rev-parse", "main")
    assert check(bo.store).count == 0


def test_after_one_kept_the_release_and_the_other_took_it_back_a_person_decides(
    pair: Pair, tmp_path: Path
) -> None:
    """At 100 % there is no canary that a kill file could take away."""
    alone = again(pair.bo, tmp_path / "gone.git")
    apply(alone, rollback.plan(alone, "production"), "answers are off")
    apply(pair.ana, verbs.advance(pair.ana, "production", override="in a hurry", full=True), "because")
    bo = again(pair.bo, pair.hub)
    with pytest.raises(Conflict, match=r"environments/production\.toml"):
        sync(bo)
    assert pointer(bo).stable == "r1" and arms(bo) == {"stable"}
    with pytest.raises(Conflict):
        apply(bo, promote.plan(bo, "r1", "staging"), "because")


def test_take_remote_never_lets_a_generation_fall(pair: Pair, tmp_path: Path) -> None:
    """Applications here have seen a higher one, and would keep the document they have."""
    alone = again(pair.bo, tmp_path / "gone.git")
    for change in (verbs.pause, verbs.abort):
        apply(alone, change(alone, "production"))
    before = pointer(alone).generation
    apply(pair.ana, verbs.pause(pair.ana, "production"))
    assert pointer(pair.ana).generation < before
    bo = again(pair.bo, pair.hub)
    done = sync(bo, take_remote=True)
    assert done.problems == () and done.pushed == 1 and done.kept_stable == ("production",)
    assert pointer(bo).generation == before + 1 and pointer(bo).rollout == pointer(pair.ana).rollout
    assert arms(bo) == {"stable"} and "generation" in newest(bo.store, 1)[0].summary
    assert check(bo.store).count == 0


def test_with_a_silent_remote_a_controller_takes_away_in_time_and_does_not_advance(pair: Pair) -> None:
    with silent_server() as url:
        silent = again(pair.ana, url, 1.0)
        began = time.monotonic()
        refused_for_lack_of_the_remote(silent)
        assert time.monotonic() - began < 3.0, "refused within the time-out and two seconds"

        traffic(silent, 3, canary_errors=20)
        silent = again(silent, url)
        told: list[tuple[float, Ticked]] = []
        stopped = Event()

        def tell(one: Ticked) -> None:
            told.append((time.monotonic(), one))
            if len([1 for _, each in told if not each.problems]) >= 3:
                stopped.set()

        (silent.root / "settings.toml").write_text(
            (silent.root / "settings.toml")
            .read_text()
            .replace("remote_timeout_s = 1.0", "remote_timeout_s = 60")
        )
        silent = Workspace(silent.root, silent.clock)
        began = time.monotonic()
        watch(silent, every=0.05, stopped=stopped, told=tell, ticks=20)
        when = next(at for at, one in told if any(record.kind == "rollback" for record in one.records))
        assert when - began < 20.0, "nobody waited for the remote, whose time-out is a minute"
        assert arms(silent) == {"stable"} and pointer(silent).stable == "r1"


def test_a_controller_that_watches_pushes_what_it_did_and_takes_what_others_did(pair: Pair) -> None:
    record = apply(pair.bo, note.plan(pair.bo, newest(pair.bo.store, 1000)[-1].id, "from bo")).record
    traffic(pair.ana, 3, canary_errors=20)
    stopped = Event()

    def tell(_: Ticked) -> None:
        if git(pair.hub, "rev-parse", "main") == pair.ana.store.tip() and "rollback" in kinds(pair.ana):
            stopped.set()

    watch(pair.ana, every=0.05, stopped=stopped, told=tell, ticks=200)
    assert stopped.is_set()
    assert record.id in [entry.id for entry in newest(pair.ana.store, 1000)]
    sync(pair.bo)
    assert pointer(pair.bo).stable == "r1" and arms(pair.bo) == {"stable"}
    state = remote_state(pair.ana)
    assert state is not None and state.ahead == 0 and state.trouble is None


def test_local_only_commits_go_along_with_what_moves_forward(pair: Pair) -> None:
    with away(pair.hub):
        remark = apply(pair.ana, note.plan(pair.ana, newest(pair.ana.store, 1000)[-1].id, "offline")).record
        add_prompt(pair.ana, pair.ana.root.parent / "p", "Answer at once.\n")
    staged = stage_all(pair.ana, "prompt/support")
    assert git(pair.hub, "rev-parse", "main") == pair.ana.store.tip()
    sync(pair.bo)
    assert pair.bo.store.at().find_release(staged) is not None
    assert pair.bo.store.at().operation(remark.id) is not None


def test_two_controllers_that_both_paused_are_no_conflict(pair: Pair) -> None:
    with away(pair.hub):
        tick(pair.ana, pair.ana.clock.now() + timedelta(minutes=20))
        tick(pair.bo, pair.ana.clock.now())
        for one in (pair.ana, pair.bo):
            assert [record.kind for record in look(one).records] == ["pause"]
    assert sync(pair.ana).pushed == 1
    done = sync(pair.bo)
    assert done.pushed == 1 and done.aside == ()
    assert kinds(pair.bo).count("pause") == 2 and look(pair.bo).records == ()
    sync(pair.ana)
    assert pair.ana.store.tip() == pair.bo.store.tip()


def test_what_a_controller_did_alone_makes_room_for_what_a_person_did_on_the_remote(
    pair: Pair, tmp_path: Path
) -> None:
    alone = again(pair.bo, tmp_path / "gone.git")
    tick(alone, alone.clock.now() + timedelta(minutes=20))
    assert [record.kind for record in look(alone).records] == ["pause"]
    apply(pair.ana, verbs.advance(pair.ana, "production", override="in a hurry"), "because")
    bo = again(pair.bo, pair.hub)
    done = sync(bo)
    assert len(done.put_aside) == 1 and done.kept_stable == () and done.pushed == 0
    assert pointer(bo).rollout == pointer(pair.ana).rollout


def test_what_a_person_did_alone_does_not(pair: Pair, tmp_path: Path) -> None:
    alone = again(pair.bo, tmp_path / "gone.git")
    apply(alone, verbs.pause(alone, "production"))
    apply(pair.ana, verbs.advance(pair.ana, "production", override="in a hurry"), "because")
    with pytest.raises(Conflict):
        sync(again(pair.bo, pair.hub))


def test_a_controller_waits_for_a_silent_remote_once(tmp_path: Path) -> None:
    """Not at each tick, where another environment's rollback may be next in line."""
    workspace = stepped(tmp_path / "ana")
    promote_to(workspace, "r2")
    with silent_server() as url:
        silent = again(workspace, url, 1.0)
        took = []
        for _ in range(3):
            began = time.monotonic()
            ticked = look(silent)
            took.append(time.monotonic() - began)
            assert ticked.records == () and "wants the remote" in ticked.problems[0]
        assert took[0] >= 1.0 > max(took[1:])
    assert [one.kind for one in look(again(workspace, hub_at(tmp_path / "hub.git"))).records] == ["advance"]


def test_what_is_pushed_into_a_shared_folder_can_be_read_by_others(pair: Pair) -> None:
    before = os.umask(0o077)  # as the command line does
    try:
        apply(pair.ana, note.plan(pair.ana, newest(pair.ana.store, 1000)[-1].id, "hello"))
        sync(pair.bo)
    finally:
        os.umask(before)
    new = git(pair.hub, "rev-parse", "main")
    assert (pair.hub / "objects" / new[:2] / new[2:]).stat().st_mode & 0o044 == 0o044
    packs = list((pair.bo.store.path / "objects/pack").glob("*.pack"))
    assert packs and all(pack.stat().st_mode & 0o077 == 0 for pack in packs)


def test_a_host_that_follows_decides_nothing_and_serves_what_others_decide(pair: Pair) -> None:
    traffic(pair.bo, 3, canary_errors=20)  # it sees what is wrong, and leaves it to the controller
    tick(pair.ana, pair.bo.clock.now())
    watch(pair.bo, every=0.05, stopped=Event(), told=lambda _: None, ticks=3, follow=True)
    assert kinds(pair.bo) == kinds(pair.ana) and arms(pair.bo) == {"stable", "canary"}
    apply(pair.ana, rollback.plan(pair.ana, "production"), "no good")
    watch(pair.bo, every=0.05, stopped=Event(), told=lambda _: None, ticks=3, follow=True)
    assert pair.bo.store.tip() == pair.ana.store.tip() and arms(pair.bo) == {"stable"}


def test_a_host_that_follows_and_hears_nothing_lets_its_canary_run_out(pair: Pair) -> None:
    sync(pair.bo)
    start = pair.bo.clock.now()
    until = published_until(pair.bo)
    with away(pair.hub):
        tick(pair.bo, start + timedelta(minutes=10))
        assert followed(pair.bo).problems == () and published_until(pair.bo) == until
        tick(pair.bo, start + timedelta(minutes=16))
        assert arms(pair.bo) == {"stable"}
    sync(pair.bo)
    assert followed(pair.bo).problems == () and arms(pair.bo) == {"stable", "canary"}


def published_until(workspace: Workspace) -> object:
    document = published_document(workspace, "production")
    assert document is not None
    return document.valid_until
