"""lockgate audit verify: what it says, ends with and keeps; and how long ten thousand commits take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.operations.audit.verify import verify
from store.errors import Cancelled, InputError
from store.progress import Progress
from store.workspace import Workspace
from tests.commands.conftest import Lockgate, Result
from tests.signing.keyring import key, wants_ssh_keygen
from tests.signing.long import Signer, long_store
from tests.signing.stores import Case, add, case_at
from tests.support.workspaces import NOON

pytestmark = wants_ssh_keygen


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return case_at(tmp_path)


def command(lockgate: Lockgate, case: Case, *arguments: str) -> Result:
    done: Result = lockgate("-C", str(case.workspace.root), "audit", "verify", *arguments)
    return done


def test_all_is_well(lockgate: Lockgate, case: Case) -> None:
    first = command(lockgate, case)
    assert (first.code, first.out) == (0, f"Verified 5 commits; the head is {case.ids[-1]}.\n")
    second = command(lockgate, case)
    assert second.out == f"Verified 0 commits after {case.ids[-1][:10]}; the head is {case.ids[-1]}.\n"
    assert command(lockgate, case, "--from", case.ids[1][:12], "--json").data == {
        "ok": True, "head": case.ids[-1], "commits": 3, "after": case.ids[1], "count": 0, "findings": [],
    }  # fmt: skip


def test_what_is_wrong_is_a_table(lockgate: Lockgate, case: Case) -> None:
    new = add(case, case.ids[-1], "x", NOON + timedelta(hours=1), unsigned=True, email="x\x1b[2J@y")
    case.move(new)
    done = command(lockgate, case)
    assert done.code == 1 and done.out.splitlines() == [
        "commit      what      why",
        f"{new[:10]}  unsigned  it has no signature",
    ]
    assert "1 thing wrong, 6 commits verified" in done.err
    case.move(add(case, case.ids[-1], "x", NOON + timedelta(hours=1), email="x\x1b[2J@y"))
    hostile = command(lockgate, case)
    assert "\x1b" not in hostile.out and "other committer" in hostile.out
    as_json = command(lockgate, case, "--json")
    assert as_json.code == 1 and as_json.data["count"] == 1
    assert as_json.data["findings"][0]["what"] == "other committer"


def test_without_signers_the_way_out_is_told(lockgate: Lockgate, case: Case) -> None:
    settings = case.workspace.root / "settings.toml"
    text = settings.read_text()
    settings.write_text("\n".join(line for line in text.splitlines() if "allowed_signers" not in line))
    done = command(lockgate, case)
    assert done.code == 2 and 'allowed_signers = "' in done.err and "ssh-ed25519" in done.err
    settings.write_text(text)
    for content, says in (
        (None, "cannot be read"),
        ("", "allows nobody"),
        ("x y\n", "line 1: "),
    ):
        case.signers.unlink(missing_ok=True)
        if content is not None:
            case.signers.write_text(content)
            case.signers.chmod(0o600)
        done = command(lockgate, case)
        assert done.code == 2 and says in done.err and str(case.signers) in done.err, done.err
    case.signers.write_text(key("ana").allowed("ana@example.org"))
    case.signers.chmod(0o666)
    assert "can be written by anybody" in command(lockgate, case).err


def test_what_from_names_has_to_be_on_main(lockgate: Lockgate, case: Case) -> None:
    aside = add(case, case.ids[0], "x", NOON + timedelta(hours=1))
    assert "main does not stand on" in command(lockgate, case, "--from", aside).err
    assert command(lockgate, case, "--from", "nowhere").code == 2


@pytest.mark.parametrize(
    "text", ["head = 3", "what", 'head = "' + "0" * 40 + '"', "format = 'lockgate.trust/9'\n"]
)
def test_a_trust_file_that_cannot_be_read_is_said(lockgate: Lockgate, case: Case, text: str) -> None:
    (case.workspace.root / "trust.toml").write_text(text)
    done = command(lockgate, case)
    assert done.code == 2 and "trust.toml" in done.err and done.err.count("\n") == 1


def test_it_shows_progress_and_is_cancelled_without_a_trace(case: Case) -> None:
    seen: list[Progress] = []
    verify(case.workspace, report=seen.append)
    assert (seen[-1].stage, seen[-1].done, seen[-1].total) == ("verifying", 5, 5)
    (case.workspace.root / "trust.toml").unlink()
    with pytest.raises(Cancelled):
        verify(case.workspace, stop=lambda: True)
    assert not (case.workspace.root / "trust.toml").exists()


def test_neither_start_nor_help_imports_cryptography() -> None:
    code = (
        "import sys; from console.__main__ import run; run(['audit', 'verify', '--help']); "
        "import console.app, console.operations.audit.verify, console.operations.apply; "
        "print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def long(tmp_path: Path, count: int) -> Workspace:
    signer = Signer()
    long_store(tmp_path / "store.git", signer, count, datetime(2025, 1, 1, tzinfo=UTC))
    subprocess.run(["git", f"--git-dir={tmp_path / 'store.git'}", "gc", "-q"], check=True)
    handle = os.open(tmp_path / "signers", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(handle, signer.allowed.encode())
    os.close(handle)
    (tmp_path / "settings.toml").write_text(f'allowed_signers = "{tmp_path / "signers"}"\n')
    return Workspace(tmp_path)


def test_many_commits_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = long(tmp_path, 150)

    def fails(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", fails)
    assert (verify(workspace).commits, verify(workspace).commits) == (150, 0)


@pytest.mark.heavy
def test_ten_thousand_commits_take_less_than_ten_seconds(tmp_path: Path) -> None:
    workspace = long(tmp_path, 10_000)
    began = time.process_time()
    done = verify(workspace)
    assert (done.commits, done.count) == (10_000, 0)
    assert time.process_time() - began < 10


def test_a_workspace_is_found_before_its_signers_are(tmp_path: Path) -> None:
    (tmp_path / "store.git").mkdir()
    with pytest.raises(InputError, match="allowed_signers"):
        verify(Workspace(tmp_path))
