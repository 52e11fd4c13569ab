"""A commit as git keeps it, taken apart into what was signed and the signature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from store.signing.wire import Malformed

_WHO = re.compile(rb"[^<>\n]*<([^<>\n]*)> ([0-9]{1,15}) [+-][0-9]{4}")
_ID = re.compile(rb"[0-9a-f]{40}")
_SIGNATURES = (b"gpgsig", b"gpgsig-sha256")


@dataclass(frozen=True, slots=True)
class RawCommit:
    """What a commit says."""

    tree: str
    """40 hex."""
    parents: tuple[str, ...]
    author: bytes
    """Name, address and time, as they stand."""
    email: str
    """The committer's."""
    at: datetime
    """The committer's time, in UTC."""
    message: bytes
    signature: str | None
    """Armored."""
    payload: bytes
    """What is signed: all of it but the signature."""


def parse(data: bytes) -> RawCommit:
    """Reads the bytes of a commit. Raises Malformed for one that git would not write."""
    head, blank, message = data.partition(b"\n\n")
    if not blank:
        raise Malformed("has no end of its head")
    fields = _fields(head)
    signatures = [field for field in fields if field.partition(b" ")[0] in _SIGNATURES]
    if len(signatures) > 1:
        raise Malformed("has more than one signature")
    kept = [field for field in fields if field not in signatures]
    committer = _WHO.fullmatch(_one(kept, b"committer"))
    tree, parents = _one(kept, b"tree"), _all(kept, b"parent")
    if committer is None or not all(_ID.fullmatch(id) for id in (tree, *parents)):
        raise Malformed("has a head that is not one")
    try:
        at = datetime.fromtimestamp(int(committer[2]), UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed("names a time that there is not") from None
    return RawCommit(
        tree=tree.decode(),
        parents=tuple(id.decode() for id in parents),
        author=_one(kept, b"author"),
        email=committer[1].decode(errors="replace"),
        at=at,
        message=message,
        signature=_unfolded(signatures[0]) if signatures else None,
        payload=b"\n".join(kept) + blank + message,
    )


def _fields(head: bytes) -> list[bytes]:
    """Lines of the head, each with those that continue it."""
    fields: list[bytes] = []
    for line in head.split(b"\n"):
        if line.startswith(b" ") and fields:
            fields[-1] += b"\n" + line
        else:
            fields.append(line)
    return fields


def _unfolded(field: bytes) -> str:
    return field.partition(b" ")[2].replace(b"\n ", b"\n").decode("ascii", "replace")


def _all(fields: list[bytes], key: bytes) -> list[bytes]:
    return [value for name, _, value in (field.partition(b" ") for field in fields) if name == key]


def _one(fields: list[bytes], key: bytes) -> bytes:
    found = _all(fields, key)
    if len(found) != 1:
        raise Malformed(f"has {len(found)} fields `{key.decode()}`")
    return found[0]
