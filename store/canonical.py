"""Canonical bytes and digests: the same value always gives the same sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(value: Any) -> bytes:
    """`value` as UTF-8 JSON with sorted keys and no spaces (after RFC 8785, without its float rules).

    Raises ValueError for NaN and infinities.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def sha256_hex(data: bytes) -> str:
    """The sha256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """`sha256:` and the hash of the canonical JSON of `value`."""
    return "sha256:" + sha256_hex(canonical_json(value))


def digest_of_files(files: Mapping[str, bytes]) -> str:
    """`sha256:` over the sorted (path, sha256) pairs of `files`."""
    return digest_of(sorted((path, sha256_hex(data)) for path, data in files.items()))


def short(digest: str, length: int = 10) -> str:
    """The first `length` hex digits of a digest, without its `sha256:`."""
    return digest.removeprefix("sha256:")[:length]
