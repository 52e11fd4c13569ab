"""Whose signature it is, or why it is nobody's. Pure: no file is read and no clock is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from store.signing.allowed import Entry, Signers
from store.signing.keys import UnknownType, fingerprint, is_good
from store.signing.patterns import matches
from store.signing.signature import parse
from store.signing.wire import Malformed
from store.text import one_line

NAMESPACE = "git"
"""What commits are signed for."""
APPROVALS = "lockgate"
"""What approvals are signed for, so that neither passes for the other."""

Fault = Literal[
    "malformed", "unknown key type", "wrong namespace", "changed", "not allowed", "not valid yet", "expired"
]


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who may sign, and did."""

    fingerprint: str
    """Of their key: `SHA256:…`."""
    entries: tuple[Entry, ...]
    """The lines that allow it."""

    def speaks_for(self, principal: str) -> bool:
        """Whether one of the lines names `principal` (an e-mail address)."""
        return any(entry.is_for(principal) for entry in self.entries)

    @property
    def principals(self) -> str:
        """Whom the lines name, as one line of text."""
        return one_line(",".join(entry.principals for entry in self.entries), 120)


@dataclass(frozen=True, slots=True)
class Refused:
    """No signature that counts."""

    what: Fault
    why: str
    """One sentence without its full stop."""


def signer_of(
    armored: str, data: bytes, signers: Signers, at: datetime, namespace: str = NAMESPACE
) -> Signer | Refused:
    """Who of `signers` signed `data` for `namespace` by the signature `armored`, at a time that says of
    itself to be `at`."""
    try:
        signature = parse(armored)
        if signature.namespace != namespace:
            made_for = one_line(signature.namespace, 60)
            return Refused(
                "wrong namespace", f"the signature was made for {made_for!r}, not for {namespace!r}"
            )
        good = is_good(signature, data)
    except UnknownType as error:
        return Refused("unknown key type", f"the signature {error}")
    except Malformed as error:
        return Refused("malformed", f"the signature {error}")
    if not good:
        return Refused("changed", "the signature is of other bytes: what it signed was changed afterwards")
    return _allowed(signature.key, signers, at, namespace)


def _allowed(key: bytes, signers: Signers, at: datetime, namespace: str) -> Signer | Refused:
    name = fingerprint(key)
    known = signers.by_key.get(key, ())
    entries = [one for one in known if one.namespaces is None or matches(namespace, one.namespaces)]
    if not entries:
        why = f"for {namespace!r} " if known else ""
        return Refused("not allowed", f"the key {name} is not allowed {why}by the signers' file")
    valid = tuple(one for one in entries if not _untimely(one, at))
    if valid:
        return Signer(name, valid)
    return next(one for one in (_untimely(entry, at) for entry in reversed(entries)) if one is not None)


def _untimely(entry: Entry, at: datetime) -> Refused | None:
    who = one_line(entry.principals, 120)
    if entry.after is not None and at < entry.after:
        return Refused(
            "not valid yet", f"the key of {who} counts only from {entry.after:%Y-%m-%d %H:%M:%S} UTC"
        )
    if entry.before is not None and at > entry.before:
        until = f"{entry.before:%Y-%m-%d %H:%M:%S} UTC"
        return Refused("expired", f"the key of {who} counted only until {until}")
    return None
