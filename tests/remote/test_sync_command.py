"""lockgate sync, init --remote, status, doctor and tick, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import run
from console.operations import note
from console.operations.apply import apply
from store.history.newest import newest
from store.workspace import Workspace
from tests.remote.conftest import Pair
from tests.remote.hubs import again, away, git, hub_at, silent_server
from tests.remote.test_sync import parted

Ran = tuple[int, str, str]


@pytest.fixture
def lockgate(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """(exit code, standard output, standard error) of a command line."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def data(ran: Ran) -> Any:
    return json.loads(ran[1])


def remarked(workspace: Workspace, text: str) -> None:
    apply(workspace, note.plan(workspace, newest(workspace.store, 1000)[-1].id, text))


def test_from_an_empty_hub_to_a_second_machine(lockgate: Callable[..., Ran], tmp_path: Path) -> None:
    hub = hub_at(tmp_path / "hub.git")
    code, out, _ = lockgate("init", tmp_path / "one", "--remote", hub, "--dry-run")
    assert code == 0 and f"shared through {hub}" in out and not (tmp_path / "one").exists()
    assert data(lockgate("init", tmp_path / "one", "--remote", hub, "--json"))["remote"] == str(hub)
    code, out, _ = lockgate("init", tmp_path / "two", "--remote", hub)
    assert code == 0 and f"It is shared through {hub}." in out
    (tmp_path / "p").mkdir()
    (tmp_path / "p/system.md").write_text("Answer briefly.\n")
    code, _, err = lockgate("-C", tmp_path / "two", "add", "prompt", "support", "--from", tmp_path / "p")
    assert code == 0 and "not pushed" not in err
    code, out, _ = lockgate("-C", tmp_path / "one", "sync")
    assert code == 0 and out == f"Took 1 commit from {hub}.\n"
    assert lockgate("-C", tmp_path / "one", "sync")[1] == f"In step with {hub}.\n"
    assert "prompt/support" in lockgate("-C", tmp_path / "one", "list", "prompt")[1]
    assert "synced " in lockgate("-C", tmp_path / "one", "status")[1]


def test_a_dry_run_says_what_would_be_done_and_moves_no_main(
    lockgate: Callable[..., Ran], pair: Pair
) -> None:
    with away(pair.hub):
        remarked(pair.ana, "offline")
    remarked(pair.bo, "online")
    mains = pair.ana.store.tip(), git(pair.hub, "rev-parse", "main")
    code, out, _ = lockgate("-C", pair.ana.root, "sync", "--dry-run")
    assert code == 0 and "Would take 1 commit" in out and "Would push 1 commit" in out
    found = data(lockgate("-C", pair.ana.root, "sync", "--dry-run", "--json"))
    assert found["dry_run"] and found["relation"] == "diverged" and len(found["replayed"]) == 1
    assert (pair.ana.store.tip(), git(pair.hub, "rev-parse", "main")) == mains
    found = data(lockgate("-C", pair.ana.root, "sync", "--json"))
    assert (found["pulled"], found["pushed"], found["aside"], found["trouble"]) == (1, 1, [], None)


def test_a_conflict_ends_with_1_and_take_remote_names_what_it_put_aside(
    lockgate: Callable[..., Ran], pair: Pair
) -> None:
    parted(pair)
    code, out, _ = lockgate("-C", pair.ana.root, "sync", "--json")
    assert code == 1 and "lockgate.toml" in json.loads(out)["error"]
    code, _, err = lockgate("-C", pair.ana.root, "sync")
    assert code == 1 and err.strip().count("\n") <= 1 and "--take-remote" in err
    assert "not in step with the remote" in lockgate("-C", pair.ana.root, "status")[1]
    assert lockgate("-C", pair.ana.root, "doctor")[0] == 4
    code, out, _ = lockgate("-C", pair.ana.root, "sync", "--take-remote")
    assert code == 0 and "Put aside under refs/lockgate/aside/" in out and "(policy by Ana)" in out
    code, out, _ = lockgate("-C", pair.ana.root, "doctor")
    assert code == 0 and "1 ref of what was put aside" in out


def test_without_a_remote_it_says_how_to_name_one(lockgate: Callable[..., Ran], tmp_path: Path) -> None:
    lockgate("init", tmp_path / "acme")
    code, _, err = lockgate("-C", tmp_path / "acme", "sync")
    assert code == 2 and "settings.toml" in err and "Traceback" not in err
    code, _, err = lockgate("-C", tmp_path / "acme", "watch", "--follow", "--ticks", 1)
    assert code == 2 and "has no remote" in err


def test_a_tick_syncs_at_its_end_and_an_absent_remote_is_no_failure(
    lockgate: Callable[..., Ran], pair: Pair
) -> None:
    with away(pair.hub):
        remarked(pair.ana, "offline")
        code, _, err = lockgate("-C", pair.ana.root, "tick")
        assert code == 0 and "not synced: the remote" in err
        code, out, _ = lockgate("-C", pair.ana.root, "status", "--json")
        assert json.loads(out)["remote"]["ahead"] == 1
    remarked(pair.bo, "online")
    assert lockgate("-C", pair.ana.root, "tick", "--json")[0] == 0
    assert git(pair.hub, "rev-parse", "main") == pair.ana.store.tip()
    assert git(pair.hub, "rev-list", "--count", "main") == "3"


def test_a_tick_fails_where_a_person_has_to_decide(lockgate: Callable[..., Ran], pair: Pair) -> None:
    parted(pair)
    code, _, err = lockgate("-C", pair.ana.root, "tick")
    assert code == 4 and "--take-remote" in err


def test_a_change_with_a_silent_remote_is_done_and_says_that_it_is_not_pushed(
    lockgate: Callable[..., Ran], pair: Pair
) -> None:
    first = newest(pair.ana.store, 1000)[-1].id
    with silent_server() as url:
        again(pair.ana, url, 0.5)
        code, out, err = lockgate("-C", pair.ana.root, "note", first, "-m", "hello")
        assert (
            code == 0 and "record" in out and "not pushed yet" in err and "did not answer within 0.5 s" in err
        )
        assert lockgate("-C", pair.ana.root, "doctor")[0] == 4


def test_a_hostile_remote_says_nothing_to_the_terminal(lockgate: Callable[..., Ran], pair: Pair) -> None:
    hook = pair.hub / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nprintf '\\033[2J\\033]0;owned\\007%s' '\u202eevil' >&2\nexit 1\n")
    hook.chmod(0o755)
    with away(pair.hub):
        remarked(pair.ana, "offline")
    code, out, err = lockgate("-C", pair.ana.root, "sync")
    assert code == 4 and "refused it" in err
    for text in (out, err, (pair.ana.state / "remote.json").read_text()):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
