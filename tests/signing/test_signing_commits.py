"""Every commit of a workspace with a signing_key is signed, and git agrees; a failing key is one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from console.operations import promote, rollback
from console.operations.apply import apply
from console.operations.init import init
from console.operations.sync.sync import sync
from store.clock import FixedClock
from store.errors import InputError, MachineryError
from store.records.base import Person
from store.signing.signer import Signing, SigningError
from store.workspace import Workspace
from tests.remote.hubs import away, hub_at
from tests.signing.keyring import KEYGEN, Key, key, wants_ssh_keygen
from tests.support.workspaces import NOON, OPEN_POLICY, add_basics, add_prompt, do, stage_all

pytestmark = wants_ssh_keygen
ANA = Person(name="Ana", email="ana@example.org")


@pytest.fixture(autouse=True)
def ana_is_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKGATE_AUTHOR", "Ana <ana@example.org>")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield


def signed_workspace(path: Path, with_key: Path, more: str = "", remote: str | None = None) -> Workspace:
    path.mkdir()
    (path / "settings.toml").write_text(f'signing_key = "{with_key}"\n{more}')
    return init(path, OPEN_POLICY, FixedClock(NOON), remote=remote)


def again(workspace: Workspace, settings: str) -> Workspace:
    (workspace.root / "settings.toml").write_text(settings)
    return Workspace(workspace.root, workspace.clock)


def is_signed(workspace: Workspace, commit: str | None = None) -> bool:
    return workspace.store.repo[commit or workspace.store.tip()].gpg_signature[0] is not None


def git_agrees(workspace: Workspace, signers: str, commit: str = "main") -> str:
    """What `git verify-commit` says; raises where it does not agree."""
    path = workspace.root / "signers"
    path.write_text(signers)
    words = ["git", f"--git-dir={workspace.store.path}", "-c", "gpg.format=ssh"]
    words += ["-c", f"gpg.ssh.allowedSignersFile={path}", "verify-commit", commit]
    return subprocess.run(words, capture_output=True, check=True, text=True).stderr


def released(path: Path, scratch: Path, ana: Key) -> Workspace:
    """r2 in production, after r1."""
    workspace = signed_workspace(path, ana.path)
    add_basics(workspace, scratch)
    for _ in range(2):
        add_prompt(workspace, scratch / "p", f"Answer {_} times.\n\n{{{{context}}}}\n", what="tone")
        release = stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
        do(workspace, promote.plan(workspace, release, "production", override="now"))
    return workspace


@pytest.mark.parametrize("type", ["ed25519", "ecdsa", "rsa"])
def test_every_commit_from_the_first_is_signed_and_git_agrees(tmp_path: Path, type: str) -> None:
    ana = key(f"ana-{type}", type)
    workspace = signed_workspace(tmp_path / "acme", ana.path)
    add_prompt(workspace, tmp_path / "p", "Answer ünder\n\n{{context}}\n", what="first — words")
    for commit in workspace.store.history(workspace.store.tip()):
        assert 'Good "git" signature for ana@example.org' in git_agrees(
            workspace, ana.allowed("ana@example.org"), commit
        )
    fsck = ["git", f"--git-dir={workspace.store.path}", "fsck", "--strict"]
    subprocess.run(fsck, check=True, capture_output=True)
    with pytest.raises(subprocess.CalledProcessError):
        git_agrees(workspace, key("bo").allowed("bo@example.org"))


def test_without_a_key_nothing_is_signed_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", fails)
    workspace = init(tmp_path / "acme", OPEN_POLICY, FixedClock(NOON))
    add_prompt(workspace, tmp_path / "p", "Answer.\n\n{{context}}\n", what="words")
    assert not is_signed(workspace)


def locked(path: Path) -> Path:
    subprocess.run([str(KEYGEN), "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)], check=True)
    return path


def test_a_key_that_cannot_sign_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    workspace = signed_workspace(tmp_path / "acme", key("ana").path)
    add_prompt(workspace, tmp_path / "p", "Answer.\n\n{{context}}\n", what="words")
    tip = workspace.store.tip()
    (tmp_path / "junk").write_text("no key")
    for path, says in (
        (tmp_path / "nowhere", "No such file"),
        (tmp_path / "junk", "ssh-keygen: "),
        (locked(tmp_path / "locked"), "it has a passphrase"),
        (tmp_path, "ssh-keygen: "),
    ):
        broken = again(workspace, f'signing_key = "{path}"\n')
        began = time.monotonic()
        with pytest.raises(MachineryError) as caught:
            add_prompt(broken, tmp_path / "p", "Answer at length.\n\n{{context}}\n", what="more")
        assert caught.value.exit_code == 4 and says in caught.value.message, caught.value.message
        assert str(path) in caught.value.message and "nothing was changed" in caught.value.message
        assert "\n" not in caught.value.message and time.monotonic() - began < 10
        assert broken.store.tip() == tip


def test_a_type_of_key_that_could_not_be_verified_does_not_sign(tmp_path: Path) -> None:
    path = tmp_path / "p384"
    words = [str(KEYGEN), "-q", "-t", "ecdsa", "-b", "384", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)
    with pytest.raises(SigningError, match="ecdsa-sha2-nistp384; known are"):
        Signing(path, ANA).sign(b"tree")


def test_an_ssh_keygen_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "ssh-keygen"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/child\nwait\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with pytest.raises(SigningError, match=r"did not answer within 2 s"):
        Signing(tmp_path / "k", ANA, seconds=2).sign(b"tree")
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_ssh_keygen_writes_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "ssh-keygen"
    fake.parent.mkdir()
    (tmp_path / "other").write_text(key("ana").sign(b"other"))
    fake.write_text(f"#!/bin/sh\ncat >/dev/null; cat {tmp_path}/other\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with pytest.raises(SigningError, match="no signature of it"):
        Signing(tmp_path / "k", ANA).sign(b"tree")
    fake.write_text("#!/bin/sh\ncat >/dev/null; echo hello\n")
    with pytest.raises(SigningError, match="is not an SSH signature"):
        Signing(tmp_path / "k", ANA).sign(b"tree")


def test_an_agent_signs_for_a_public_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "k"
    subprocess.run([str(KEYGEN), "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    socket = tmp_path / "agent"
    said = subprocess.run(["ssh-agent", "-s", "-a", str(socket)], capture_output=True, text=True, check=True)
    agent = int(said.stdout.split("SSH_AGENT_PID=")[1].split(";")[0])
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", str(path)], check=True, capture_output=True)
        path.unlink()
        assert Signing(path.with_suffix(".pub"), ANA).sign(b"tree").startswith("-----BEGIN SSH SIGNATURE")
    finally:
        os.kill(agent, signal.SIGTERM)
    with pytest.raises(SigningError, match="ssh-keygen: "):
        Signing(path.with_suffix(".pub"), ANA).sign(b"tree")


def test_taking_back_happens_unsigned_and_is_told_moving_forward_is_refused(tmp_path: Path) -> None:
    workspace = released(tmp_path / "acme", tmp_path, key("ana"))
    assert is_signed(workspace)
    broken = again(workspace, f'signing_key = "{tmp_path / "nowhere"}"\n')
    applied = apply(broken, rollback.plan(broken, "production"), "at night")
    assert broken.store.at().environment("production").stable == "r1"
    assert not is_signed(broken, applied.commit)
    assert applied.unsigned in applied.problems
    assert "nowhere" in str(applied.unsigned) and "is not signed" in str(applied.unsigned)
    tip = broken.store.tip()
    with pytest.raises(MachineryError, match="could not be signed"):
        apply(broken, promote.plan(broken, "r2", "production", override="x"), "again")
    assert broken.store.tip() == tip
    unreadable = again(workspace, "signing_key = what\n")
    with pytest.raises(InputError, match=r"settings\.toml"):
        add_prompt(unreadable, tmp_path / "p", "Answer at length.\n\n{{context}}\n", what="more")
    assert unreadable.store.tip() == tip


@pytest.mark.parametrize(
    "line", ['signing_key = "id_ed25519"', "signing_key = 3", 'allowed_signers = "../x"']
)
def test_a_path_that_means_nothing_by_itself_is_refused(tmp_path: Path, line: str) -> None:
    workspace = init(tmp_path / "acme", OPEN_POLICY, FixedClock(NOON))
    with pytest.raises(InputError, match=line.split()[0]):
        _ = again(workspace, line + "\n").settings


def test_a_replayed_commit_is_signed_by_whoever_replays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hub_at(tmp_path / "hub.git")
    ana = signed_workspace(tmp_path / "ana", key("ana").path, remote=str(hub))
    bo = signed_workspace(tmp_path / "bo", key("bo").path, remote=str(hub))
    monkeypatch.setenv("LOCKGATE_AUTHOR", "Cy <cy@example.org>")
    with away(hub):
        add_prompt(
            Workspace(ana.root, ana.clock),
            tmp_path / "p",
            "Answer.\n\n{{context}}\n",
            name="one",
            what="words",
        )
    monkeypatch.setenv("LOCKGATE_AUTHOR", "Bo <bo@example.org>")
    bo = Workspace(bo.root, FixedClock(NOON.replace(hour=15)))
    add_prompt(bo, tmp_path / "p", "Answer.\n\n{{context}}\n", name="two", what="words")
    monkeypatch.setenv("LOCKGATE_AUTHOR", "Ana <ana@example.org>")
    done = sync(Workspace(ana.root, ana.clock))
    assert len(done.moved) == 1
    found = ana.store.repo[done.moved[0][1]]
    assert isinstance(found, pygit2.Commit)
    assert (found.author.email, found.committer.email) == ("cy@example.org", "ana@example.org")
    assert found.commit_time >= ana.store.commit(str(found.parent_ids[0])).commit_time
    assert "ana@example.org" in git_agrees(ana, key("ana").allowed("ana@example.org"), str(found.id))
    assert "bo@example.org" in git_agrees(ana, key("bo").allowed("bo@example.org"), str(found.parent_ids[0]))
