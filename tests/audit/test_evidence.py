"""Evidence of one change, the export of all, and a line to keep and hold against the store."""

from __future__ import annotations

import csv
import hashlib
import json
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from console.operations import promote
from console.operations.approval import give
from console.operations.audit.verify import verify
from console.operations.note import plan as remark
from store.records.policy import ApprovalPolicy
from tests.commands.conftest import Lockgate
from tests.rights.forging import forge
from tests.rights.team import Team, policy, team
from tests.signing.keyring import key, wants_ssh_keygen

pytestmark = wants_ssh_keygen
HOSTILE = "<script>alert(1)</script> | ![x](http://x.example) \x1b[2J\x07 =cmd()"


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    """Bo approved r2, Ana promoted it with a note that is an attack."""
    found = team(tmp_path, policy(ApprovalPolicy()))
    found.do("bo", give.plan(found.as_("bo"), "r2", "production"), "read it")
    found.do("ana", promote.plan(found.as_("ana"), "r2", "production"), HOSTILE)
    return found


def newest(acme: Team) -> str:
    record = acme.as_("ana").store.at().environment("production").record
    assert record is not None
    return record


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)


def test_all_there_is_on_one_change(acme: Team, lockgate: Lockgate) -> None:
    here, record = acme.as_("bo"), newest(acme)
    acme.do("bo", remark(here, record, "seen in production"))
    words = ("-C", acme.root, "audit", "evidence", record)
    data = json.loads(lockgate(*words, "--format", "json").out)
    assert data["record"]["approvals"][0]["by"]["name"] == "Bo" and data["key"].startswith("SHA256:")
    assert data["release"]["id"] == "r2" and data["policy_digest"].startswith("sha256:")
    page = lockgate(*words).out
    assert "## Approvals" in page and "seen in production" in page and "\\<script\\>" in page
    assert "\x1b" not in page and "\x07" not in page
    out = acme.root / "evidence.html"
    assert lockgate(*words, "--format", "html", "--out", out).code == 0
    tags = Tags()
    tags.feed(out.read_text())
    assert "script" not in tags.found and "table" in tags.found and "\x1b" not in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = lockgate(*words, "--format", "html", "--out", out)
    assert again.code == 2 and "is there already" in again.err
    assert lockgate("-C", acme.root, "audit", "evidence", "nothing").code == 2


def test_an_export_counts_and_seals_itself(acme: Team, lockgate: Lockgate) -> None:
    out = acme.root / "all.jsonl"
    assert lockgate("-C", acme.root, "audit", "export", "--out", out).code == 0
    *lines, last = out.read_bytes().splitlines(keepends=True)
    end = json.loads(last)
    assert end["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest() and end["count"] == len(lines)
    rows = [json.loads(line) for line in lines]
    store = acme.as_("ana").store
    assert [row["commit"] for row in rows] == list(reversed(store.history(store.tip())))
    assert (end["first"], end["last"], end["head"]) == (rows[0]["id"], rows[-1]["id"], store.tip())
    assert all(list(row) == sorted(row) for row in rows) and rows[-1]["approvals"][0]["signature"]
    again = lockgate("-C", acme.root, "audit", "export")
    assert again.out.splitlines()[:-1] == [line.decode().rstrip("\n") for line in lines]
    part = lockgate("-C", acme.root, "audit", "export", "--env", "production").out.splitlines()
    assert json.loads(part[-1])["count"] == len(part) - 1 == 3


def test_a_spreadsheet_runs_nothing(acme: Team, lockgate: Lockgate) -> None:
    acme.do("ana", remark(acme.as_("ana"), newest(acme), "x"), "=HYPERLINK(1)")
    text = lockgate("-C", acme.root, "audit", "export", "--format", "csv").out
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))] and "\x1b" not in text


def test_a_line_that_was_kept_is_held_against_the_store(acme: Team, lockgate: Lockgate) -> None:
    line = lockgate("-C", acme.root, "audit", "checkpoint").out.strip()
    here = acme.as_("ana")
    assert line.startswith("lockgate.checkpoint/1 ") and line.endswith(here.store.tip())
    words = ("-C", acme.root, "audit", "verify", "--checkpoint", line)
    assert lockgate(*words).code == 0
    forge(here, {"README.md": b"hello\n"}, by=key("ana"))
    assert lockgate(*words).code == 0
    parent = str(here.store.commit(here.store.tip()).parents[0].parents[0].id)
    here.store.repo.references.create("refs/heads/main", parent, force=True)
    (acme.root / "trust.toml").unlink()
    assert verify(acme.as_("ana")).findings == ()
    missed = lockgate(*words)
    assert missed.code == 1 and "rewritten" in missed.out
    wrong = lockgate("-C", acme.root, "audit", "verify", "--checkpoint", "tomorrow")
    assert wrong.code == 2 and "is no checkpoint" in wrong.err
    other = line.split()
    other[2] = str(int(other[2]) + 1)
    forge(acme.as_("ana"), {"README.md": b"hello\n"}, by=key("ana"))
    kept = lockgate("-C", acme.root, "audit", "checkpoint").out.split()
    kept[2] = str(int(kept[2]) + 1)
    assert "cut off" in lockgate(*words[:-1], " ".join(kept)).out


@pytest.mark.heavy
def test_a_long_history_is_exported_in_constant_memory(tmp_path: Path) -> None:
    from tests.signing.test_audit_command import long

    long(tmp_path, 20_000)
    code = (
        "import resource, sys; from console.__main__ import run; "
        f"run(['-C', {str(tmp_path)!r}, 'audit', 'export', '--out', {str(tmp_path / 'out.jsonl')!r}]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    first = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads((tmp_path / "out.jsonl").read_bytes().splitlines()[-1])["count"] == 20_000
    assert (tmp_path / "out.jsonl").stat().st_size > 10_000_000
    assert int(first.stdout.split()[-1]) < 300_000, "kilobytes"
