"""Who may sign: a file in the format of OpenSSH's allowed_signers (ssh-keygen(1), ALLOWED SIGNERS)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from store.bounded import decode_text
from store.errors import InputError
from store.signing.patterns import matches
from store.signing.wire import Malformed, Reader
from store.text import one_line

LIMIT = 1024 * 1024
"""Bytes of the file."""
_LINE_LIMIT = 16 * 1024
_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]{1,100}")
_OPTION = re.compile(r'([A-Za-z-]{1,50})(?:=(?:"([^"]*)"|([^",]*)))?(?:,|$)')
_TIME = re.compile(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?(Z)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a key and whose it is."""

    line: int
    principals: str
    """Patterns with commas between them."""
    key: bytes
    """The public key in SSH's encoding."""
    namespaces: str | None = None
    """Patterns; None for every namespace."""
    after: datetime | None = None
    """It counts from then."""
    before: datetime | None = None
    """It counts until then."""

    def is_for(self, principal: str) -> bool:
        """Whether `principal` (an e-mail address) is one that the key signs for."""
        return matches(principal, self.principals)


@dataclass(frozen=True, slots=True)
class Signers:
    """The whole file."""

    by_key: Mapping[bytes, tuple[Entry, ...]]
    digest: str
    """`sha256:` and 64 hex digits, of the file's bytes."""


def parse(data: bytes, where: str) -> Signers:
    """Reads a file. Raises InputError naming `where` and the line for whatever OpenSSH would not read, and
    for certificate authorities, which are not followed."""
    found: dict[bytes, tuple[Entry, ...]] = {}
    for number, line in enumerate(decode_text(data, where, LIMIT).split("\n"), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            entry = _entry(number, text)
        except Malformed as error:
            raise InputError(
                f"{where}, line {number}: {error}. A line looks like: ana@example.org ssh-ed25519 AAAA…"
            ) from None
        found[entry.key] = (*found.get(entry.key, ()), entry)
    return Signers(MappingProxyType(found), "sha256:" + hashlib.sha256(data).hexdigest())


def _entry(number: int, text: str) -> Entry:
    if len(text) > _LINE_LIMIT:
        raise Malformed(f"it has over {_LINE_LIMIT:,} characters")
    principals, rest = _word(text)
    if not principals:
        raise Malformed("it names nobody")
    options: dict[str, str] = {}
    type, behind = _word(rest)
    if not _KEY_TYPE.fullmatch(type):
        given, rest = _unquoted(rest)
        options = _options(given)
        type, behind = _word(rest)
    if not _KEY_TYPE.fullmatch(type):
        raise Malformed("a key belongs behind the name" if type else "it names no key")
    if "cert-authority" in options:
        raise Malformed("cert-authority is not followed; name each key itself")
    return Entry(
        line=number,
        principals=principals,
        key=_key(type, _word(behind)[0]),
        namespaces=options.get("namespaces"),
        after=_moment(options.get("valid-after")),
        before=_moment(options.get("valid-before")),
    )


def _word(text: str) -> tuple[str, str]:
    """The first word of `text`, which may stand in quotes, and what is behind it."""
    if text.startswith('"'):
        word, quote, rest = text[1:].partition('"')
        if not quote or (rest and not rest[0].isspace()):
            raise Malformed("a quotation mark is missing")
        return word, rest.lstrip()
    parts = text.split(maxsplit=1)
    return (parts[0], parts[1] if len(parts) > 1 else "") if parts else ("", "")


def _unquoted(text: str) -> tuple[str, str]:
    """`text` up to the first blank that is in no quotes, and what is behind it."""
    inside = False
    for at, character in enumerate(text):
        if character == '"':
            inside = not inside
        elif character.isspace() and not inside:
            return text[:at], text[at:].lstrip()
    return text, ""


def _options(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _OPTION.match(text, at)
        name = match[1].lower() if match else ""
        if match is None or name not in ("cert-authority", "namespaces", "valid-after", "valid-before"):
            raise Malformed(f"{one_line(text[at:], 40)!r} is no option that is known")
        value = match[2] if match[2] is not None else match[3]
        if name in found or (value is None) != (name == "cert-authority"):
            raise Malformed(f"the option {name} is not given as it should be")
        found[name] = value or ""
        at = match.end()
    return found


def _key(type: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
        if Reader(key).name() == type:
            return key
    except (binascii.Error, ValueError):
        pass
    raise Malformed(f"its {one_line(type, 60)} key is not whole")


def _moment(text: str | None) -> datetime | None:
    """YYYYMMDD[HHMM[SS]][Z]; without the Z in this machine's time zone, as OpenSSH has it."""
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise Malformed(f"{one_line(text, 40)!r} is no time; write YYYYMMDD or YYYYMMDDHHMMSS, and Z for UTC")
    try:
        local = datetime.strptime(match[1] + (match[2] or "0000") + (match[3] or "00"), "%Y%m%d%H%M%S")
        return local.replace(tzinfo=UTC) if match[4] else local.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(f"{one_line(text, 40)!r} is no time that there is") from None
