"""Sync: what is there comes here, what is only here goes there, and what does not fit is said."""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from console.operations import note, policy, rollback
from console.operations.apply import apply
from console.operations.check import check
from console.operations.doctor import doctor
from console.operations.status import status
from console.operations.sync.following import Conflict
from console.operations.sync.state import remote_state
from console.operations.sync.sync import plan, sync
from store.errors import Blocked, InputError, MachineryError
from store.git.remote import Unreachable
from store.git.tracking import aside
from store.history.newest import newest
from store.workspace import Workspace
from tests.remote.conftest import Pair
from tests.remote.hubs import (
    again,
    away,
    daemon,
    git,
    has_daemon,
    hub_at,
    joined,
    running_with,
    silent_server,
)
from tests.support.workspaces import NOON, add_basics, add_prompt, made, promote_to, stage_all, tick


def remark(workspace: Workspace, text: str) -> str:
    """A note on the first record; returns the note's own record."""
    first = newest(workspace.store, 1000)[-1].id
    return apply(workspace, note.plan(workspace, first, text)).record.id


def ids(workspace: Workspace) -> list[str]:
    return [entry.id for entry in newest(workspace.store, 1000)]


def is_sound(hub: Path) -> bool:
    done = subprocess.run(["git", f"--git-dir={hub}", "fsck", "--strict"], capture_output=True, text=True)
    return done.returncode == 0


def test_what_one_does_the_other_has_after_a_sync(pair: Pair) -> None:
    record = remark(pair.ana, "hello")
    assert git(pair.hub, "rev-parse", "main") == pair.ana.store.tip(), "a note is pushed at once"
    done = sync(pair.bo)
    assert (done.relation, done.pulled, done.pushed) == ("behind", 1, 0)
    assert ids(pair.bo)[0] == record
    assert sync(pair.bo).relation == "same"


def test_what_could_not_be_pushed_is_told_and_goes_along_later(pair: Pair) -> None:
    with away(pair.hub):
        first = newest(pair.ana.store, 1)[0].id
        applied = apply(pair.ana, note.plan(pair.ana, first, "offline"))
        assert len(applied.problems) == 1 and applied.problems[0].startswith("not pushed yet: the remote ")
        remark(pair.ana, "offline too")
        state = remote_state(pair.ana)
        assert state is not None and state.ahead == 2 and state.trouble_kind == "unreachable"
        assert "remote unreachable since 2026-03-02 12:00 UTC, 2 not pushed" in state.words(NOON)
        assert any("cannot be used" in one for one in status(pair.ana).attention)
    done = sync(pair.ana)
    assert (done.relation, done.pushed) == ("ahead", 2)
    state = remote_state(pair.ana)
    assert state is not None and state.trouble is None
    assert state.words(NOON + timedelta(seconds=12)) == "synced 12 s ago"
    assert status(pair.ana).as_json()["remote"]["ahead"] == 0


def test_both_went_on_and_all_of_it_is_kept_once(pair: Pair) -> None:
    with away(pair.hub):
        mine = [remark(pair.ana, f"ana {number}") for number in range(3)]
        other = [remark(pair.bo, f"bo {number}") for number in range(2)]
    assert sync(pair.bo).pushed == 2
    before = {entry.id: entry for entry in newest(pair.ana.store, 100)}
    done = sync(pair.ana)
    assert (done.relation, done.pulled, done.pushed, len(done.moved)) == ("diverged", 2, 3, 3)
    assert git(pair.hub, "rev-parse", "main") == pair.ana.store.tip()
    after = {entry.id: entry for entry in newest(pair.ana.store, 100)}
    assert set(after) == set(before) | set(other)
    for record in mine:
        was, now = before[record], after[record]
        assert (was.at, was.author, was.summary) == (now.at, now.author, now.summary)
        assert was.commit != now.commit and dict(done.moved)[was.commit] == now.commit
    assert is_sound(pair.hub) and check(pair.ana.store).count == 0
    assert sync(pair.bo).pulled == 3 and ids(pair.bo) == ids(pair.ana)


def test_a_change_that_had_to_be_replayed_names_the_commit_that_main_has(pair: Pair) -> None:
    remark(pair.bo, "first")
    first = newest(pair.ana.store, 1)[0].id
    applied = apply(pair.ana, note.plan(pair.ana, first, "second"))
    assert applied.problems == () and applied.commit == pair.ana.store.tip()
    assert git(pair.hub, "rev-parse", "main") == applied.commit


def with_retention(workspace: Workspace, days: int) -> None:
    changed = workspace.store.at().policy.model_copy(update={"retention_days": days})
    apply(workspace, policy.plan(workspace, changed), "because")


def parted(pair: Pair) -> None:
    """Both changed lockgate.toml, and Ana remarked something beside it; Bo was faster."""
    with away(pair.hub):
        with_retention(pair.ana, 40)
        remark(pair.ana, "only ana")
        with_retention(pair.bo, 50)
    sync(pair.bo)


def test_a_conflict_is_said_in_one_sentence_and_changes_nothing(pair: Pair) -> None:
    parted(pair)
    tip, refs = pair.ana.store.tip(), git(pair.hub, "for-each-ref")
    for dry in (True, False):
        with pytest.raises(Conflict) as refused:
            plan(pair.ana) if dry else sync(pair.ana)
        mine, theirs = newest(pair.ana.store, 3)[1].id, newest(pair.bo.store, 1)[0].id
        assert mine in refused.value.message and theirs in refused.value.message
        assert "lockgate.toml" in refused.value.message and "--take-remote" in refused.value.message
        assert refused.value.exit_code == 1 and isinstance(refused.value, Blocked)
    assert pair.ana.store.tip() == tip and git(pair.hub, "for-each-ref") == refs
    assert aside(pair.ana.store) == ()
    state = remote_state(pair.ana)
    assert state is not None and state.trouble_kind == "unsettled" and (state.ahead, state.behind) == (2, 1)


def test_take_remote_puts_aside_what_is_only_here_and_loses_nothing(pair: Pair) -> None:
    parted(pair)
    tip = pair.ana.store.tip()
    would = plan(pair.ana, take_remote=True)
    assert len(would.put_aside) == 2 and pair.ana.store.tip() == tip
    done = sync(pair.ana, take_remote=True)
    assert done.aside == aside(pair.ana.store) and len(done.aside) == 1
    assert len(done.put_aside) == 2 and "policy" in done.put_aside[0]
    assert git(pair.ana.store.path, "rev-parse", done.aside[0]) == tip
    assert pair.ana.store.tip() == pair.bo.store.tip() == git(pair.hub, "rev-parse", "main")
    assert pair.ana.store.at().policy.retention_days == 50
    remark(pair.ana, "it goes on")
    assert sync(pair.bo).pulled == 1


def test_a_rewritten_remote_is_refused_naming_both_heads(pair: Pair) -> None:
    remark(pair.ana, "seen by both")
    sync(pair.bo)
    seen = git(pair.hub, "rev-parse", "main")
    git(pair.hub, "update-ref", "refs/heads/main", f"{seen}~1")
    older = git(pair.hub, "rev-parse", "main")
    for _ in range(2):
        with pytest.raises(MachineryError, match="was rewritten") as refused:
            sync(pair.bo)
        assert seen[:10] in refused.value.message and older[:10] in refused.value.message
    assert pair.bo.store.tip() == seen
    git(pair.hub, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(MachineryError, match="no main any more"):
        sync(pair.bo)
    git(pair.hub, "update-ref", "refs/heads/main", seen)
    assert sync(pair.bo).relation == "same"


def test_a_rewritten_remote_can_be_followed_once_that_was_meant(pair: Pair) -> None:
    remark(pair.ana, "taken back later")
    sync(pair.bo)
    git(pair.hub, "update-ref", "refs/heads/main", "main~1")
    git(pair.bo.store.path, "update-ref", "-d", "refs/remotes/origin/main")
    done = sync(pair.bo, take_remote=True)
    assert len(done.put_aside) == 1 and pair.bo.store.tip() == git(pair.hub, "rev-parse", "main")


def test_another_store_is_refused_and_forgotten(tmp_path: Path) -> None:
    other = hub_at(tmp_path / "other.git")
    joined(tmp_path / "eve", other)
    stranger = made(tmp_path / "stranger", at=NOON + timedelta(days=1))
    stranger = again(stranger, other)
    for _ in range(2):
        with pytest.raises(MachineryError, match="another store"):
            sync(stranger)
    again_right = again(stranger, hub_at(tmp_path / "right.git"))
    assert sync(again_right).relation == "ahead"


def test_a_main_that_cannot_be_read_is_not_followed(pair: Pair, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(pair.hub), str(clone)], check=True)
    (clone / "environments").mkdir()
    (clone / "environments/production.toml").write_text('name = "staging"\n')
    who = ["-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run(["git", "-C", str(clone), "add", "."], check=True)
    subprocess.run(["git", "-C", str(clone), *who, "commit", "-qm", "by hand"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
    tip = pair.bo.store.tip()
    with pytest.raises(
        MachineryError, match=r"is not followed, nothing was changed: environments/production"
    ):
        sync(pair.bo)
    assert pair.bo.store.tip() == tip


def test_the_remotes_own_rules_are_obeyed_and_told(pair: Pair) -> None:
    hook = pair.hub / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'only signed commits here' >&2\nexit 1\n")
    hook.chmod(0o755)
    first = newest(pair.ana.store, 1)[0].id
    applied = apply(pair.ana, note.plan(pair.ana, first, "unsigned"))
    assert "refused it" in applied.problems[0] and "only signed commits here" in applied.problems[0]
    state = remote_state(pair.ana)
    assert state is not None and state.trouble_kind == "refused" and state.ahead == 1


def test_a_silent_server_costs_the_time_out_and_no_process_stays(tmp_path: Path) -> None:
    workspace = made(tmp_path / "acme")
    with silent_server() as url:
        workspace = again(workspace, url, 0.6)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"did not answer within 0\.6 s"):
            sync(workspace)
        assert time.monotonic() - began < 2.6
        assert not running_with(url)
        looks = [one for one in doctor(workspace) if one.what == "remote"]
        assert looks and not any(one.ok for one in looks)


@pytest.mark.skipif(not has_daemon(), reason="git daemon is not on this machine")
def test_over_a_git_daemon(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    hub_at(folder / "hub.git")
    with daemon(folder) as url:
        ana = joined(tmp_path / "ana", f"{url}/hub.git")
        bo = joined(tmp_path / "bo", f"{url}/hub.git")
        mine, other = remark(ana, "one"), remark(bo, "two")
        sync(ana)
        assert set(ids(ana)) >= {mine, other} and ids(ana) == ids(bo)
    assert is_sound(folder / "hub.git")
    with pytest.raises(Unreachable, match="cannot be used"):
        sync(ana)


def test_without_a_remote_no_git_is_started_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    real = subprocess.Popen

    class Watched(real):  # type: ignore[type-arg,misc]
        def __init__(self, arguments: list[str], **more: object) -> None:
            started.append(Path(arguments[0]).name)
            super().__init__(arguments, **more)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    workspace = made(tmp_path / "acme")
    add_basics(workspace, tmp_path)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    promote_to(workspace, "r1")
    add_prompt(workspace, tmp_path / "p", "Answer kindly.\n")
    stage_all(workspace, "prompt/support")
    promote_to(workspace, "r2")
    assert apply(workspace, rollback.plan(workspace, "production")).problems == ()
    assert remote_state(workspace) is None and status(workspace).remote is None
    assert "remote" not in status(workspace).as_json()
    assert not [one for one in doctor(workspace) if one.what == "remote"]
    assert not (workspace.state / "remote.json").exists()
    with pytest.raises(InputError, match="has no remote"):
        sync(workspace)
    assert "git" not in started


def test_what_remote_json_holds_is_never_believed_blindly(pair: Pair) -> None:
    sync(pair.bo)
    kept = pair.bo.state / "remote.json"
    for text in ("", "[]", "{", '{"remote": 1}', kept.read_text().replace("2026", "never")):
        kept.write_text(text)
        state = remote_state(pair.bo)
        assert state is not None and state.contact_at is None and state.ahead == 0
    kept.unlink()
    tick(pair.bo, NOON + timedelta(minutes=1))
    sync(pair.bo)
    state = remote_state(pair.bo)
    assert state is not None and state.contact_at == NOON + timedelta(minutes=1)
