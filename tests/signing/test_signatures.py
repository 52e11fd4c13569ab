"""Signatures of the real ssh-keygen are verified in process, and nothing else is taken for one."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.signing import allowed, signature
from store.signing.keys import fingerprint
from store.signing.ruling import Refused, Signer, signer_of
from store.signing.wire import Malformed, string
from tests.signing.keyring import KEYGEN, Key, key, wants_ssh_keygen

pytestmark = wants_ssh_keygen
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DATA = b"tree 0123\n\nPromote r7\n"


def signers(*lines: str) -> allowed.Signers:
    return allowed.parse("".join(lines).encode(), "allowed_signers")


@pytest.mark.parametrize("hash", ["sha256", "sha512"])
@pytest.mark.parametrize("type", ["ed25519", "ecdsa", "rsa"])
def test_a_real_signature_is_its_keys(type: str, hash: str) -> None:
    ana = key(f"ana-{type}", type)
    found = signer_of(ana.sign(DATA, hash=hash), DATA, signers(ana.allowed("ana@example.org")), NOW)
    assert isinstance(found, Signer)
    assert found.speaks_for("ana@example.org") and not found.speaks_for("bo@example.org")
    listed = subprocess.run([str(KEYGEN), "-lf", str(ana.path)], capture_output=True, check=True).stdout
    assert found.fingerprint == listed.split()[1].decode()


@pytest.mark.parametrize("type", ["ed25519", "ecdsa", "rsa"])
def test_a_signature_of_other_data_is_nobodys(type: str) -> None:
    ana = key(f"ana-{type}", type)
    found = signer_of(ana.sign(DATA + b"x"), DATA, signers(ana.allowed("*")), NOW)
    assert isinstance(found, Refused) and found.what == "changed"


def sk_parts(*, flags: int = 1, data: bytes = DATA) -> tuple[bytes, str]:
    """The public key and the signature of a security key that is all software."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    type = b"sk-ssh-ed25519@openssh.com"
    public = string(type) + string(secret.public_key().public_bytes_raw()) + string(b"ssh:")
    digest = hashlib.sha512(data).digest()
    signed = b"SSHSIG" + b"".join(string(one) for one in (b"git", b"", b"sha512", digest))
    end = bytes([flags]) + (7).to_bytes(4, "big")
    proper = secret.sign(hashlib.sha256(b"ssh:").digest() + end + hashlib.sha256(signed).digest())
    blob = string(type) + string(proper) + end
    fields = b"".join(string(one) for one in (public, b"git", b"", b"sha512", blob))
    return public, armored(b"SSHSIG" + (1).to_bytes(4, "big") + fields)


def armored(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def test_a_security_keys_signature_is_read_as_openssh_reads_it(tmp_path: Path) -> None:
    public, text = sk_parts()
    line = f"ana@example.org sk-ssh-ed25519@openssh.com {base64.b64encode(public).decode()}\n"
    assert isinstance(signer_of(text, DATA, signers(line), NOW), Signer)
    (tmp_path / "signers").write_text(line)
    (tmp_path / "sig").write_text(text)
    words = [
        str(KEYGEN),
        "-Y",
        "verify",
        "-n",
        "git",
        "-I",
        "ana@example.org",
        "-f",
        str(tmp_path / "signers"),
    ]
    subprocess.run([*words, "-s", str(tmp_path / "sig")], input=DATA, check=True, capture_output=True)
    untouched = signer_of(sk_parts(flags=0)[1], DATA, signers(line), NOW)
    assert isinstance(untouched, Refused) and "touching" in untouched.why


def refused(text: str, *lines: str, at: datetime = NOW) -> Refused:
    found = signer_of(text, DATA, signers(*lines), at)
    assert isinstance(found, Refused), found
    return found


def test_every_reason_is_named() -> None:
    ana, bo = key("ana"), key("bo")
    good = ana.sign(DATA)
    assert refused(ana.sign(DATA, "file"), ana.allowed("*")).what == "wrong namespace"
    assert refused(good, bo.allowed("*")).what == "not allowed"
    only_files = refused(good, ana.allowed("*", 'namespaces="file"'))
    assert only_files.what == "not allowed" and "'git'" in only_files.why
    late = refused(good, ana.allowed("a@b", 'valid-before="20260302115959Z"'))
    assert late.what == "expired" and "2026-03-02 11:59:59 UTC" in late.why
    early = refused(good, ana.allowed("a@b", "valid-after=20260302120001Z"))
    assert early.what == "not valid yet" and "2026-03-02 12:00:01 UTC" in early.why
    assert refused("not a signature", ana.allowed("*")).what == "malformed"
    assert refused("", ana.allowed("*")).what == "malformed"


def test_an_expired_line_does_not_hide_a_good_one() -> None:
    ana = key("ana")
    lines = (ana.allowed("old@b", "valid-before=20250101Z"), ana.allowed("new@b", "valid-after=20250101Z"))
    for order in (lines, lines[::-1]):
        found = signer_of(ana.sign(DATA), DATA, signers(*order), NOW)
        assert isinstance(found, Signer)
        assert found.speaks_for("new@b") and not found.speaks_for("old@b")


def test_key_types_that_are_not_verified_are_refused_in_words() -> None:
    other = key("other", "ecdsa")
    raw = base64.b64decode("".join(other.sign(DATA).split("\n")[1:-2]))
    text = armored(raw.replace(b"nistp256", b"nistp999"))
    found = refused(text, key("ana").allowed("*"))
    assert found.what == "unknown key type" and "ecdsa-sha2-nistp999" in found.why
    small = b"".join(string(one) for one in (b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xc1" * 128))
    fields = b"".join(string(one) for one in (small, b"git", b"", b"sha256", b""))
    weak = refused(armored(b"SSHSIG\0\0\0\x01" + fields), key("ana").allowed("*"))
    assert weak.what == "malformed" and "1,024 bits" in weak.why


_REAL: dict[str, tuple[Key, str]] = {}


def real(type: str) -> tuple[Key, str]:
    if type not in _REAL:
        made = key(f"flip-{type}", type)
        _REAL[type] = (made, made.sign(DATA))
    return _REAL[type]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["ed25519", "ecdsa", "rsa"]), st.integers(0, 10**9), st.integers(1, 255))
def test_no_flipped_byte_is_accepted(type: str, place: int, flip: int) -> None:
    """In the signature as text, in the signature as bytes (with the key in it), in the key, in the data."""
    ana, text = real(type)
    everybody = signers(ana.allowed("*"))
    raw = base64.b64decode("".join(text.split("\n")[1:-2]))

    def flipped(data: bytes) -> bytes:
        at = place % len(data)
        return data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]

    public = base64.b64decode(ana.public.split()[1])
    other = allowed.Signers({flipped(public): everybody.by_key[public]}, everybody.digest)
    assert isinstance(signer_of(text, DATA, everybody, NOW), Signer)
    assert isinstance(signer_of(flipped(text.encode()).decode("latin-1"), DATA, everybody, NOW), Refused)
    assert isinstance(signer_of(armored(flipped(raw)), DATA, everybody, NOW), Refused)
    assert isinstance(signer_of(armored(flipped(raw)), DATA, other, NOW), Refused)
    assert isinstance(signer_of(text, DATA, other, NOW), Refused)
    assert isinstance(signer_of(text, flipped(DATA), everybody, NOW), Refused)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda end: b"SSHSIG\0\0\0\x01" + end)))
def test_hostile_bytes_end_in_a_reason(data: bytes) -> None:
    found = signer_of(armored(data), DATA, signers(), NOW)
    assert isinstance(found, Refused) and "\n" not in found.why and len(found.why) < 300


def test_what_could_be_written_in_two_ways_is_refused() -> None:
    _, text = real("ed25519")
    lines = text.split("\n")
    raw = base64.b64decode("".join(lines[1:-2]))
    for other in (
        text.replace("\n", "\r\n"),
        " " + text,
        text + "\n",
        "x" * (signature.LIMIT + 1),
        armored(raw + b"\0"),
        armored(raw.replace(b"\0\0\0\x03git\0\0\0\0", b"\0\0\0\x03git\0\0\0\x01x")),
        armored(raw.replace(b"SSHSIG\0\0\0\x01", b"SSHSIG\0\0\0\x02")),
    ):
        with pytest.raises(Malformed):
            signature.parse(other)


def test_a_fingerprint_has_the_form_of_ssh_keygen() -> None:
    assert fingerprint(b"").startswith("SHA256:47DEQpj8HBSa") and "=" not in fingerprint(b"")
