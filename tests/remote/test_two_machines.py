"""Two machines and a hub that comes and goes, doing what comes to mind: nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.operations import clear, note, promote, rollback
from console.operations.apply import apply
from console.operations.check import check
from console.operations.plan import Plan
from console.operations.rollout import verbs
from console.operations.sync.following import Conflict
from console.operations.sync.state import remote_state
from console.operations.sync.sync import sync
from store.errors import LockgateError
from store.git.tracking import aside
from store.history.newest import newest
from store.workspace import Workspace
from tests.operations.rollouts import stepped
from tests.remote.hubs import again, away, git, hub_at, joined
from tests.support.workspaces import tick

Verb = Callable[[Workspace], Plan]

VERBS: tuple[Verb, ...] = (
    lambda one: note.plan(one, newest(one.store, 1000)[-1].id, "seen"),
    lambda one: promote.plan(one, "r2", "production"),
    lambda one: promote.plan(one, "r2", "production"),
    lambda one: verbs.advance(one, "production", override="in a hurry"),
    lambda one: verbs.advance(one, "production", override="in a hurry"),
    lambda one: verbs.pause(one, "production"),
    lambda one: verbs.resume(one, "production"),
    lambda one: verbs.abort(one, "production"),
    lambda one: rollback.plan(one, "production"),
    lambda one: clear.plan(one, "r2"),
)


def settled(workspace: Workspace) -> None:
    """Synced, as a person would who takes the remote's where the two do not fit."""
    try:
        sync(workspace)
    except Conflict:
        sync(workspace, take_remote=True)


def lived(folder: Path, seed: int, steps: int) -> Iterator[tuple[Workspace, Workspace, Path, set[str]]]:
    chance = random.Random(seed)
    hub = hub_at(folder / "hub.git")
    ana = again(stepped(folder / "ana"), hub)
    sync(ana)
    bo = joined(folder / "bo", hub)
    acknowledged = {entry.id for entry in newest(ana.store, 1000)}
    for _ in range(steps):
        with away(hub) if chance.random() < 0.4 else contextlib.nullcontext():
            one = chance.choice((ana, bo))
            now = ana.clock.now() + timedelta(minutes=chance.choice((0, 1, 12)))
            for each in (ana, bo):  # with clocks, or evidence, that differ, two controllers would never agree
                tick(each, now)
            with contextlib.suppress(LockgateError):
                if chance.random() < 0.2:
                    settled(one)
                elif chance.random() < 0.3:
                    acknowledged |= {record.id for record in look(one).records}
                else:
                    acknowledged.add(apply(one, chance.choice(VERBS)(one), "because").record.id)
    yield ana, bo, hub, acknowledged


def kept(workspace: Workspace) -> set[str]:
    """The records that main here or something that was put aside here has."""
    found = {entry.id for entry in newest(workspace.store, 10_000)}
    for ref in aside(workspace.store):
        names = git(workspace.store.path, "ls-tree", "-r", "--name-only", ref, "records").split()
        found |= {Path(name).stem for name in names}
    return found


def stands(folder: Path, seed: int, steps: int) -> None:
    for ana, bo, hub, acknowledged in lived(folder, seed, steps):
        for _ in range(6):
            for one in (ana, bo):
                settled(one)
                assert look(one).problems == ()
        assert ana.store.tip() == bo.store.tip() == git(hub, "rev-parse", "main")
        assert acknowledged <= kept(ana) | kept(bo)
        ids = [entry.id for entry in newest(ana.store, 10_000)]
        assert len(ids) == len(set(ids))
        assert git(hub, "rev-list", "--merges", "main") == ""
        assert git(hub, "fsck", "--strict", "--no-dangling") == ""
        assert check(ana.store).count == 0, check(ana.store).findings
        for one in (ana, bo):
            state = remote_state(one)
            assert state is not None and (state.ahead, state.behind, state.trouble) == (0, 0, None)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, seed: int) -> None:
    stands(tmp_path, seed, 25)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(100, 140))
def test_nothing_that_was_acknowledged_is_lost_in_long_lives(tmp_path: Path, seed: int) -> None:
    stands(tmp_path, seed, 60)
