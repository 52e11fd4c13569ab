"""What somebody who can write the store's files could do to its past: each is named for what it is."""

from __future__ import annotations

import subprocess
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from store.signing.commits import parse
from tests.signing.keyring import key, wants_ssh_keygen
from tests.signing.stores import Case, add, case_at, grow, rewritten, signed_by
from tests.support.workspaces import NOON

pytestmark = wants_ssh_keygen


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Five good commits, not verified yet."""
    return case_at(tmp_path)


@pytest.fixture
def known(case: Case) -> Case:
    """Five good commits that were verified."""
    assert case.verify().findings == ()
    return case


def whats(case: Case) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for commit, what in case.wrong():
        found.setdefault(commit, set()).add(what)
    return found


def test_nothing_is_wrong_with_what_nobody_touched(case: Case) -> None:
    done = case.verify()
    assert (done.findings, done.commits, done.tip, done.after) == ((), 5, case.ids[-1], None)
    assert case.verify().commits == 0
    grow(case, 2)
    again = case.verify()
    assert (again.findings, again.commits, again.after) == ((), 2, case.ids[4])


def test_an_amended_commit_with_its_old_signature(case: Case) -> None:
    raw = parse(case.repo[case.ids[-1]].read_raw())
    text = raw.payload.decode().replace("Add f4", "Add nothing")
    new = str(case.repo.create_commit_with_signature(text, str(raw.signature), "gpgsig"))
    case.move(new)
    assert case.wrong() == [(new, "changed")]


@pytest.mark.parametrize("how", ["message", "content"])
def test_an_amended_commit_that_is_signed_anew(known: Case, how: str) -> None:
    more = {how: "Add f4 and more\n"}
    new = add(known, known.ids[3], "f4", NOON + timedelta(minutes=4), **more)  # type: ignore[arg-type]
    known.move(new)
    assert known.wrong() == [(new, "rewritten"), (known.ids[4], "amended")]
    why = known.verify().findings[1].why
    assert why.startswith(f"main has {new[:10]} in its place, with another ")
    assert why.endswith("f4" if how == "content" else "message")


@pytest.mark.parametrize("resigned", [False, True])
def test_a_dropped_commit(known: Case, resigned: bool) -> None:
    new = rewritten(known, known.ids[3:], known.ids[1], key("ana") if resigned else None)
    known.move(new[-1])
    expected = [(new[-1], "rewritten"), (known.ids[2], "dropped")]
    bad = [] if resigned else [(id, "changed") for id in new]
    assert known.wrong() == expected + bad


@pytest.mark.parametrize("resigned", [False, True])
def test_reordered_commits(known: Case, resigned: bool) -> None:
    order = [known.ids[3], known.ids[2], known.ids[4]]
    new = rewritten(known, order, known.ids[1], key("ana") if resigned else None)
    known.move(new[-1])
    found = whats(known)
    assert found[new[-1]] >= {"rewritten"} and found[known.ids[3]] == {"reordered"}
    assert found[new[1]] >= {"back-dated"}
    assert ("changed" in found.get(new[0], set())) is not resigned
    assert "dropped" not in set().union(*found.values()) and known.ids[4] not in found


def test_dropped_and_reordered_commits_break_signatures_that_were_never_verified_before(case: Case) -> None:
    new = rewritten(case, case.ids[3:], case.ids[1], None)
    case.move(new[-1])
    assert case.wrong() == [(id, "changed") for id in new]


def test_a_push_to_an_older_head(known: Case) -> None:
    known.move(known.ids[2])
    (finding,) = known.verify().findings
    assert (finding.commit, finding.what) == (known.ids[2], "went back")
    assert known.ids[3][:10] in finding.why and known.ids[4][:10] in finding.why


def test_another_history_altogether(known: Case, tmp_path: Path) -> None:
    other = case_at(tmp_path / "other", 1)
    known.repo.remotes.create("other", str(other.workspace.store.path)).fetch()
    known.move(other.ids[-1])
    assert known.wrong()[0] == (other.ids[-1], "rewritten")
    git = ["git", f"--git-dir={known.workspace.store.path}"]
    subprocess.run([*git, "reflog", "expire", "--expire=now", "--all"], check=True)
    subprocess.run([*git, "gc", "-q", "--prune=now"], check=True)
    (finding,) = known.verify().findings
    assert finding.what == "rewritten" and "not in the store any more" in finding.why


def test_a_signature_moved_to_another_commit(case: Case) -> None:
    signature = str(parse(case.repo[case.ids[3]].read_raw()).signature)
    payload = parse(case.repo[case.ids[4]].read_raw()).payload.decode()
    new = str(case.repo.create_commit_with_signature(payload, signature, "gpgsig"))
    case.move(new)
    (finding,) = case.verify().findings
    assert (finding.commit, finding.what) == (new, "moved signature")
    assert case.ids[3][:10] in finding.why


def test_a_signer_who_is_not_allowed(case: Case) -> None:
    new = add(case, case.ids[-1], "x", NOON + timedelta(hours=1), by=key("mallory"))
    case.move(new)
    assert case.wrong() == [(new, "not allowed")]


def test_a_committer_who_is_somebody_else(case: Case) -> None:
    new = add(case, case.ids[-1], "x", NOON + timedelta(hours=1), email="bo@example.org")
    case.move(new)
    (finding,) = case.verify().findings
    assert (finding.commit, finding.what) == (new, "other committer")
    assert "'bo@example.org'" in finding.why and "ana@example.org" in finding.why


def test_a_signer_whose_time_was_over(case: Case) -> None:
    case.signers.write_text(key("ana").allowed("ana@example.org", "valid-before=20260302120300Z"))
    assert case.wrong() == [(case.ids[4], "expired")]
    case.signers.write_text(key("ana").allowed("ana@example.org", "valid-after=20260302120100Z"))
    assert case.wrong() == [(case.ids[0], "not valid yet")]


def test_a_signature_for_something_else(case: Case) -> None:
    new = add(case, case.ids[-1], "x", NOON + timedelta(hours=1), namespace="file")
    case.move(new)
    assert case.wrong() == [(new, "wrong namespace")]


def test_an_unsigned_commit_in_the_middle(case: Case) -> None:
    middle = add(case, case.ids[-1], "x", NOON + timedelta(hours=1), unsigned=True)
    case.move(add(case, middle, "y", NOON + timedelta(hours=2)))
    assert case.wrong() == [(middle, "unsigned")]


def test_a_back_dated_commit(case: Case) -> None:
    """A key whose time is over could sign for the time when it was not."""
    case.signers.write_text(key("ana").allowed("ana@example.org", "valid-before=20260302120400Z"))
    new = add(case, case.ids[-1], "x", NOON + timedelta(minutes=1))
    case.move(new)
    assert case.wrong() == [(new, "back-dated")]


def test_two_signatures_and_heads_that_are_none(case: Case) -> None:
    raw = case.repo[case.ids[4]].read_raw()
    twice = raw.replace(b"\ngpgsig ", b"\ngpgsig x\ngpgsig ", 1)
    new = str(case.repo.odb.write(1, twice))
    case.move(new)
    assert case.wrong() == [(new, "malformed")]


def test_another_signers_file(known: Case) -> None:
    known.signers.write_text(key("ana").allowed("ana@example.org") + key("mallory").allowed("*"))
    known.move(add(known, known.ids[-1], "x", NOON + timedelta(hours=1), by=key("mallory")))
    (finding,) = known.verify().findings
    assert finding.what == "signers changed" and "--new-signers" in finding.why
    assert known.verify().findings[0].what == "signers changed", "being told once changes nothing"
    meant = known.verify(new_signers=True)
    assert (meant.findings, meant.commits) == ((), 6)
    assert known.verify().findings == ()


def test_a_signers_file_under_which_the_past_was_never_good(known: Case) -> None:
    known.signers.write_text(key("bo").allowed("*"))
    done = known.verify(new_signers=True)
    assert {one.what for one in done.findings} == {"not allowed"} and done.count == 5


def edit(case: Case, id: str, data: bytes) -> None:
    """Other bytes under the name of a loose object, as whole as git wants it."""
    path = Path(case.repo.path, "objects", id[:2], id[2:])
    path.chmod(0o600)
    path.write_bytes(zlib.compress(data))


def test_an_edited_file_of_a_commit(case: Case) -> None:
    blob = str(case.repo[case.ids[2]].tree["f2"].id)
    edit(case, blob, b"blob 2\0f9")
    (finding,) = case.verify().findings
    assert (finding.commit, finding.what) == (case.ids[2], "edited") and "f2" in finding.why


def test_an_edited_file_of_a_past_that_was_verified(known: Case) -> None:
    edit(known, str(known.repo[known.ids[2]].tree["f2"].id), b"blob 2\0f9")
    assert known.wrong() == [(known.ids[4], "edited")]


def test_an_edited_folder_and_a_missing_file(case: Case) -> None:
    folder = case.repo[case.ids[4]].tree
    edit(case, str(folder.id), b"tree 0\0")
    assert case.wrong() == [(case.ids[4], "edited")]
    missing = str(case.repo[case.ids[3]].tree["f3"].id)
    Path(case.repo.path, "objects", missing[:2], missing[2:]).unlink()
    assert (case.ids[3], "edited") in case.wrong()


def test_an_edited_commit(case: Case) -> None:
    raw = case.repo[case.ids[4]].read_raw().replace(b"Add f4", b"Add f5")
    edit(case, case.ids[4], b"commit %d\0" % len(raw) + raw)
    assert case.wrong() == [(case.ids[4], "damaged")]


def test_a_cut_off_commit_is_no_hang(case: Case) -> None:
    path = Path(case.repo.path, "objects", case.ids[2][:2], case.ids[2][2:])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-30])
    assert [what for _, what in case.wrong()] == ["damaged"]


def test_a_shallow_clone_is_not_taken_for_the_whole(case: Case, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow.git"
    source = f"file://{case.workspace.store.path}"
    subprocess.run(["git", "clone", "-q", "--bare", "--depth=2", source, str(shallow)], check=True)
    case.workspace.store.path.rename(tmp_path / "whole.git")
    shallow.rename(case.workspace.store.path)
    assert case.wrong() == [(case.ids[3], "cut off")]


def test_what_was_verified_is_kept_only_where_all_is_well(known: Case) -> None:
    trust = known.workspace.root / "trust.toml"
    before = trust.read_bytes()
    assert trust.stat().st_mode & 0o777 == 0o600
    known.move(add(known, known.ids[-1], "x", NOON + timedelta(hours=1), unsigned=True))
    assert known.verify().count == 1 and trust.read_bytes() == before


def test_from_is_vouched_for_and_kept(case: Case) -> None:
    middle = add(case, case.ids[-1], "x", NOON + timedelta(hours=1), unsigned=True)
    case.move(add(case, middle, "y", NOON + timedelta(hours=2)))
    assert case.wrong() == [(middle, "unsigned")]
    done = case.verify(middle)
    assert (done.findings, done.commits, done.after) == ((), 1, middle)
    assert case.verify().findings == ()
    assert f'after = "{middle}"' in (case.workspace.root / "trust.toml").read_text()
    assert case.verify(new_signers=True).findings == ()


def test_signed_by_helper_makes_what_git_takes(case: Case) -> None:
    """The commits that these tests make are ones that `git verify-commit` takes too."""
    assert signed_by.__doc__
    words = ["git", f"--git-dir={case.workspace.store.path}", "-c", "gpg.format=ssh"]
    words += ["-c", f"gpg.ssh.allowedSignersFile={case.signers}", "verify-commit", *case.ids]
    subprocess.run(words, check=True, capture_output=True)
