"""SSH signatures as `ssh-keygen -Y sign` writes them (OpenSSH, PROTOCOL.sshsig)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from store.signing.wire import Malformed, Reader, string
from store.text import one_line

LIMIT = 16 * 1024
"""Characters of an armored signature."""
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_VERSION = 1
_HASHES = ("sha256", "sha512")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature says of itself. Nothing of it is verified yet."""

    key: bytes
    """The public key in SSH's encoding."""
    namespace: str
    """What it was made for."""
    hash: str
    """sha256 or sha512."""
    blob: bytes
    """The signature proper, in the encoding of its key's type."""

    def signed(self, data: bytes) -> bytes:
        """The bytes that were signed, if `data` was: PROTOCOL.sshsig, section 3."""
        digest = hashlib.new(self.hash, data).digest()
        fields = (self.namespace.encode(), b"", self.hash.encode(), digest)
        return _MAGIC + b"".join(string(one) for one in fields)


def parse(armored: str) -> Signature:
    """Reads an armored signature.

    One that has only one way to be written is the only one that is read: a reserved field that is not
    empty, base64 with loose bits and what follows the last field are refused. Raises Malformed.
    """
    reader = Reader(_unarmored(armored))
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise Malformed("is not an SSH signature")
    if (version := reader.number()) != _VERSION:
        raise Malformed(f"is of version {version}, and only {_VERSION} is known")
    key, namespace, reserved, hash = reader.string(), reader.string(), reader.string(), reader.name()
    blob = reader.string()
    reader.end()
    if reserved:
        raise Malformed("says something in a field that is to be empty")
    if hash not in _HASHES:
        raise Malformed(f"uses the hash {one_line(hash, 40)}, not {' or '.join(_HASHES)}")
    try:
        return Signature(key, namespace.decode(), hash, blob)
    except UnicodeDecodeError:
        raise Malformed("names a namespace that is not text") from None


def _unarmored(armored: str) -> bytes:
    if len(armored) > LIMIT:
        raise Malformed(f"has over {LIMIT:,} characters")
    lines = armored.removesuffix("\n").split("\n")
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise Malformed("is not an SSH signature")
    text = "".join(lines[1:-1])
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("is not whole base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise Malformed("is not whole base64")
    return data
