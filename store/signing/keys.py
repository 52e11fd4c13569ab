"""Public keys of SSH, and whether a signature is one of theirs.

`cryptography` is imported when the first signature is verified: nothing else wants it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import lru_cache

from store.signing.signature import Signature
from store.signing.wire import Malformed, Reader
from store.text import one_line

Verify = Callable[[bytes, bytes], bool]
"""(the signature proper in SSH's encoding, the bytes that were signed) to whether it is good.

Raises Malformed."""
_ED25519 = "ssh-ed25519"
_SECURITY_KEY = "sk-ssh-ed25519@openssh.com"
_ECDSA = "ecdsa-sha2-nistp256"
_RSA = "ssh-rsa"
TYPES = (_ED25519, _SECURITY_KEY, _ECDSA, _RSA)
"""The types of key that are verified."""
_RSA_BITS = range(2048, 16385)
_ED25519_BYTES = 32
_P256_BYTES = 65
_USER_PRESENT = 0x01
"""The flag of a security key that was touched (OpenSSH, PROTOCOL.u2f)."""


class UnknownType(Malformed):
    """A type of key that is not verified."""


def type_of(key: bytes) -> str:
    """The type that the public key `key` names. Raises Malformed."""
    return Reader(key).name()


def fingerprint(key: bytes) -> str:
    """`SHA256:…`, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def is_good(signature: Signature, data: bytes) -> bool:
    """Whether the key that `signature` names signed `data`.

    Raises Malformed when the key or the signature is not in the form of its type, UnknownType.
    """
    return verifier(signature.key)(signature.blob, signature.signed(data))


@lru_cache(maxsize=256)
def verifier(key: bytes) -> Verify:
    """What verifies for the public key `key`. Raises Malformed, UnknownType."""
    reader = Reader(key)
    type = reader.name()
    if type not in _MAKERS:
        raise UnknownType(f"is of a key of type {one_line(type, 60)}; known are {', '.join(TYPES)}")
    made = _MAKERS[type](reader)
    reader.end()
    return made


def _ed25519(reader: Reader) -> Verify:
    good = _ed25519_check(reader)
    return lambda blob, signed: good(_only(blob, _ED25519), signed)


def _security_key(reader: Reader) -> Verify:
    good = _ed25519_check(reader)
    application = hashlib.sha256(reader.string()).digest()

    def verify(blob: bytes, signed: bytes) -> bool:
        fields = Reader(blob)
        _demand_type(fields, _SECURITY_KEY)
        proper, flags, counter = fields.string(), fields.take(1), fields.take(4)
        fields.end()
        if not flags[0] & _USER_PRESENT:
            raise Malformed("was made without anybody touching the security key")
        return good(proper, application + flags + counter + hashlib.sha256(signed).digest())

    return verify


def _ed25519_check(reader: Reader) -> Callable[[bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = reader.string()
    if len(raw) != _ED25519_BYTES:
        raise Malformed("names a key of a wrong length")
    public = Ed25519PublicKey.from_public_bytes(raw)

    def good(proper: bytes, signed: bytes) -> bool:
        try:
            public.verify(proper, signed)
        except InvalidSignature:
            return False
        return True

    return good


def _ecdsa(reader: Reader) -> Verify:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    curve, point = reader.string(), reader.string()
    if curve != b"nistp256" or len(point) != _P256_BYTES:
        raise Malformed("names a key that is not on the curve P-256")
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise Malformed("names a key that is not on the curve P-256") from None
    algorithm = ec.ECDSA(SHA256())

    def verify(blob: bytes, signed: bytes) -> bool:
        numbers = Reader(_only(blob, _ECDSA))
        r, s = numbers.positive(), numbers.positive()
        numbers.end()
        try:
            public.verify(encode_dss_signature(r, s), signed, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _rsa(reader: Reader) -> Verify:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256, SHA512

    e, n = reader.positive(), reader.positive()
    if n.bit_length() not in _RSA_BITS:
        raise Malformed(f"names an RSA key of {n.bit_length():,} bits; {_RSA_BITS[0]:,} are the fewest")
    try:
        public = RSAPublicNumbers(e, n).public_key()
    except ValueError:
        raise Malformed("names an RSA key that is none") from None
    hashes = {"rsa-sha2-256": SHA256, "rsa-sha2-512": SHA512}

    def verify(blob: bytes, signed: bytes) -> bool:
        fields = Reader(blob)
        algorithm = fields.name()
        proper = fields.string()
        fields.end()
        if algorithm not in hashes:
            raise Malformed(f"is an RSA signature of type {one_line(algorithm, 60)}; SHA-2 is wanted")
        try:
            public.verify(proper, signed, PKCS1v15(), hashes[algorithm]())
        except InvalidSignature:
            return False
        return True

    return verify


_MAKERS: dict[str, Callable[[Reader], Verify]] = {
    _ED25519: _ed25519,
    _SECURITY_KEY: _security_key,
    _ECDSA: _ecdsa,
    _RSA: _rsa,
}


def _only(blob: bytes, type: str) -> bytes:
    """The one field of `blob` behind its type."""
    fields = Reader(blob)
    _demand_type(fields, type)
    proper = fields.string()
    fields.end()
    return proper


def _demand_type(fields: Reader, type: str) -> None:
    if fields.name() != type:
        raise Malformed("is of another type than its key")
