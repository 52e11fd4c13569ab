"""The signers' file is read as OpenSSH reads it, and what is wrong in it is named by its line."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import InputError
from store.signing import allowed
from store.signing.patterns import matches
from tests.signing.keyring import KEYGEN, key, wants_ssh_keygen

pytestmark = wants_ssh_keygen


def read(text: str) -> list[allowed.Entry]:
    return [one for entries in allowed.parse(text.encode(), "signers").by_key.values() for one in entries]


def test_a_file_with_everything() -> None:
    ana, bo = key("ana"), key("bo")
    one, two, three = read(
        "# who may\n\n"
        f"ana@example.org,*@team.example.org {ana.public} Ana's laptop\n"
        f'"Bo Li,bo@example.org" namespaces="git,file",VALID-AFTER=20260101Z,valid-before="202612312359Z" '
        f"{bo.public}\r\n"
        f"  !mallory@example.org,*@example.org  {ana.public}"
    )
    assert (one.line, one.principals) == (3, "ana@example.org,*@team.example.org")
    assert one.is_for("x@team.example.org") and not one.is_for("x@example.org")
    assert two.principals == "!mallory@example.org,*@example.org"
    assert two.is_for("ana@example.org") and not two.is_for("mallory@example.org")
    assert three.is_for("Bo Li") and three.namespaces == "git,file"
    assert three.after == datetime(2026, 1, 1, tzinfo=UTC)
    assert three.before == datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


def test_a_time_without_z_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Athens")
    time.tzset()
    try:
        (one,) = read(key("ana").allowed("a@b", "valid-after=20260701120000"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert one.after == datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ana@example.org", "it names no key"),
        ("ana@example.org ssh-ed25519", "key is not whole"),
        ("ana@example.org ssh-ed25519 AAAA", "key is not whole"),
        ("ana@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5é", "key is not whole"),
        ("ana@example.org ssh-rsa {key}", "key is not whole"),
        ("ana@example.org cert-authority ssh-ed25519 {key}", "cert-authority is not followed"),
        ("ana@example.org valid-before=2026 ssh-ed25519 {key}", "is no time"),
        ("ana@example.org valid-before=20261341 ssh-ed25519 {key}", "is no time"),
        ("ana@example.org valid-before=20260101,valid-before=20260101 ssh-ed25519 {key}", "valid-before"),
        ("ana@example.org sudo=yes ssh-ed25519 {key}", "'sudo=yes' is no option"),
        ("ana@example.org namespaces ssh-ed25519 {key}", "the option namespaces"),
        ('"ana@example.org ssh-ed25519 {key}', "quotation mark"),
        ('"" ssh-ed25519 {key}', "names nobody"),
        ("a" * 20_000 + " ssh-ed25519 {key}", "over 16,384 characters"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(line: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read("# first\n" + line.format(key=key("ana").public.split()[1]))
    assert caught.value.message.startswith("signers, line 2: ") and says in caught.value.message
    assert "\n" not in caught.value.message


def test_a_file_is_bounded_and_is_text() -> None:
    for data in (b"#" * (allowed.LIMIT + 1), b"\xff\xfe"):
        with pytest.raises(InputError, match="signers"):
            allowed.parse(data, "signers")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_hostile_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    try:
        read(text)
    except InputError as error:
        assert error.message.startswith("signers")


def test_patterns_cost_no_more_than_their_lengths() -> None:
    began = time.perf_counter()
    assert not matches("a" * 1_000, "*a" * 500 + "b")
    assert time.perf_counter() - began < 3


@settings(max_examples=30, deadline=None)
@given(
    st.text("ab.", max_size=5), st.lists(st.text("ab*?!.", min_size=1, max_size=5), min_size=1, max_size=3)
)
def test_patterns_are_those_of_openssh(text: str, patterns: list[str]) -> None:
    """`ssh-keygen -Y match-principals` says which it takes."""
    joined = ",".join(patterns)
    path = key("ana").path.with_name("patterns")
    Path(path).write_text(key("ana").allowed(f'"{joined}"'))
    words = [str(KEYGEN), "-Y", "match-principals", "-I", f"x{text}", "-f", str(path)]
    found = subprocess.run(words, capture_output=True)
    if b"nknown" in found.stderr or b"too few" in found.stderr:
        pytest.skip("this ssh-keygen is older than `-Y match-principals`")
    assert matches(f"x{text}", joined) == (found.returncode == 0), (found.stdout, found.stderr)
